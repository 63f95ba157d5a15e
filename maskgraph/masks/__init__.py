"""Masks, and sequences padded into rectangles."""

from maskgraph.masks.mask import Mask as Mask
from maskgraph.masks.masked_tensor import MaskedTensor as MaskedTensor
from maskgraph.masks.padding import pad_sequences as pad_sequences
