"""What `maskgraph bench` runs on: the user's data, or random data as long as the user's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskgraph.cli.data import read_inputs
from maskgraph.errors import ArgumentError, LoadError, explain
from maskgraph.graph import leaves
from maskgraph.masks import MaskedTensor
from maskgraph.models import Model
from maskgraph.testing.samples import random_inputs

_SIGMA = 0.6
"""Of the logarithm of lengths, about what sentences have."""


def check(options: argparse.Namespace) -> None:
    """Refuse options that are out of range.

    Raises:
        ArgumentError: naming the option.
    """
    for name, least in (("time", 1), ("batch_size", 1), ("seconds", 0)):
        value = getattr(options, name)
        if value < least:
            option = "--" + name.replace("_", "-")
            raise ArgumentError(
                explain(f"{option} is out of range", received=value, expected=f">= {least}")
            )


def inputs_for(model: Model, options: argparse.Namespace) -> Any:
    """Return what the options say that a model is to run on."""
    if options.data:
        return read_inputs(options.data)
    if options.lengths:
        lengths = _read_lengths(options.lengths)
        _check_fit(model, lengths, options.lengths)
    else:
        lengths = random_lengths(options.batch_size, options.time, options.seed)
    return random_inputs(model, options.seed, lengths, lowest_id=1)  # 0 often means no step


def described(tensors: Sequence[MaskedTensor]) -> str:
    """Tell what data there is."""
    rows = tensors[0].shape[0]
    masks = [t.backend.to_numpy(t.mask) for t in tensors if t.mask is not None]
    if not masks:
        return f"{rows} rows, which come without masks"
    lengths = masks[0].reshape(rows, -1).sum(axis=1)
    mean = f"{lengths.mean():.3g} on average"
    return f"{rows} sequences of {min(lengths)} to {max(lengths)} steps, {mean}"


def _read_lengths(file: str) -> list[int]:
    try:
        lengths = list(map(int, Path(file).read_text(encoding="utf-8").split()))
    except FileNotFoundError:
        raise LoadError(f"there is no file {file}") from None
    except ValueError as error:
        raise LoadError(
            explain(f"{file} cannot be read as lengths", received=str(error), expected="numbers")
        ) from None
    if not lengths or min(lengths) < 0 or not max(lengths):
        raise LoadError(
            explain(
                f"{file} holds no lengths of sequences",
                received=f"{len(lengths)} numbers" + (f" from {min(lengths)}" if lengths else ""),
                expected="whole numbers from 0, with spaces or line ends between them, not all 0",
            )
        )
    return lengths


def _check_fit(model: Model, lengths: list[int], file: str) -> None:
    """Refuse lengths that mean nothing to a model, and those that are too great for it."""
    inputs = list(leaves(model.inputs))
    if all(s.mask is None and (s.ndim < 2 or s.shape[1] is not None) for s in inputs):
        raise ArgumentError(
            explain(
                f"model {model.name!r} takes no sequences of different lengths",
                received=", ".join(f"{s.name}: {s.shape}" for s in inputs),
                expected="an input whose time axis is None, or with masked=True",
                fix="--data FILE runs it on data of your own",
            )
        )
    limit = min((s.shape[1] for s in inputs if s.ndim > 1 and s.shape[1]), default=None)
    if limit is not None and max(lengths) > limit:
        raise ArgumentError(
            explain(
                f"{file}: a sequence is too long for model {model.name!r}",
                received=max(lengths),
                expected=f"up to {limit} steps",
            )
        )


def random_lengths(count: int, time: int, seed: int) -> list[int]:
    """Return log-normal lengths, on average 0.4 of the longest."""
    normal = np.random.default_rng(seed).normal(size=count)
    middle = np.log(0.4 * time) - _SIGMA**2 / 2
    lengths = np.clip(np.rint(np.exp(middle + _SIGMA * normal)), 1, time)
    return [int(n) for n in lengths]
