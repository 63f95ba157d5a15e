"""maskgraph's TensorFlow backend: eager, on GPU and CPU, and traceable by `tf.function`."""

from __future__ import annotations

import os

from maskgraph.backend import Backend, Plugin


def _load() -> type[Backend]:
    # unless the user says otherwise: what TensorFlow tells of itself at import is no error
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
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
