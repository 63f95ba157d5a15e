"""Names of dtypes: the same for every way of giving one, and errors for what is none."""

import numpy as np
import pytest

from maskgraph import dtypes
from maskgraph.errors import DTypeError


@pytest.mark.parametrize("given", ["float32", "float", float, np.float32, np.dtype(">f4")])
def test_one_name_for_all_ways_of_giving_a_dtype(given):
    for _ in range(2):  # found, and found again
        assert dtypes.canonical(given) == "float32"


@pytest.mark.parametrize("given", ["text", complex, np.dtype("M8[s]"), ["float32"], {}, 7])
def test_what_is_no_dtype_is_refused(given):
    for _ in range(2):
        with pytest.raises(DTypeError, match="dtype not supported"):
            dtypes.canonical(given)
