"""The blocks of a transformer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, LayerRow
from maskgraph.testing.sequences import Sequences


def rows() -> Iterator[LayerRow]:
    other = Sequences(trailing=(5,))
    for first in (False, True):
        encoder = partial(layers.TransformerEncoder, 6, 2, normalize_first=first)
        decoder = partial(layers.TransformerDecoder, 6, 2, normalize_first=first)
        name = "-normalize_first" * first
        yield LayerRow(f"TransformerEncoder{name}", encoder, (FLOATS,), keras=None)
        yield LayerRow(f"TransformerDecoder{name}", decoder, (FLOATS, other), keras=None)
    yield LayerRow(
        "TransformerDecoder-alone",
        partial(layers.TransformerDecoder, 6, 2, activation="gelu"),
        (FLOATS,),
        keras=None,
    )
