"""Masks that are lost between programs: compiled, saved, exported; and how one would know."""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    embedded,
    judge,
    padded,
    run_law,
    sequences_of_ids,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, compiled, set_weights
from benchmarks.comparison.verdict import Verdict, absent, refused, right, wrong


@case(
    "9a",
    "a masked tensor passed to a compiled function, then an LSTM",
    "lengths as an argument",
)
def across_a_jit_boundary(side: Side) -> Verdict:
    lstm = side.k.layers.LSTM(3)
    sequences = sequences_of_vectors()
    lstm(side.tensor(sequences[0][None]))
    set_weights(lstm)
    run = compiled(side.backend, lambda x: lstm(x))
    if run is None:
        return absent("it has no compiler")
    alone = [side.array(lstm(side.tensor(s[None])))[0] for s in sequences]
    found = run(side.tensor(*padded(sequences, junk=100)))
    return judge(side.array(found), None, alone, steps=False)


@across_a_jit_boundary.with_maskgraph
def _(side: Side) -> Verdict:
    """A plan takes the mask beside the value, as any other tensor, in a compiled function too."""
    k = side.k
    backend = k.backend.load(side.backend, "cpu")
    x = k.Input(shape=(None, FEATURES), masked=True)
    model = k.Model(x, k.layers.LSTM(3)(x))
    set_weights(model)
    sequences = sequences_of_vectors()
    alone = [side.array(model(side.tensor(s[None])))[0] for s in sequences]
    values, mask = padded(sequences, junk=100)
    plan = model.plan(k.MaskedTensor(values, mask), backend=side.backend)

    def run(value: Any, exists: Any) -> Any:
        return plan.run([(value, exists)])[0][0]

    run = compiled(side.backend, run) or run
    found = backend.to_numpy(run(backend.asarray(values), backend.asarray(mask)))
    return judge(np.asarray(found), None, alone, steps=False)


@case(
    "9b",
    "a model exported as a SavedModel, and loaded",
    "lengths among its inputs",
)
def saved_model(side: Side) -> Verdict:
    return _exported(side, "tf_saved_model")


@saved_model.with_maskgraph
def _(side: Side) -> Verdict:
    return _exported(side, "tf_saved_model") if hasattr(side.k.Model, "export") else _NOT_BUILT


def _exported(side: Side, form: str) -> Verdict:
    model = _classifier(side)
    with tempfile.TemporaryDirectory() as folder:
        model.export(str(Path(folder) / "model"), format=form, verbose=False)
        import tensorflow as tf

        loaded = tf.saved_model.load(str(Path(folder) / "model"))
        sequences = sequences_of_ids()
        alone = [side.array(model(side.tensor(s[None])))[0] for s in sequences]
        found = loaded.serve(tf.constant(padded(sequences)[0])).numpy()
    return judge(found, None, alone, steps=False)


@case("9c", "a model exported to ONNX", "lengths among its inputs")
def onnx(side: Side) -> Verdict:
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return absent("onnx is not installed")
    return _exported(side, "onnx")


@onnx.with_maskgraph
def _(side: Side) -> Verdict:
    return _exported(side, "onnx") if hasattr(side.k.Model, "export") else _NOT_BUILT


