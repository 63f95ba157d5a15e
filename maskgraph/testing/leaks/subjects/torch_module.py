"""Modules of PyTorch; forward hooks tell what the modules inside do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from maskgraph.testing.leaks.alignment import Seen
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.function import FunctionSubject
from maskgraph.testing.leaks.subjects.subject import Feed, Filler, NodeRun, as_seen, tensors_in
from maskgraph.testing.leaks.subjects.tensors import TorchTensors


class TorchSubject(FunctionSubject):
    """A `torch.nn.Module`, in eval mode."""

    opens = True
    tensors: TorchTensors

    def __init__(self, module: Any, feed: Feed) -> None:
        first = next((t for t in (*module.parameters(), *module.buffers())), None)
        super().__init__(module, feed, TorchTensors(None if first is None else first.device))
        self.module = module
        self.title = f"torch module {type(module).__name__}"

    @contextmanager
    def untouched(self) -> Iterator[None]:
        modes = [(m, m.training) for m in self.module.modules()]
        before = {name: b.detach().clone() for name, b in self.module.named_buffers()}
        try:
            with super().untouched():
                self.module.eval()
                yield
        finally:
            for module, training in modes:
                module.training = training
            with self.tensors.torch.no_grad():
                for name, buffer in self.module.named_buffers():
                    if name in before:
                        buffer.copy_(before[name])

    def outputs(self, batch: Batch, inject: Filler | None = None) -> list[Seen]:
        with self.tensors.torch.no_grad():
            return super().outputs(batch, inject)

    def weights(self) -> Sequence[tuple[str, Any]]:
        return [(n, p) for n, p in self.module.named_parameters() if p.requires_grad]

    def nodes(self, batch: Batch, inject: Filler | None = None) -> dict[str, NodeRun]:
        found: dict[str, NodeRun] = {}

        def record(name: str) -> Any:
            def hook(module: Any, args: Any, kwargs: Any, result: Any) -> None:
                times = sum(key.partition("@")[0] == name for key in found)
                found[f"{name}@{times + 1}" if times else name] = NodeRun(
                    "module",
                    type(module).__name__,
                    self._seen([args, kwargs]),
                    self._seen(result),
                )

            return hook

        with ExitStack() as stack:
            for name, module in self.module.named_modules():
                handle = module.register_forward_hook(record(name), with_kwargs=True)
                stack.callback(handle.remove)
            self.outputs(batch)
        return found

    @staticmethod
    def _seen(tree: Any) -> list[Seen]:
        return [as_seen(x) for x in tensors_in(tree) if np.ndim(x)]
