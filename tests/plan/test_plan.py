"""Lowering and the plan: what a graph comes down to, and how it runs."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.graph import Source
from maskgraph.plan import Plan, Program
from maskgraph_numpy.backend import NumpyBackend


def deep(layers_count):
    x = mg.Input(shape=(None, 4), masked=True)
    y = x
    for _ in range(layers_count):
        y = y + layers.MultiHeadAttention(2, 2)(y, y)
    return x, y


def test_lowered_graph_has_no_layers_and_no_masks():
    x, y = deep(2)
    program = Program([x], [y])
    for node in program.nodes:
        assert node.body is None
        assert all(mask is None for mask in node.masks)
        assert isinstance(node.target, Source) or node.target.name


def test_one_mask_however_many_layers():
    """The steps that prepare the mask do not grow in number with the depth of the model."""

    def mask_steps(count):
        nodes = Program(*([s] for s in deep(count))).nodes
        return sum(n.specs[0].dtype == "bool" for n in nodes)

    assert mask_steps(6) == mask_steps(2)


def test_masks_of_two_layers_on_one_input_are_one():
    tokens = mg.Input(shape=(None,), dtype="int32")
    a = layers.Embedding(10, 4, mask_zero=True)(tokens)
    b = layers.Embedding(10, 4, mask_zero=True)(tokens)
    assert a.mask is b.mask
    assert (a + b).mask is a.mask


def test_slots_are_freed_after_their_last_use():
    x, y = deep(3)
    plan = Plan(Program([x], [y]), load("numpy"))
    freed = [slot for step in plan.steps for slot in step.frees]
    assert len(freed) == len(set(freed))
    made = {step.fills for step in plan.steps}
    assert made - set(freed) == {step.fills for step in plan.steps[-1:]}, "all but the result"
    read_later: set[int] = set()
    for step in reversed(plan.steps):
        assert not set(step.frees) & read_later
        read_later |= set(step.reads)


def test_a_plan_is_a_function_of_its_weights():
    x = mg.Input(shape=(2,))
    model = mg.Model(x, layers.Dense(1, use_bias=False)(x))
    data = np.array([[1.0, 2.0]], "float32")
    plan = model.plan(data)
    ((value, mask),) = plan.run([(data, None)], [np.array([[3.0], [4.0]], "float32")])
    assert value.tolist() == [[11.0]]
    assert mask is None


def test_set_weights_reaches_plans_that_are_bound():
    x = mg.Input(shape=(2,))
    model = mg.Model(x, layers.Dense(1)(x))
    data = np.ones((1, 2), "float32")
    for backend in ("numpy", "torch"):
        model.predict(data, backend=backend)
    model.set_weights([np.full((2, 1), 2.0), np.ones(1)])
    for backend in ("numpy", "torch"):
        assert model.predict(data, backend=backend).tolist() == [[5.0]]


def test_float64_judge_is_more_exact():
    x = mg.Input(shape=(300,))
    model = mg.Model(x, layers.Dense(1)(x), seed=0)
    data = np.random.default_rng(0).normal(size=(1, 300)).astype("float32")
    kernel, bias = model.get_weights()
    exact = data.astype("float64") @ kernel.astype("float64") + bias
    ((judged, _),) = model.plan(data, precision="float64").run([(data, None)])
    assert judged.dtype == np.float64
    np.testing.assert_allclose(judged, exact, rtol=1e-15)


def test_error_while_running_names_the_layer_and_the_line():
    tokens = mg.Input(shape=(None,), dtype="int32")
    model = mg.Model(tokens, layers.Embedding(3, 2, name="words")(tokens))
    with pytest.raises(mg.MaskgraphError, match="layer 'words'") as error:
        model.predict([[5]])
    assert any(__file__ in note for note in error.value.__notes__)


def test_deep_graphs_do_not_exhaust_the_stack():
    x = mg.Input(shape=(2,))
    y = x
    for i in range(3000):
        y = ops.tanh(y + i % 7)
    model = mg.Model(x, y)
    assert model.check().ok
    assert model.predict(np.ones((1, 2), "float32")).shape == (1, 2)


def test_plan_prints_as_text():
    x = mg.Input(shape=(2,), name="x")
    text = str(mg.Model(x, layers.Dense(1, name="dense")(x)).plan(np.ones((1, 2), "float32")))
    assert "linear(%" in text
    assert "# dense/linear" in text


def test_lowering_zeroes_masked_steps_of_what_leaves():
    x = mg.Input(shape=(None, 2), masked=True)
    [lowered] = Program([x], [x + 1]).outputs
    assert lowered.value.node.target.name == "select_valid"
    assert lowered.value.mask is None


class Compiling(NumpyBackend):
    """Takes several steps as one; sums are left out, as ops that look at values would be."""

    def __init__(self):
        super().__init__("cpu")
        self.made, self.called = 0, 0

    def compiles(self, op):
        return op != "sum"

    def compiled(self, function):
        self.made += 1

        def counted(*values):
            self.called += 1
            return function(*values)

        return counted


def test_a_backend_may_take_several_steps_as_one():
    x, y = deep(1)
    y = ops.sum(y * 2 + 1, axis=1) * x[:, 0] - 1
    program, backend = Program([x], [y]), Compiling()
    plan = Plan(program, backend)
    values, mask = np.ones((2, 3, 4), "float32"), np.array([[True] * 3, [True, False, False]])
    assert backend.made > 1
    for runs in (1, 2):
        [(found, _)] = plan.run([(values, mask)])
        assert backend.called == runs * backend.made
        [(expected, _)] = Plan(program, load("numpy")).run([(values, mask)])
        np.testing.assert_array_equal(found, expected)
    assert len(str(plan).splitlines()) == len(plan.steps) + 1


def test_an_error_in_steps_taken_as_one_names_the_step():
    x = mg.Input(shape=(None, 4))
    plan = Plan(Program([x], [ops.reshape(ops.square(x), (-1, 3)) + 1]), Compiling())
    with pytest.raises(ValueError, match="reshape") as caught:
        plan.run([(np.ones((1, 2, 4), "float32"), None)])
    assert len(caught.value.__notes__) == 1
    assert caught.value.__notes__[0].startswith("in 'reshape")


def test_updates_of_a_layer_called_twice_in_a_deep_graph():
    """The second update goes on from the first, however many ops lie between."""
    x = mg.Input(shape=(None, 2), masked=True)
    norm = layers.BatchNormalization(momentum=0.5)
    y = norm(x)
    for _ in range(3_000):
        y = ops.negative(y)
    model = mg.Model(x, norm(y))
    values, mask = np.array([[[2.0, 4.0], [0.0, 0.0]]], "float32"), np.array([[True, True]])
    results = model.plan(mg.MaskedTensor(values, mask), backend="numpy", training=True).compute(
        [(values, mask)]
    )
    means = next(value for weight, value in results.updates if "mean" in weight.name)
    np.testing.assert_allclose(means, [0.25, 0.5], atol=1e-6)  # half of half of [1, 2], then of 0
