"""Randomness in training: drawn by NumPy, so alike on every backend."""

from __future__ import annotations

import numpy as np

from maskgraph import dtypes
from maskgraph.graph import Spec
from maskgraph.ops.definition import define
from maskgraph.ops.elementwise import PASS
from maskgraph.ops.operands import Tensor
from maskgraph.ops.rule import MaskRule


@define(shape=lambda x, rate, generator: Spec(x.shape, "bool"), mask=MaskRule(), pure=False)
def random_keep(x: Tensor, rate: float, generator: np.random.Generator) -> Tensor:
    """Return True for the elements of x to keep, each with probability 1 - rate."""


@define(shape=lambda x, keep, rate: x, mask=PASS)
def dropout(x: Tensor, keep: Tensor, rate: float) -> Tensor:
    """Return x / (1 - rate) where `keep` is True, 0 elsewhere. Mask out: that of x."""


@define(
    shape=lambda x, stddev, generator: Spec(x.shape, dtypes.as_float(x.dtype)),
    mask=MaskRule(),
    pure=False,
    together=("x",),
    floating=True,
)
def random_normal(x: Tensor, stddev: float, generator: np.random.Generator) -> Tensor:
    """Return normal random numbers of mean 0 in the shape of x, floats of its dtype."""
