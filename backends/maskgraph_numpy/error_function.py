"""The error function, to the last digits of float64: NumPy has none.

Near 0 it is x times a quotient of polynomials in x², elsewhere 1 less e^-x² times one in x.

Source: W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of
Computation 23, 1969, 631-637, with the coefficients of his program CALERF (1990).
"""

from __future__ import annotations

import numpy as np

from maskgraph.backend import Array

_EDGE = 0.46875
"""Where the two approximations meet."""
_ONE = 6.0
"""From where on the result is 1, to the last digit."""
_TILE = 1 << 14
"""Elements at a time: what is in between stays in the cache."""

Polynomial = tuple[float, ...]
"""Coefficients, those of the highest powers first."""

_NEAR: tuple[Polynomial, Polynomial] = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
_FAR: tuple[Polynomial, Polynomial] = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)


def erf(x: Array) -> Array:
    """The error function of each element of a tensor of floats, in its dtype."""
    if x.dtype == np.float16:
        return erf(x.astype(np.float32)).astype(x.dtype)
    flat = np.ravel(x)
    y = np.empty_like(flat)
    for start in range(0, len(flat), _TILE):
        tile = slice(start, start + _TILE)
        y[tile] = _erf(flat[tile])
    return y.reshape(x.shape)


def _erf(x: Array) -> Array:
    size = np.minimum(np.abs(x), _ONE)
    square = np.square(size)
    far = np.exp(-square) * _quotient(size, _FAR)
    near = size * _quotient(np.minimum(square, 1), _NEAR)
    return np.copysign(np.where(size < _EDGE, near, 1 - far), x)


def _quotient(x: Array, of: tuple[Polynomial, Polynomial]) -> Array:
    above, below = (_polynomial(x, coefficients) for coefficients in of)
    return np.divide(above, below, out=above)


def _polynomial(x: Array, coefficients: Polynomial) -> Array:
    first, *rest, last = coefficients
    y = np.multiply(x, first)
    for coefficient in rest:
        y += coefficient
        y *= x
    y += last
    return y
