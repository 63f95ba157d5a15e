"""The Japanese Vowels data set: 640 utterances of 7 to 29 steps, by nine speakers."""

from pathlib import Path

import numpy as np

PATH = Path(__file__).parent / "data" / "japanese_vowels.npz"
SPLITS = ("train", "test")


def load(split: str, path: Path = PATH) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the utterances of a split, and who speaks them.

    An utterance is a float32 array of shape (steps, 12), each with its own number of steps; the
    speakers are an int32 array of shape (utterances,), from 0 to 8. ``split`` is ``"train"``, 270
    utterances, or ``"test"``, 370. Utterances of one speaker stand together.

    Raises ``ValueError`` for another split, ``FileNotFoundError`` where the data are not there.

    >>> sequences, speakers = load("train")
    >>> len(sequences), sequences[0].shape, speakers[0]
    (270, (20, 12), np.int32(0))
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}: expected 'train' or 'test'")
    if not path.is_file():
        raise FileNotFoundError(
            f"the Japanese Vowels data are missing: expected them in {path}. "
            "They are part of the repository; data/README.md says how to make them again."
        )
    with np.load(path, allow_pickle=False) as archive:
        values, lengths, labels = (
            archive[f"{split}_{name}"] for name in ("values", "lengths", "labels")
        )
    return np.split(values, np.cumsum(lengths)[:-1]), labels
