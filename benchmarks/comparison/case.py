"""One claim, and the experiments that try it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.comparison.verdict import Verdict

Experiment = Callable[..., Verdict]


@dataclass
class Case:
    """One claim about masks.

    Attributes:
        id: the row's number, and a letter if the row makes several claims.
        title: what is tried.
        keras: the experiment with Keras; it takes a `Side`. None where Keras has no such thing.
        maskgraph: that with maskgraph; by default the same.
        pytorch: that with PyTorch by hand, if there is one.
        by_hand: what PyTorch by hand needs, in a few words.
        keras_lacks: why there is no experiment with Keras.
    """

    id: str
    title: str
    keras: Experiment | None
    maskgraph: Experiment
    pytorch: Experiment | None = None
    by_hand: str = ""
    keras_lacks: str = ""

    @property
    def row(self) -> int:
        return int(self.id.rstrip("abcdefghijklmnopqrstuvwxyz"))

    def with_maskgraph(self, experiment: Experiment) -> Experiment:
        """Decorate the experiment with maskgraph, where it is not that with Keras."""
        self.maskgraph = experiment
        return experiment

    def with_pytorch(self, experiment: Experiment) -> Experiment:
        """Decorate the experiment with PyTorch by hand."""
        self.pytorch = experiment
        return experiment

    def __str__(self) -> str:
        return self.id


CASES: list[Case] = []


def case(id: str, title: str, by_hand: str = "") -> Callable[[Experiment], Case]:
    """Decorate an experiment with Keras, which is also that with maskgraph unless another
    follows."""

    def decorate(experiment: Experiment) -> Case:
        return _known(Case(id, title, experiment, experiment, by_hand=by_hand))

    return decorate


def case_without_keras(
    id: str, title: str, why: str, by_hand: str = ""
) -> Callable[[Experiment], Case]:
    """Decorate an experiment with maskgraph on something that Keras does not have."""

    def decorate(experiment: Experiment) -> Case:
        return _known(Case(id, title, None, experiment, by_hand=by_hand, keras_lacks=why))

    return decorate


def _known(new: Case) -> Case:
    if any(new.id == old.id for old in CASES):
        raise ValueError(f"two cases have the id {new.id}")
    CASES.append(new)
    return new
