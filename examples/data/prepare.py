"""Make ``japanese_vowels.npz`` from the data set's two ``.ts`` files.

    python examples/data/prepare.py JapaneseVowels_TRAIN.ts JapaneseVowels_TEST.ts

A ``.ts`` file has header lines that begin with ``#`` or ``@``, then one utterance per line: twelve
channels and the speaker, joined by ``:``; a channel is its values at every step, joined by ``,``.
The layout of what comes out is told in the README beside this file.
"""

import argparse
from pathlib import Path

import numpy as np

CHANNELS = 12
SPEAKERS = range(1, 10)
TARGET = Path(__file__).with_name("japanese_vowels.npz")


def parse_utterance(line: str) -> tuple[np.ndarray, int]:
    """Return the values, float32 of shape (steps, 12), and the speaker, counted from 0."""
    *channels, speaker = line.split(":")
    if len(channels) != CHANNELS:
        raise ValueError(f"expected {CHANNELS} channels, received {len(channels)}")
    if int(speaker) not in SPEAKERS:
        raise ValueError(f"expected a speaker from 1 to 9, received {speaker!r}")
    values = np.array([channel.split(",") for channel in channels], dtype=np.float32)
    if not np.isfinite(values).all():
        raise ValueError("expected finite values only")
    return np.ascontiguousarray(values.T), int(speaker) - SPEAKERS.start


def read_split(path: Path) -> dict[str, np.ndarray]:
    """Return a split's arrays: ``values``, ``lengths`` and ``labels``."""
    sequences, labels = [], []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "@")):
            continue
        try:
            values, label = parse_utterance(line)
        except ValueError as error:
            error.add_note(f"in {path}, line {number}")
            raise
        sequences.append(values)
        labels.append(label)
    if not sequences:
        raise ValueError(f"{path} holds no utterance")
    return {
        "values": np.concatenate(sequences),
        "lengths": np.array([len(values) for values in sequences], dtype=np.int32),
        "labels": np.array(labels, dtype=np.int32),
    }


def main() -> None:
    """Read both files and write the archive next to this script, or where ``--output`` says."""
    parser = argparse.ArgumentParser(description="Make japanese_vowels.npz from two .ts files.")
    parser.add_argument("train", type=Path, help="the .ts file of the training split")
    parser.add_argument("test", type=Path, help="the .ts file of the test split")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: %(default)s")
    arguments = parser.parse_args()

    arrays = {
        f"{split}_{name}": array
        for split in ("train", "test")
        for name, array in read_split(getattr(arguments, split)).items()
    }
    np.savez_compressed(arguments.output, **arrays)
    for name, array in arrays.items():
        print(f"{name:14} {array.dtype!s:8} {array.shape}")


if __name__ == "__main__":
    main()
