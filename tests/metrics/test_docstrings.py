"""Public classes say what becomes of the mask, with an example; functions have docstrings."""

import pytest

from maskgraph import metrics

PUBLIC = {n: v for n, v in vars(metrics).items() if callable(v) and not n.startswith("_")}


@pytest.mark.parametrize("name", [n for n, v in PUBLIC.items() if isinstance(v, type)])
def test_classes_say_what_becomes_of_the_mask(name):
    text = PUBLIC[name].__doc__
    assert "Mask in:" in text
    assert "Args:" in text
    assert ">>>" in text


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_says_mask(name):
    assert "mask" in PUBLIC[name].__doc__.lower()
