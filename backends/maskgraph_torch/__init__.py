"""maskgraph's PyTorch backend: CUDA, CPU and Apple GPUs."""

from __future__ import annotations

from maskgraph.backend import Backend, Plugin


def _load() -> type[Backend]:
    from maskgraph_torch.backend import TorchBackend

    return TorchBackend


plugin = Plugin(
    name="torch",
    framework="torch",
    distribution=("torch",),
    install="pip install torch",
    load=_load,
    tensors=("Tensor", "PackedSequence"),
)
