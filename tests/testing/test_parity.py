"""Parity holds on every backend that is installed, and a backend that errs is found out."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import Plugin, plugins
from maskgraph.errors import BackendError, DeviceError, ShapeError
from maskgraph.testing import check_parity
from maskgraph_numpy.backend import NumpyBackend


@pytest.fixture
def register(monkeypatch):
    """Return a function that makes a backend of a class known, as an entry point would."""

    def add(cls):
        # no tensor is an instance of a class of this package, so none is taken from NumPy
        plugin = Plugin(cls.name, "maskgraph_numpy", ("numpy",), "pip install it", lambda: cls)
        monkeypatch.setitem(plugins(), cls.name, plugin)
        return cls.name

    return add


@pytest.fixture(scope="module")
def model():
    x = mg.Input(shape=(None, 3), name="series")
    first = layers.Dense(4, activation="relu", name="first")(x)
    second = layers.Dense(4, activation="tanh", name="second")(first)
    third = layers.Dense(2, name="third")(second)
    return mg.Model(x, layers.GlobalAveragePooling1D(name="mean")(third), name="small", seed=0)


def test_every_backend_agrees(model):
    parity = check_parity(model, gradients=True)
    assert parity.ok, parity
    assert parity.rows[0].backend == "numpy"
    for row in parity.rows:
        assert row.masks
        assert row.outputs.absolute < 1e-6
        assert row.diverges_at is None
        assert (row.gradients is None) == (row.backend == "numpy")
    assert str(parity).endswith("ok: backends agree")


def test_data_may_be_given(model):
    data = [np.ones((2, 3), "float32"), np.zeros((0, 3), "float32")]
    assert check_parity(model, data, ["numpy"]).ok
    with pytest.raises(ShapeError, match="input 'series': wrong rank"):
        check_parity(model, np.ones((2, 3)), ["numpy"])


def test_a_stack_without_an_input_learns_it_from_the_data():
    stack = mg.Sequential([layers.Embedding(10, 4, mask_zero=True), layers.LSTM(3)])
    assert check_parity(stack, [[7, 3, 9], [4, 4]], ["numpy"]).ok


def test_inputs_and_outputs_of_any_structure():
    a, b = mg.Input((None, 2), name="a"), mg.Input((None,), "int32", name="b")
    x = layers.Concatenate()([a, layers.Embedding(9, 3, mask_zero=True)(b)])
    outputs = {"steps": x, "states": layers.LSTM(2, return_state=True)(x)}
    assert check_parity(mg.Model({"a": a, "b": b}, outputs), gradients=True).ok


def test_the_first_node_that_diverges_is_named(model, register):
    class Imprecise(NumpyBackend):
        name = "imprecise"

        def tanh(self, x):
            return np.tanh(x) * np.float32(1.001)

    parity = check_parity(model, backends=["numpy", register(Imprecise)])
    assert [row.ok for row in parity.rows] == [True, False]
    assert parity.rows[1].diverges_at == "second"
    assert 1e-4 < parity.rows[1].outputs.absolute < 1e-2
    assert not parity.ok
    assert "imprecise  cpu" in str(parity)
    assert "at second" in str(parity)
    assert str(parity).endswith("diverging: imprecise")
    assert check_parity(model, backends=["imprecise"], tolerance=0.1).ok


def test_a_node_that_diverges_is_told_though_the_outputs_agree(register):
    class Late(NumpyBackend):
        name = "late"

        def exp(self, x):
            return np.exp(x) + np.float32(0.5)

    x = mg.Input(shape=(None, 3))
    shifted = layers.Lambda(lambda x: mg.ops.exp(x), mask=lambda x, m: m, name="shifted")
    model = mg.Model(x, layers.Activation(lambda x: x * 0)(shifted(x)), on_mask_loss="ignore")
    [row] = check_parity(model, backends=[register(Late)]).rows
    assert row.outputs.absolute == 0
    assert row.diverges_at == "shifted"
    assert not row.ok


def test_masks_that_differ_are_told(register):
    class Unequal(NumpyBackend):
        name = "unequal"

        def not_equal(self, x1, x2):
            return np.ones(np.broadcast_shapes(np.shape(x1), np.shape(x2)), bool)

    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(5, 2, mask_zero=True, name="words")(tokens)
    model = mg.Model(tokens, layers.Dense(2)(x))
    [row] = check_parity(model, [[1, 0, 2]], [register(Unequal)]).rows
    assert not row.masks
    assert row.diverges_at == "words"
    assert not row.ok


def test_padding_that_is_multiplied_away_is_found_out(model, register):
    class Multiplying(NumpyBackend):
        name = "multiplying"

        def where(self, condition, x1, x2):
            return x1 * condition + x2 * ~condition

    [row] = check_parity(model, backends=[register(Multiplying)]).rows
    assert row.outputs.absolute == np.inf
    assert not row.ok


@pytest.mark.parametrize(
    "spoil", [lambda g: g * 1.01, lambda g: g * np.nan, lambda g: g + 0.01], ids="×∞+"
)
def test_gradients_that_are_wrong_are_told(model, register, spoil):
    torch_backend = pytest.importorskip("maskgraph_torch.backend")

    class Steep(torch_backend.TorchBackend):
        name = "steep"

        def gradients(self, function, arrays):
            return [spoil(g) for g in super().gradients(function, arrays)]

    name = register(Steep)
    for backends in ([name], ["torch", name], [name, "torch"]):
        parity = check_parity(model, backends=backends, gradients=True)
        row = next(r for r in parity.rows if r.backend == name)
        assert row.outputs.absolute < 1e-6
        assert row.gradients.relative > 1e-3
        assert not row.ok


def test_backends_that_are_not_there_are_left_out(model, monkeypatch):
    missing = Plugin("nowhere", "no_such_framework", (), "pip install nowhere", lambda: None)
    monkeypatch.setitem(plugins(), "nowhere", missing)
    parity = check_parity(model)
    assert "nowhere" not in [row.backend for row in parity.rows]
    assert "not compared: nowhere is missing (pip install nowhere)" in str(parity)


def test_backends_and_devices_that_are_asked_for_must_be_there(model):
    with pytest.raises(BackendError, match="unknown backend"):
        check_parity(model, backends=["nonsense"])
    with pytest.raises(DeviceError, match="no such device here"):
        check_parity(model, backends=["numpy"], device="cuda:7")


def test_a_device_leaves_out_the_backends_that_lack_it(model, register):
    class Fast(NumpyBackend):
        name = "fast"

        @classmethod
        def devices(cls):
            return ["gpu:0", "abacus"]

    register(Fast)
    parity = check_parity(model, device="abacus")
    assert [(row.backend, row.device) for row in parity.rows] == [("fast", "abacus")]
    assert "not compared: numpy is without abacus (cpu)" in str(parity)
    with pytest.raises(DeviceError, match="no such device here"):
        check_parity(model, device="toaster")
