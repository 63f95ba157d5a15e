"""Windows over time with XLA's convolutions and reductions, which also know none of no steps."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph_jax.wide import computes_widely, precision

_LAYOUT = ("NWC", "WIO", "NWC")


@computes_widely
class Windows(Backend):
    """Convolution and pooling as XLA has them, for floats."""

    def valid_conv(self, x: Array, kernel: Array, strides: int, dilation_rate: int) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating) or not x.size:
            return super().valid_conv(x, kernel, strides, dilation_rate)
        return lax.conv_general_dilated(
            x,
            kernel,
            (strides,),
            "VALID",
            rhs_dilation=(dilation_rate,),
            dimension_numbers=_LAYOUT,
            feature_group_count=x.shape[2] // kernel.shape[1],
            precision=precision(),
        )

    def full_conv_transpose(
        self, x: Array, kernel: Array, strides: int, dilation_rate: int
    ) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating) or not x.size:
            return super().full_conv_transpose(x, kernel, strides, dilation_rate)
        reach = (kernel.shape[0] - 1) * dilation_rate
        return lax.conv_general_dilated(
            x,
            jnp.transpose(jnp.flip(kernel, 0), (0, 2, 1)),
            (1,),
            [(reach, reach)],
            lhs_dilation=(strides,),
            rhs_dilation=(dilation_rate,),
            dimension_numbers=_LAYOUT,
            precision=precision(),
        )

    def max_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return super().max_over_windows(x, pool_size, strides)
        size, step = (1, pool_size, 1), (1, strides, 1)
        return lax.reduce_window(x, -jnp.inf, lax.max, size, step, "VALID")

    def mean_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return super().mean_over_windows(x, pool_size, strides)
        size, step = (1, pool_size, 1), (1, strides, 1)
        return lax.reduce_window(x, 0.0, lax.add, size, step, "VALID") / pool_size
