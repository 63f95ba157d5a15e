"""Packed batches on any backend: into slots, out of them, and block by block."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maskgraph.backend.distinct import Distinct
from maskgraph.backend.packing import Packing, Places

Array = Any


class PackedOps(ABC):
    """Functions on (1, slots, …), composed of primitives."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    _few_sizes: ClassVar[bool] = False
    """Whether the number of distinct ids is rounded up, since it is part of shapes."""

    def new_packing(self, mask: np.ndarray, block_cost: float, in_place: bool, gap: int = 0) -> Any:
        """Return how the steps of a mask are packed on this backend: a `Packing`, or, where each
        shape is compiled anew, `maskgraph.backend.lanes.Lanes`, which leave a gap after each
        sequence."""
        return Packing(mask, block_cost, in_place)

    def pack(self, x: Array, packing: Packing) -> Array:
        """The steps of a rectangle, (batch, time, …), one after another: (1, slots, …). Of one
        that is the same in each row, or in each column, no more is read than there is."""
        batch, time, *rest = self.shape(x)
        if (batch, time) == (1, 1) != (packing.batch, packing.time):
            return x
        if (batch, time) != (packing.batch, packing.time):
            index = packing.column if batch == 1 else packing.row
            name = "column" if batch == 1 else "row"
        elif packing.index is None:
            return self.reshape(x, [1, batch * time, *rest])
        else:
            index, name = packing.index, "index"
        rows = self.reshape(x, [batch * time, *rest])
        taken = self.take(rows, self._index(packing, name, index), 0)
        return self.reshape(taken, [1, packing.slots, *rest])

    def unpack(self, x: Array, packing: Packing, shape: Any) -> Array:
        """The rectangle, zeros where no step is: `pack` undone."""
        rest = self.shape(x)[2:]
        sizes = [packing.batch, packing.time, *rest]
        if packing.full:
            return self.reshape(x, sizes)
        places = packing.native((self, "rectangle"), lambda: self._places(packing.rectangle()))
        return self.reshape(self.laid_out(x, places), sizes)

    def laid_out(self, x: Array, places: Places) -> Array:
        """The slots of (1, slots, …) in other places, (1, places, …), zeros in the empty ones."""
        filled = self.expand_dims(places.filled, (0,))
        return self.select_valid(self.take(x, places.slot, 1), filled, 0)

    def _places(self, places: Places) -> Places:
        return Places(*map(self.asarray, places))

    def slots_valid(self, packing: Packing) -> Array:
        """Which slots hold a step that exists, (1, slots)."""
        if packing.valid is None:
            return self.full((1, packing.slots), True, "bool")
        return self.asarray(packing.valid.reshape(1, -1))

    def distinct(self, ids: Array, table: Array) -> Distinct:
        """The ids that there are among (1, slots), each once, if many come more than once."""
        found = None
        if self.has_values(ids):
            found = Distinct.of(self.to_numpy(ids), self.shape(table)[0], self._few_sizes)
        if found is None:
            return Distinct(ids, None)
        return Distinct(self.asarray(found.ids), self.asarray(found.which))

    def distinct_ids(self, distinct: Distinct) -> Array:
        """Each distinct id once, (1, ids)."""
        return distinct.ids

    def spread(self, x: Array, distinct: Distinct) -> Array:
        """What is computed for each distinct id, (1, ids, …), for each slot."""
        return x if distinct.which is None else self.take(x, distinct.which, 1)

    def by_block(
        self, xs: Sequence[Array], packing: Packing, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        """Run a function on each block, as rectangles (rows, length, …); its results are joined:
        steps in slots, what there is of a sequence in the order of the rectangle's rows."""
        run = body.on(self, xs, others)
        cut = [self._blocks(x, packing) for x in xs]
        masks = self._block_masks(packing)
        parts = [run(list(views), mask, others) for *views, mask in zip(*cut, masks, strict=True)]
        joined = zip(*parts, strict=True)
        return tuple(
            self._slots(list(part), packing) if steps else self._rows(list(part), packing)
            for part, steps in zip(joined, body.gives_steps, strict=True)
        )

    def _blocks(self, x: Array, packing: Packing) -> list[Array]:
        """The blocks of a packed tensor, (rows, length, …) each."""
        rest = self.shape(x)[2:]
        blocks = packing.blocks
        parts = self.split(x, [b.stop for b in blocks[:-1]], 1) if len(blocks) > 1 else [x]
        return [
            self.reshape(part, [b.rows, b.length, *rest])
            for part, b in zip(parts, blocks, strict=True)
        ]

    def _block_masks(self, packing: Packing) -> list[Array | None]:
        """The mask of each block, (rows, length); None where every step exists."""

        def make() -> list[Array | None]:
            valid = packing.valid
            return [
                None
                if b.full or valid is None
                else self.asarray(valid[b.start : b.stop].reshape(b.rows, b.length))
                for b in packing.blocks
            ]

        masks: list[Array | None] = packing.native((self, "masks"), make)
        return masks

    def _slots(self, parts: list[Array], packing: Packing) -> Array:
        """Blocks as one packed tensor."""
        flat = [
            self.reshape(part, [1, b.rows * b.length, *self.shape(part)[2:]])
            for part, b in zip(parts, packing.blocks, strict=True)
        ]
        return flat[0] if len(flat) == 1 else self.concatenate(flat, 1)

    def _rows(self, parts: list[Array], packing: Packing) -> Array:
        """What there is of each sequence, in the order of the rectangle's rows."""
        joined = parts[0] if len(parts) == 1 else self.concatenate(parts, 0)
        if packing.order is None:
            return joined
        return self.take(joined, self._index(packing, "place", packing.place), 0)

    def _index(self, packing: Packing, name: str, index: Any) -> Array:
        """An array of indices on this backend's device, made once for a packing."""
        make: Callable[[], Array] = lambda: self.asarray(index, "int32")  # noqa: E731
        return packing.native((self, name), make)
