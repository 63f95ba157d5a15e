"""A stranger's backend in one file: its tensors hide their values, and have no operator at all."""

import functools

import numpy as np

from maskgraph.backend import Backend, Plugin


class Tensor:
    """Nothing can be done with it but by its backend."""

    __slots__ = ("_hidden",)

    def __init__(self, array):
        self._hidden = array


def _shown(value):
    if isinstance(value, Tensor):
        return value._hidden
    if isinstance(value, list):
        return [_shown(x) for x in value]
    return value


def _hidden(value):
    return Tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def _primitive(name):
    from maskgraph_numpy.backend import NumpyBackend

    function = getattr(NumpyBackend, name)

    @functools.wraps(function)
    def method(self, *args, **kwargs):
        with np.errstate(all="ignore"):
            result = function(NumpyBackend("cpu"), *map(_shown, args), **kwargs)
        return _hidden(result)

    return method


def _load():
    own = {
        "name": "awkward",
        "devices": classmethod(lambda cls: ["cpu"]),
        "device_of": classmethod(_device_of),
        "asarray": _asarray,
        "to_numpy": lambda self, x: x._hidden.copy(),
    }
    names = Backend.__abstractmethods__ - set(own)
    return type(Backend)("AwkwardBackend", (Backend,), {n: _primitive(n) for n in names} | own)


def _device_of(cls, x):
    return "cpu"


def _asarray(self, value, dtype=None):
    if isinstance(value, Tensor) and dtype in (None, str(value._hidden.dtype)):
        return value
    return Tensor(np.array(_shown(value), dtype))


plugin = Plugin(
    name="awkward",
    framework="maskgraph_awkward",
    distribution=("maskgraph-awkward",),
    install="pip install maskgraph-awkward",
    load=_load,
)
