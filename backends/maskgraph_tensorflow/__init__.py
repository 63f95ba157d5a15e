"""maskgraph's TensorFlow backend: eager, on GPU and CPU, and traceable by `tf.function`."""

from __future__ import annotations

from maskgraph.backend import Backend, Plugin


def _load() -> type[Backend]:
    from maskgraph_tensorflow.backend import TensorflowBackend

    return TensorflowBackend


plugin = Plugin(
    name="tensorflow",
    framework="tensorflow",
    distribution=("tensorflow", "tensorflow-cpu"),
    install="pip install tensorflow",
    load=_load,
    tensors=("Tensor", "Variable", "RaggedTensor"),
)
