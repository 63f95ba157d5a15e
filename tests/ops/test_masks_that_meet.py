"""Masks of different ranks and sizes that meet in one op, and axes that stay where they are."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import ops

DOCUMENTS = np.array([[True, True, False]])
SENTENCES = np.array([[[True, False], [False, False], [True, True]]])


def documents(mask, features=2):
    return mg.MaskedTensor(np.ones((1, 3, 2, features), np.float32), mask)


def test_a_mask_of_documents_holds_for_their_sentences():
    both = DOCUMENTS[..., None] & SENTENCES
    assert ((documents(DOCUMENTS) + documents(SENTENCES)).mask == both).all()
    pair = [documents(SENTENCES), documents(DOCUMENTS)]
    assert (ops.concatenate(pair, axis=3).mask == both).all()
    end_to_end = np.concatenate([SENTENCES, np.repeat(DOCUMENTS[..., None], 2, 2)], 2)
    assert (ops.concatenate(pair, axis=2).mask == end_to_end).all()


def test_a_mask_of_one_step_holds_for_all_that_it_meets():
    one = mg.MaskedTensor(np.ones((2, 1, 4), np.float32), np.array([[True], [False]]))
    assert (one * np.ones((2, 3, 4), np.float32)).mask.tolist() == [[True] * 3, [False] * 3]


def test_a_mask_reversed_twice_is_the_same_object():
    x = mg.Input((None, 4), masked=True)
    assert ops.flip(ops.flip(x, 1), 1).mask is x.mask


def test_an_inferred_size_keeps_the_mask_if_it_is_that_of_time():
    x = mg.Input((None, 4), masked=True)
    batch, time, _ = ops.shape(x)
    assert ops.reshape(x, (batch, -1, 2, 2)).mask is x.mask
    assert ops.reshape(x, (-1, time, 2, 2)).mask is x.mask
    assert ops.reshape(x, (batch, time, -1)).shape == (None, None, 4)
    assert ops.reshape(x, (batch, time * 2, -1)).mask is None
    assert ops.reshape(x, (batch, -1)).mask is None


def test_a_constant_of_another_backend_is_taken_over():
    x = mg.Input((3,))
    with mg.use_backend("numpy"):
        constant = ops.arange(3, dtype="float32")
    assert mg.Model(x, x + constant)(np.ones((1, 3), np.float32)).value.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("numbers", [[1.0, 2.0], (1.0, 2.0), np.array([1.0, 2.0]), 3])
def test_numbers_written_out_have_no_mask(numbers):
    x = mg.Input((None, 2), masked=True)
    assert (x + numbers).mask is x.mask
    data = mg.MaskedTensor(np.ones((1, 2, 2)), np.array([[True, False]]))
    assert (data * numbers).mask.tolist() == [[True, False]]
