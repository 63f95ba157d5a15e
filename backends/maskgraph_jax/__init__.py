"""maskgraph's JAX backend: on GPU, TPU and CPU, traceable by `jax.jit`, `jax.grad` and `jax.vmap`.

Inside a function that `jax.jit` traces there are no values yet, so ids are not checked against the
vocabulary (a row that is not there reads as NaN), and dropout is drawn once, while tracing.

64-bit numbers need no switch: an op here computes in the dtypes that it is given, whether or not
the process has `jax_enable_x64` set, and leaves that setting as it is. It still rules what a user's
own JAX code makes of a float64 tensor that comes out.
"""

from __future__ import annotations

from maskgraph.backend import Backend, Plugin


def _load() -> type[Backend]:
    from maskgraph_jax.backend import JaxBackend

    return JaxBackend


plugin = Plugin(
    name="jax",
    framework="jax",
    distribution=("jax",),
    install="pip install jax",
    load=_load,
    tensors=("ArrayImpl", "Tracer"),
    modules=("jax", "jaxlib"),
)
