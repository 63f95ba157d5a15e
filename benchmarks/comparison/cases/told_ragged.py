"""Sequences without padding: packed, nested; and how lists are padded."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks.comparison.case import case, case_without_keras
from benchmarks.comparison.cases.told import ABOUT_PYTORCH
from benchmarks.comparison.oracle import judge, layer_law, padded, sequences_of_vectors
from benchmarks.comparison.sides import Side
from benchmarks.comparison.verdict import Verdict, close, refused, right, wrong


@case_without_keras("31a", "lengths in any order", ABOUT_PYTORCH, "`enforce_sorted=False`")
def any_order(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.LSTM(3), lengths=(2, 5, 1, 4))


@any_order.with_pytorch
def _() -> Verdict:
    return _pack(lambda lengths: lengths)


@case_without_keras("31b", "lengths on another device than the CPU", ABOUT_PYTORCH, "`.cpu()`")
def lengths_anywhere(side: Side) -> Verdict:
    """Lengths are no argument: the mask is where the data is."""
    return layer_law(side, lambda k: k.layers.LSTM(3), lengths=(5, 4, 2))


@lengths_anywhere.with_pytorch
def _() -> Verdict:
    return _pack(lambda lengths: lengths.sort(descending=True).values.to("meta"))


def _pack(changed: Any) -> Verdict:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    values, mask = padded(sequences_of_vectors((2, 5, 1, 4)))
    lengths = changed(torch.tensor(mask.sum(1)))
    pack_padded_sequence(torch.tensor(values), lengths, batch_first=True)
    return right("accepted")


RAGGED_OPS = ("softmax", "cumsum", "flip", "argmax", "sort", "max", "prod")


@case_without_keras(
    "31c",
    f"ops along ragged time: {', '.join(RAGGED_OPS)}",
    ABOUT_PYTORCH,
    "a rectangle for what is missing",
)
def ragged_ops(side: Side) -> Verdict:
    """Ops along time that exist here, against each sequence alone."""
    ops, sequences = side.k.ops, sequences_of_vectors()
    values, mask = padded(sequences, junk=100)
    missing = [name for name in RAGGED_OPS if not hasattr(ops, name)]
    for name in RAGGED_OPS:
        if name in missing:
            continue
        function = getattr(ops, name)
        found = function(side.tensor(values, mask), axis=1)
        alone = [side.array(function(side.tensor(s[None]), axis=1))[0] for s in sequences]
        verdict = judge(side.array(found), side.mask(found), alone, steps=found.ndim == 3)
        if verdict.status != "right":
            return wrong(f"{name}: {verdict.text}")
    return right(f"but there is no {', '.join(missing)}" if missing else "all of them")


@ragged_ops.with_pytorch
def _() -> Verdict:
    import torch

    sequences = [torch.tensor(s) for s in sequences_of_vectors()]
    lacking = []
    for name in RAGGED_OPS:
        nested = torch.nested.nested_tensor(sequences, layout=torch.jagged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if name == "flip":
                    torch.flip(nested, (1,))
                else:
                    getattr(torch, name)(nested, dim=1)
        except Exception:
            lacking.append(name)
    return wrong(f"jagged tensors lack {', '.join(lacking)}") if lacking else right("all of them")


@case("33a", "`pad_sequences` of floats, with its default dtype int32", "`pad_sequence` keeps them")
def floats(side: Side) -> Verdict:
    def pad() -> Any:
        return side.k.utils.pad_sequences([[0.5, 1.5], [2.5]])

    verdict = refused(pad)
    if verdict.status == "right":
        return verdict
    lost = np.abs(np.asarray(pad(), float).max(axis=1) - [1.5, 2.5]).max()
    return wrong(f"truncated in silence: off by {lost:g}") if lost else right("kept")


@floats.with_pytorch
def _() -> Verdict:
    import torch

    found = torch.nn.utils.rnn.pad_sequence([torch.tensor([0.5, 1.5]), torch.tensor([2.5])])
    return close(float(found.sum()), 4.5)


@case("33b", "`pad_sequences([])`", "a check by hand")
def no_sequences(side: Side) -> Verdict:
    return close(np.shape(side.k.utils.pad_sequences([])), (0, 0))


@no_sequences.with_pytorch
def _() -> Verdict:
    import torch

    return close(tuple(torch.nn.utils.rnn.pad_sequence([]).shape), (0, 0))


@case("33c", "`pad_sequences(…, maxlen=0)`", "slices by hand")
def no_length(side: Side) -> Verdict:
    return close(np.shape(side.k.utils.pad_sequences([[1, 2], [3]], maxlen=0)), (2, 0))


@case("33d", "`pad_sequences` of generators", "a list of tensors")
def generators(side: Side) -> Verdict:
    found = side.k.utils.pad_sequences((iter(s) for s in ([1, 2], [3])), padding="post")
    return close(found, [[1, 2], [3, 0]])
