"""`maskgraph leaks`: its verdict on models of every kind, its exit status, and its errors."""

import sys

import pytest

from maskgraph.cli import main

DATA = """
import numpy as np

x = np.random.default_rng(0).normal(size=(4, 6, 4)).astype("float32")
mask = np.arange(6) < np.array([[4], [1], [6], [3]])
batch = x, mask


def made():
    return batch
"""

FUNCTIONS = (
    DATA
    + """

def careless(x, mask):
    return (x * mask[..., None]).mean(1)


def careful(x, *, ignored):
    return np.where(ignored[..., None], 0, x).sum(1)


number = 7
"""
)

OURS = """
import maskgraph as mg
from maskgraph import layers


class Reader(layers.Layer):
    backends = {"numpy"}

    def call(self, inputs):
        return inputs.mean(axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


def build(pool):
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    return mg.Model(tokens, pool(x), seed=0, on_mask_loss="ignore", name="small")


clean = build(layers.GlobalMaxPooling1D())
leaking = build(Reader(name="reader"))
layer = layers.GlobalMaxPooling1D()
"""

TORCH = (
    DATA
    + """
import torch

torch.manual_seed(0)
encoder = torch.nn.TransformerEncoder(
    torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 1, enable_nested_tensor=False
)


def build():
    return encoder
"""
)

KERAS = """
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
from keras import layers

keras.utils.set_random_seed(0)


def build(*rest):
    return keras.Sequential(
        [keras.Input((None,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True), *rest]
    )


clean = build(layers.LSTM(3))
pool = layers.GlobalAveragePooling1D()
leaking = build(layers.Conv1D(4, 3, padding="same", name="window"), pool)
series = keras.Sequential([keras.Input((None, 4)), layers.Masking(), layers.LSTM(3)])


class Unknown(keras.Model):
    def call(self, x):
        return x


unknown = Unknown()
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command in a folder with the files above."""
    for name, text in {"f": FUNCTIONS, "ours": OURS, "t": TORCH, "k": KERAS}.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*argv):
        status = main(["leaks", *argv])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_function_that_leaks(run):
    status, out, err = run("f.py:careless", "--data", "f.py:batch")
    assert (status, err) == (1, "")
    assert "when there is more padding on the right" in out
    assert out.endswith("leaking: careless\n")


def test_options_say_how_the_mask_is_passed(run):
    options = ("--data", "f.py:made", "--mask-name", "ignored")
    assert run("f.py:careful", *options, "--mask-means", "ignore")[0] == 0
    assert run("f.py:careful", *options)[0] == 1


def test_only_some_alterations(run):
    status, out, _ = run("f.py:careless", "--data", "f.py:batch", "--only", "noise,large")
    assert status == 0
    assert out.startswith("padding of careless, altered in 2 ways\n")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_maskgraph_model_on_random_data(run, backend):
    status, out, _ = run("ours.py:clean", "--backend", backend, "--seed", "3")
    assert status == 0
    assert out.startswith('padding of Model "small", altered in 4 ways\n')
    assert out.endswith("ok: padding is not seen\n")


def test_the_maskgraph_layer_at_fault_is_named(run):
    status, out, _ = run("ours.py:leaking")
    assert status == 1
    assert out.endswith('leaking: layer "reader" (Reader)\n')


def test_a_layer_of_maskgraph(run):
    assert run("ours.py:layer", "--data", "f.py:batch")[0] == 0


def test_a_torch_module(run):
    pytest.importorskip("torch")
    options = ("t.py:build", "--data", "t.py:batch", "--mask-name", "src_key_padding_mask")
    finite = ("--only", "noise,right,left")
    assert run(*options, "--mask-means", "ignore", *finite)[0] == 0
    status, out, _ = run(*options, *finite)
    assert status == 1
    assert 'module "layers.0.self_attn" (MultiheadAttention)' in out


@pytest.mark.filterwarnings("ignore:Layer .* destroy the mask information:UserWarning")
def test_keras_models_on_random_data(run):
    pytest.importorskip("keras")
    assert run("k.py:clean")[0] == 0
    assert run("k.py:series")[0] == 0
    status, out, _ = run("k.py:leaking")
    assert status == 1
    assert 'layer "window" (Conv1D): output at valid steps changes by ' in out
    assert out.endswith('leaking: layer "window" (Conv1D)\n')


def test_what_cannot_be_checked(run):
    for argv, expected in [
        (("f.py:careless",), "does not say what its inputs are"),
        (("f.py:number",), "f.py:number is not a model"),
        (("f.py:number", "--data", "f.py:batch"), "cannot be called on data"),
        (("f.py:careless", "--data", "f.py:number"), "f.py:number is not data"),
        (("f.py:nothing", "--data", "f.py:batch"), "has no 'nothing'"),
        (("f.py:careless", "--data", "f.py:batch", "--only", "zebra"), "'zebra'"),
        (("ours.py:layer",), "--data file.py:name"),
    ]:
        status, _, err = run(*argv)
        assert status == 2
        assert err.startswith("maskgraph: error: ")
        assert expected in err


@pytest.mark.filterwarnings("ignore:Layer .* destroy the mask information:UserWarning")
def test_keras_has_one_backend(run):
    keras = pytest.importorskip("keras")
    other = "torch" if keras.config.backend() != "torch" else "tensorflow"
    status, _, err = run("k.py:clean", "--backend", other)
    assert status == 2
    assert "Keras has another backend" in err
    assert run("k.py:unknown")[0] == 2
