"""Helpers for data, where Keras has them."""

from maskgraph.graph import set_random_seed as set_random_seed
from maskgraph.masks import pad_sequences as pad_sequences
