"""Masks written out as text: `tokens != 0`, `(tokens != 0)[:, 1:]`."""

from __future__ import annotations

from typing import Any

from maskgraph.graph.symbol import SymbolicTensor

_INFIX = {
    "not_equal": "!=",
    "equal": "==",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "logical_and": "&",
    "logical_or": "|",
}
_TRANSPARENT = ("with_mask", "drop_mask", "select_valid", "merge_axes", "split_axis_like")
"""Ops that are left out: they move elements or clear padding, and do not change what is asked."""


_LONGEST = 60

_DEEPEST = 6


def describe(symbol: SymbolicTensor | None) -> str:
    """Return a mask as text; None is "every step". A long text that a layer is the author of is
    put as what that layer makes of other masks: `conv1d(tokens != 0)`."""
    return "every step" if symbol is None else _shortened(symbol, _DEEPEST)


def _shortened(symbol: SymbolicTensor, depth: int) -> str:
    text = _whole(symbol, depth)
    layer = symbol.node.scope.path
    if len(text) <= _LONGEST or not layer:
        return text
    return f"{layer}({', '.join(dict.fromkeys(map(describe, _outside(symbol, layer))))})"


def _outside(symbol: SymbolicTensor, layer: str) -> list[SymbolicTensor]:
    """Return the masks that one made within a layer is made of, which come from elsewhere."""
    found: dict[SymbolicTensor, None] = {}
    seen: set[SymbolicTensor] = set()
    stack = [symbol]
    while stack:
        inner = stack.pop()
        if inner in seen:
            continue
        seen.add(inner)
        if inner.node.scope.path == layer and not inner.node.is_source:
            stack.extend(reversed(inner.node.inputs))
        elif inner.dtype == "bool":
            found[inner] = None
    return list(found)


def _whole(symbol: SymbolicTensor, depth: int) -> str:
    node = symbol.node
    op = getattr(node.target, "name", "")
    if node.is_source or node.body is not None or depth == 0:
        return symbol.name
    values = list(node.arguments.values())
    if op in _TRANSPARENT:
        return _whole(values[0], depth)
    texts = [_text(v, depth - 1, node.scope.path) for v in values]
    if op in _INFIX:
        left, right = (f"({t})" if " " in t else t for t in texts)
        return f"{left} {_INFIX[op]} {right}"
    if op == "logical_not":
        return f"~({texts[0]})"
    if op == "getitem":
        base = f"({texts[0]})" if " " in texts[0] else texts[0]
        return f"{base}[{_key(values[1])}]"
    shown = [
        f"{name}={text}" if i else text
        for i, (name, text) in enumerate(zip(node.arguments, texts, strict=True))
        if values[i] is not None and values[i] is not False
    ]
    return f"{op}({', '.join(shown)})"


def _text(value: Any, depth: int, layer: str) -> str:
    """Return an argument of an op in `layer` as text."""
    if isinstance(value, SymbolicTensor):
        inside = value.node.scope.path == layer
        return _whole(value, depth) if inside else _shortened(value, depth)
    if isinstance(value, list):
        return "[" + ", ".join(_text(v, depth, layer) for v in value) + "]"
    return str(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


def _key(key: tuple[Any, ...]) -> str:
    return ", ".join(_slice(k) if isinstance(k, slice) else str(k) for k in key)


def _slice(item: slice) -> str:
    parts = ["" if n is None else str(n) for n in (item.start, item.stop)]
    return ":".join(parts) + ("" if item.step is None else f":{item.step}")
