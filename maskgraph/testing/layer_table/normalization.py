"""Layers that normalize."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, GRID, IDS, LayerRow

_PER_STEP = "it has one weight for each step of the rectangle"
_DROPS = "Keras drops the mask"
_COUNTS = "Keras counts padding in the statistics"


def rows() -> Iterator[LayerRow]:
    yield from _by_the_batch()
    yield from _by_the_step()
    yield from _over_time()
    yield from _by_given_values()


def _by_the_batch() -> Iterator[LayerRow]:
    make = layers.BatchNormalization
    yield LayerRow("BatchNormalization", make, (FLOATS,))
    plain = partial(make, center=False, scale=False, epsilon=0.1)
    yield LayerRow("BatchNormalization-plain", plain, (FLOATS,))
    notes = "Keras refuses a mask of two axes less than the input"
    yield LayerRow("BatchNormalization-grid", partial(make, axis=2), (GRID,), notes=notes)
    yield LayerRow(
        "BatchNormalization-time", partial(make, axis=1), (FLOATS,), lawful=_PER_STEP, notes=notes
    )


def _by_the_step() -> Iterator[LayerRow]:
    yield LayerRow("RMSNormalization", layers.RMSNormalization, (FLOATS,), notes=_DROPS)
    yield LayerRow(
        "RMSNormalization-grid",
        lambda: layers.RMSNormalization([3, 2], epsilon=0.1),
        (GRID,),
        notes=_DROPS,
    )
    yield LayerRow("UnitNormalization", layers.UnitNormalization, (FLOATS,))
    yield LayerRow("UnitNormalization-grid", lambda: layers.UnitNormalization([2, 3]), (GRID,))
    yield LayerRow(
        "SpectralNormalization-Dense",
        lambda: layers.SpectralNormalization(layers.Dense(3), power_iterations=2),
        (FLOATS,),
        notes=_DROPS,
    )
    yield LayerRow(
        "SpectralNormalization-Embedding",
        lambda: layers.SpectralNormalization(layers.Embedding(9, 4, mask_zero=True)),
        (IDS,),
        keras=None,  # it makes integers of the vectors, as the ids are
    )


def _over_time() -> Iterator[LayerRow]:
    for name, make in {
        "GroupNormalization": lambda: layers.GroupNormalization(groups=2),
        "GroupNormalization-instance": lambda: layers.GroupNormalization(-1, scale=False),
        "UnitNormalization-time": lambda: layers.UnitNormalization(axis=1),
        "UnitNormalization-whole": lambda: layers.UnitNormalization(axis=[1, 2]),
    }.items():
        yield LayerRow(name, make, (FLOATS,), notes=_COUNTS)
    yield LayerRow(
        "GroupNormalization-grid",
        lambda: layers.GroupNormalization(groups=1, axis=2),
        (GRID,),
        notes=_COUNTS,
    )
    yield LayerRow(
        "GroupNormalization-time-weights",
        lambda: layers.GroupNormalization(1, axis=1),
        (FLOATS,),
        lawful=_PER_STEP,
    )
    yield LayerRow(
        "RMSNormalization-time-weights",
        lambda: layers.RMSNormalization(axis=1),
        (FLOATS,),
        lawful=_PER_STEP,
        keras=None,  # it fails: its scale does not broadcast
    )


def _by_given_values() -> Iterator[LayerRow]:
    mean, variance = [0.5, -1.0, 0.0, 2.0], [1.0, 4.0, 0.25, 0.0]
    for name, make in {
        "Normalization": layers.Normalization,
        "Normalization-whole": lambda: layers.Normalization(axis=None),
        "Normalization-given": lambda: layers.Normalization(mean=mean, variance=variance),
        "Normalization-invert": lambda: layers.Normalization(mean=1, variance=4, invert=True),
    }.items():
        yield LayerRow(name, make, (FLOATS,))
    yield LayerRow("Normalization-grid", lambda: layers.Normalization(axis=[-1, 2]), (GRID,))
