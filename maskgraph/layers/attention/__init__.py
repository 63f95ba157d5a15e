"""Attention: which values a query may look at, how much of each it takes, and what that gives.

`visibility.py` says where a query may look; `base.py` makes weights of scores; the layers say
how a query and a key make a score.
"""

from maskgraph.layers.attention.additive import AdditiveAttention as AdditiveAttention
from maskgraph.layers.attention.dot_product import Attention as Attention
from maskgraph.layers.attention.grouped_query import GroupedQueryAttention as GroupedQueryAttention
from maskgraph.layers.attention.grouped_query import GroupQueryAttention as GroupQueryAttention
from maskgraph.layers.attention.multi_head import MultiHeadAttention as MultiHeadAttention
