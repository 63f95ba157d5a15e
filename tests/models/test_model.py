"""Functional models: structure, nesting, sharing, several inputs and outputs."""

import keras
import networkx as nx
import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import GraphError

RAGGED = [[3, 1, 4], [1, 5], [], [9, 2, 6, 5]]


def tagger(units=4, **options):
    tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
    x = layers.Embedding(10, 4, mask_zero=True)(tokens)
    x = layers.LSTM(units, return_sequences=True)(x)
    return mg.Model(tokens, layers.Dense(3)(x), **options)


def test_the_graph_is_a_networkx_dag_with_one_node_a_call():
    model = tagger()
    assert isinstance(model.graph, nx.MultiDiGraph)
    assert nx.is_directed_acyclic_graph(model.graph)
    kinds = [data["kind"] for _, data in model.graph.nodes(data=True)]
    assert kinds == ["input", "layer", "layer", "layer"]
    masks = [data["mask"] for _, _, data in model.graph.edges(data=True)]
    assert masks[0] is None
    assert masks[1] is masks[2], "equal masks are one object"


def test_nodes_know_the_line_that_made_them():
    x = mg.Input(shape=(4,))
    y = layers.Dense(2, name="here")(x)
    assert y.node.location.file == __file__
    with open(__file__) as source:
        assert 'name="here"' in source.readlines()[y.node.location.line - 1]


def test_shared_layer_is_one_layer_with_two_nodes():
    a, b = mg.Input(shape=(4,), name="a"), mg.Input(shape=(4,), name="b")
    shared = layers.Dense(2, name="shared")
    model = mg.Model([a, b], shared(a) - shared(b))
    assert model.layers == [shared]
    assert {"shared", "shared@2"} <= set(model.graph)
    x = np.ones((1, 4), "float32")
    np.testing.assert_array_equal(model.predict([x, x]), np.zeros((1, 2)))


def test_nested_model_threads_masks_in_and_out():
    inner_in = mg.Input(shape=(None, 4), name="inner_in")
    inner = mg.Model(inner_in, layers.Dense(4)(inner_in), name="inner")
    tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
    embedded = layers.Embedding(10, 4, mask_zero=True)(tokens)
    y = inner(embedded)
    assert y.mask is embedded.mask
    outer = mg.Model(tokens, layers.GlobalAveragePooling1D()(y), on_mask_loss="error")
    assert outer.check().ok
    padded = [[3, 1, 0, 0, 0], [1, 5, 2, 0, 0]]
    short = [[3, 1], [1, 5, 2]]
    np.testing.assert_allclose(outer.predict(padded), outer.predict(short), atol=1e-7)


def test_nested_model_with_a_mask_inside_keeps_it():
    """A mask made inside a nested model is there outside (in Keras it is lost)."""
    tokens = mg.Input(shape=(None,), dtype="int32")
    encoder = mg.Model(tokens, layers.Embedding(10, 4, mask_zero=True)(tokens))
    other = mg.Input(shape=(None,), dtype="int32", name="other")
    assert encoder(other).mask is not None


def test_dict_inputs_and_outputs():
    a, b = mg.Input(shape=(2,), name="a"), mg.Input(shape=(2,), name="b")
    model = mg.Model({"left": a, "right": b}, {"sum": a + b, "product": a * b})
    x = np.array([[1.0, 2.0]], "float32")
    result = model.predict({"right": x, "left": 3 * x})
    np.testing.assert_array_equal(result["sum"], 4 * x)
    np.testing.assert_array_equal(result["product"], 3 * x * x)


def test_part_of_a_model_is_a_model():
    model = tagger()
    middle = model.get_layer(model.layers[1].name)
    embedded = model.graph.nodes[model.layers[0].name]["node"].outputs[0]
    part = mg.Model(embedded, middle(embedded))
    assert part.inputs.mask is not None
    x = mg.MaskedTensor(np.ones((1, 3, 4), "float32"), np.array([[True, True, False]]))
    assert part(x).mask.tolist() == [[True, True, False]]


def test_operators_and_slices_carry_masks():
    tokens = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(10, 4, mask_zero=True)(tokens)
    assert (x * 2 + 1).mask is x.mask
    assert ops.relu(x).mask is x.mask
    assert x[:, 1:].mask is x[:, 1:, :2].mask
    assert mg.graph.describe(x[:, 1:].mask) == f"({tokens.name} != 0)[:, 1:]"


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
def test_model_on_data_gives_masked_tensors(backend):
    model = tagger(seed=0)
    with mg.use_backend(backend):
        result = model(RAGGED)
    assert result.backend.name == backend
    assert [len(row) for row in result.unpad()] == [3, 2, 0, 4]
    assert (result.numpy()[~np.asarray(result.mask)] == 0).all()


def test_native_tensors_pick_their_backend():
    import torch

    model = tagger(seed=0)
    result = model(torch.tensor([[3, 1, 0]]))
    assert isinstance(result.value, torch.Tensor)
    assert result.mask.tolist() == [[True, True, False]]


