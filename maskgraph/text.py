"""Tables and names as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence


def snake_case(name: str) -> str:
    """Return a class's name as Keras names instances of it.

    Example:
        >>> snake_case("MeanSquaredError"), snake_case("Conv1DTranspose"), snake_case("AUC")
        ('mean_squared_error', 'conv1d_transpose', 'auc')
    """
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, the columns aligned.

    Example:
        >>> columns([("node", "kind"), ("lstm_1", "LSTM")])
        ['node    kind', 'lstm_1  LSTM']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
