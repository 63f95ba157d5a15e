"""Layers that merge several tensors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, SUMMARY, LayerRow, as_list
from maskgraph.testing.sequences import Sequences


def rows() -> Iterator[LayerRow]:
    for cls in (
        layers.Add,
        layers.Subtract,
        layers.Multiply,
        layers.Average,
        layers.Maximum,
        layers.Minimum,
        layers.Concatenate,
    ):
        for mode in ("all", "any"):
            yield LayerRow(
                f"{cls.__name__}-{mode}",
                partial(cls, mask_merge=mode),
                (FLOATS, FLOATS),
                call=as_list,
                meet=mode,
                notes="Keras mixes padding into steps that exist",
            )
    yield from _products()
    yield LayerRow(
        "Concatenate-time", lambda: layers.Concatenate(axis=1), (FLOATS, FLOATS), call=as_list
    )


def _products() -> Iterator[LayerRow]:
    for name, normalize in {"Dot": False, "Dot-normalize": True}.items():
        yield LayerRow(
            f"{name}-features",
            partial(layers.Dot, axes=-1, normalize=normalize),
            (FLOATS, FLOATS),
            call=as_list,
            notes="Keras drops the masks",
        )
        yield LayerRow(
            f"{name}-time",
            partial(layers.Dot, axes=(1, 1), normalize=normalize),
            (FLOATS, Sequences(trailing=(3,))),
            SUMMARY,
            call=as_list,
            meet="all",
            notes="Keras counts padding",
        )
    yield LayerRow(
        "Dot-nothing-left",
        lambda: layers.Dot(axes=1),
        (Sequences(), Sequences()),
        SUMMARY,
        call=as_list,
        meet="all",
        notes="Keras counts padding",
    )
