"""Attention: which values a query may look at, how much of each it takes, and what that gives.

`ops.attention` is all of it, where a score is a product and only the result is wanted. `base.py`
turns to it, or makes weights of scores that the layers make of queries and keys.
"""

from maskgraph.layers.attention.additive import AdditiveAttention as AdditiveAttention
from maskgraph.layers.attention.dot_product import Attention as Attention
from maskgraph.layers.attention.grouped_query import GroupedQueryAttention as GroupedQueryAttention
from maskgraph.layers.attention.grouped_query import GroupQueryAttention as GroupQueryAttention
from maskgraph.layers.attention.multi_head import MultiHeadAttention as MultiHeadAttention