def test_weights_exchange_with_keras_in_a_branching_model():
    def build(lib, source):
        a, b = source(shape=(3,), name="a"), source(shape=(5,), name="b")
        deep = lib.Dense(4, name="d1")(a)
        deep = lib.Dense(6, name="d2")(deep)
        joined = lib.Concatenate(name="c")([lib.Dense(2, name="d3")(b), deep])
        return [a, b], lib.Dense(1, name="d4")(joined)

    theirs = keras.Model(*build(keras.layers, keras.Input))
    ours = mg.Model(*build(layers, mg.Input))
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    data = [np.ones((2, 3), "float32"), np.ones((2, 5), "float32")]
    np.testing.assert_allclose(ours.predict(data), theirs.predict(data, verbose=0), rtol=1e-5)


def test_one_seed_gives_the_same_weights():
    first, second = tagger(seed=3).get_weights(), tagger(seed=3).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], tagger(seed=4).get_weights()[0])


def test_a_seed_leaves_values_that_were_set():
    x = mg.Input(shape=(2,))
    loaded = layers.Dense(1)
    y = loaded(x)
    loaded.set_weights([np.full((2, 1), 3.0), np.ones(1)])
    assert mg.Model(x, y, seed=0).predict(np.ones((1, 2), "float32")).tolist() == [[7.0]]


def test_batches_give_what_one_run_gives():
    model = tagger(seed=0)
    np.testing.assert_allclose(
        model.predict(RAGGED, batch_size=1), model.predict(RAGGED), atol=1e-7
    )


def test_dropout_acts_in_training_only_and_alike_everywhere():
    x = mg.Input(shape=(8,))
    model = mg.Model(x, layers.Dropout(0.5, seed=1)(x))
    ones = np.ones((4, 8), "float32")
    np.testing.assert_array_equal(model(ones).numpy(), ones)
    dropped = model(ones, training=True).numpy()
    assert set(np.unique(dropped)) == {0.0, 2.0}
    again = mg.Model(x, layers.Dropout(0.5, seed=1)(x))
    with mg.use_backend("torch"):
        np.testing.assert_array_equal(again(ones, training=True).numpy(), dropped)


# -- bad structure ---------------------------------------------------------------------------


def test_missing_input_is_named():
    a, b = mg.Input(shape=(2,), name="a"), mg.Input(shape=(2,), name="b")
    with pytest.raises(GraphError, match="input 'b'"):
        mg.Model(a, a + b)


def test_disconnected_input_is_named():
    a, b = mg.Input(shape=(2,), name="a"), mg.Input(shape=(2,), name="b")
    with pytest.raises(GraphError, match=r"disconnected[\s\S]*input 'b'"):
        mg.Model([a, b], a * 2)


def test_duplicate_names_are_refused():
    x = mg.Input(shape=(2,), name="x")
    y = layers.Dense(2, name="same")(x)
    y = layers.Dense(2, name="same")(y)
    with pytest.raises(GraphError, match=r"same name[\s\S]*'same'"):
        mg.Model(x, y)


def test_cycle_is_found_and_named():
    model = tagger()
    names = [layer.name for layer in model.layers]
    model.graph.add_edge(names[-1], names[0])
    with pytest.raises(GraphError, match=r"cycle[\s\S]*" + names[0]):
        model.check()


def test_outputs_must_be_symbolic():
    x = mg.Input(shape=(2,))
    with pytest.raises(GraphError, match="ndarray"):
        mg.Model(x, np.zeros(2))


def test_symbols_have_no_truth_value():
    x = mg.Input(shape=(2,), name="x")
    with pytest.raises(GraphError, match="'greater' has no data yet"):
        bool(x > 0)


def test_sequential_cannot_contain_itself():
    model = mg.Sequential([layers.Dense(2)])
    with pytest.raises(GraphError, match="cycle"):
        model.add(model)


def test_an_inputs_own_mask_may_be_used_as_a_tensor():
    x = mg.Input((None, 2), masked=True, name="x")
    y = mg.Input((None, 2), name="y")
    model = mg.Model([x, y], [ops.with_mask(y, x.mask), ops.sum(ops.cast(x.mask, "int32"), 1)])
    ones = np.ones((2, 3, 2), "float32")
    mask = np.array([[True, True, False], [True, False, False]])
    masked, lengths = model([mg.MaskedTensor(ones, mask), ones])
    assert masked.mask.tolist() == mask.tolist()
    assert lengths.numpy().tolist() == [2, 1]
    whole, lengths = model.predict([ones, ones])
    assert whole.tolist() == ones.tolist()
    assert lengths.tolist() == [3, 3]


def test_an_op_may_have_the_name_of_a_layer():
    x = mg.Input((None, 2), name="x")
    y = layers.Add(name="add")([x, x]) + x
    model = mg.Model(x, y + x)
    assert list(model.graph) == ["x", "add", "ops.add", "ops.add@2"]
