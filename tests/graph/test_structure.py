"""The names that nodes have in a model, and the networkx graph, which is made when asked for."""

import networkx as nx
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import GraphError


def test_the_graph_is_one_object_and_changes_to_it_are_seen():
    x = mg.Input((None, 4), name="x", masked=True)
    model = mg.Model(x, layers.LSTM(2, name="reader")(layers.Dense(4, name="dense")(x)))
    before = [row.node for row in model.check().rows]
    assert model.graph is model.graph
    assert (
        [row.node for row in model.check().rows] == before == list(nx.topological_sort(model.graph))
    )
    model.graph.remove_node("reader")
    assert [row.node for row in model.check().rows] == ["x", "dense"]


def test_a_model_that_grows_has_the_graph_of_what_it_is_now():
    model = mg.Sequential([mg.Input((4,)), layers.Dense(3, name="first")])
    assert "second" not in model.graph
    model.add(layers.Dense(2, name="second"))
    assert "second" in model.graph
    assert model.graph.number_of_edges() == 2


def test_a_layer_named_like_a_later_call_of_an_op_is_refused():
    x = mg.Input((4,))
    y = layers.Dense(4, name="add@2")(x + 1)
    with pytest.raises(GraphError, match="same name"):
        mg.Model(x, y + 2)
