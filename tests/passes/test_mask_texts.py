"""Masks as text: short enough to be read."""

import maskgraph as mg
from maskgraph import layers
from maskgraph.graph import describe


def test_a_layers_long_mask_is_put_by_its_name():
    tokens = mg.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.Conv1D(4, 3, padding="valid", name="conv")(x)
    assert describe(x.mask) == "conv(tokens != 0)"
    x = layers.MaxPooling1D(2, name="pool")(x)
    assert describe(x.mask) == "pool(conv(tokens != 0))"
    again = layers.MaxPooling1D(2, name="other")(x[:, 1:])
    assert describe(again.mask) == "other((pool(conv(tokens != 0)))[:, 1:])"


def test_long_masks_of_the_users_own_stay_as_they_are():
    x = mg.Input((None, 2), masked=True, name="a_name_that_is_long_enough_for_any_line")
    expected = f"(({x.name}.mask[:, 1:])[:, 2:])[:, 3:]"
    assert describe(x[:, 1:][:, 2:][:, 3:].mask) == expected
