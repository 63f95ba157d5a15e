"""Python's garbage collector rests while a plan is made, and no longer."""

import gc

import pytest

from maskgraph.plan.collector import uncollected


@pytest.fixture
def collector():
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_it_rests_in_the_function_and_is_then_as_before(collector, on, fails):
    (gc.enable if on else gc.disable)()

    @uncollected
    def function(x, *, y):
        """What it does."""
        if fails:
            raise ValueError("no")
        return x, y, gc.isenabled()

    if fails:
        with pytest.raises(ValueError, match="no"):
            function(1, y=2)
    else:
        assert function(1, y=2) == (1, 2, False)
    assert gc.isenabled() == on
    assert function.__doc__ == "What it does."