@case("9d", "`supports_masking = True` set on a layer, saved and loaded", "no such protocol")
def flag_of_an_instance(side: Side) -> Verdict:
    k = side.k

    class Double(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    def layer() -> Any:
        made = Double()
        made.supports_masking = True
        return made

    return _saved(side, layer, {"Double": Double})


@flag_of_an_instance.with_maskgraph
def _(side: Side) -> Verdict:
    return flag_of_an_instance.keras(side) if hasattr(side.k.Model, "save") else _NOT_BUILT


@case("9e", "`Lambda(…, mask=…)`, saved and loaded", "no such protocol")
def mask_of_a_lambda(side: Side) -> Verdict:
    k = side.k

    def layer() -> Any:
        return k.layers.Lambda(_double, mask=_same_mask)

    return _saved(side, layer, {"_double": _double, "_same_mask": _same_mask})


@mask_of_a_lambda.with_maskgraph
def _(side: Side) -> Verdict:
    return mask_of_a_lambda.keras(side) if hasattr(side.k.Model, "save") else _NOT_BUILT


def _double(x: Any) -> Any:
    return x * 2


def _same_mask(inputs: Any, mask: Any = None) -> Any:
    return mask


_NOT_BUILT = absent("not built yet")


def _saved(side: Side, layer: Any, custom: dict[str, Any]) -> Verdict:
    """Try the mask that comes out of a layer after Embedding, saved and loaded."""
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    model = k.Model(tokens, layer()(embedded(k, tokens)))
    set_weights(model)
    before = run_law(side, model, sequences_of_ids())
    if before.status != "right":
        return wrong(f"even before it is saved: {before.text}")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.keras")
        model.save(file)
        loaded = k.saving.load_model(file, custom_objects=custom, safe_mode=False)
    return run_law(side, loaded, sequences_of_ids())


def _classifier(side: Side) -> Any:
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    model = k.Model(tokens, k.layers.LSTM(3)(embedded(k, tokens)))
    set_weights(model)
    return model


@case("13a", "which layers pass the mask: does the summary say?", "nothing to see: no mechanism")
def summary_of_masks(side: Side) -> Verdict:
    lines: list[str] = []
    _classifier(side).summary(print_fn=lambda line, **_: lines.append(line))
    return right("it does") if "mask" in "\n".join(lines).lower() else wrong("not a word of masks")


@summary_of_masks.with_maskgraph
def _(side: Side) -> Verdict:
    report = _classifier(side).check()
    actions = {row.kind: row.action for row in report.rows}
    expected = {"Input": "-", "Embedding": "generate", "LSTM": "reduce"}
    return right("`check()` tells of each layer") if actions == expected else wrong(str(actions))


@case("13b", "a strict mode, in which a lost mask is an error", "nothing to lose: no mechanism")
def strict_mode(side: Side) -> Verdict:
    options = [
        name
        for function in (side.k.Model.__init__, side.k.layers.Layer.__init__, side.k.Model.compile)
        for name in inspect.signature(function).parameters
        if "mask" in name
    ]
    return right(str(options)) if options else wrong("no such option")


@strict_mode.with_maskgraph
def _(side: Side) -> Verdict:
    k = side.k

    class Destroys(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    tokens = k.Input(shape=(None,), dtype="int32")
    lost = k.layers.LSTM(3)(Destroys()(embedded(k, tokens)))
    return refused(lambda: k.Model(tokens, lost, on_mask_loss="error"), k.errors.MaskLossError)


@case("13c", "what is promised where a layer does not support masks, and what comes", "no promise")
def promise(side: Side) -> Verdict:
    promised = "exception will be raised" in " ".join(side.k.layers.Masking.__doc__.split())

    class Destroys(side.k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    values, mask = padded(sequences_of_vectors())
    try:
        Destroys()(side.tensor(values, mask))
    except Exception:
        return right("an exception, as promised") if promised else wrong("an unpromised exception")
    return wrong("promises an exception, and raises none") if promised else right("it warns")


@promise.with_maskgraph
def _(side: Side) -> Verdict:
    """A layer that does not opt in: documented to be reported, with the default a warning."""
    import warnings

    k = side.k

    class Destroys(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    promised = "which is reported" in " ".join(k.layers.Layer.__doc__.split())
    tokens = k.Input(shape=(None,), dtype="int32")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        k.Model(tokens, Destroys()(embedded(k, tokens)))
    warned = any(issubclass(w.category, k.errors.MaskLossWarning) for w in caught)
    return right("promises a report, and reports") if promised and warned else wrong("no report")
