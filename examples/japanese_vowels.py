"""Who is speaking? Recordings of 7 to 29 steps, classified by an LSTM on any backend.

    python examples/japanese_vowels.py --backend numpy --backend torch --backend jax

The task: 370 recordings of the Japanese vowels /ae/ by nine men, each a series of 12 LPC
cepstrum coefficients (see examples/data/README.md). The weights were trained on 270 others by
examples/train_japanese_vowels.py.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import maskgraph as mg
from maskgraph import layers

sys.path.insert(0, str(Path(__file__).parent))
import vowels_data

WEIGHTS = Path(__file__).parent / "data" / "japanese_vowels_weights.npz"
PADDED = 100


def build() -> mg.Model:
    """Return the model with its trained weights, if they have been made."""
    series = mg.Input(shape=(None, 12), name="series", masked=True)
    x = layers.LSTM(64, name="lstm")(series)
    speaker = layers.Dense(9, activation="softmax", name="speaker")(x)
    model = mg.Model(series, speaker, name="vowels", seed=0)
    if WEIGHTS.exists():
        with np.load(WEIGHTS) as weights:
            model.set_weights([weights[f"weight_{i}"] for i in range(len(weights.files))])
    return model


model = build()


def pad(series: list[np.ndarray], steps: int) -> tuple[np.ndarray, mg.Mask]:
    """Return the series padded with zeros to a number of steps, and their mask."""
    padded = mg.utils.pad_sequences(series, maxlen=steps, dtype="float32", padding="post")
    return padded, mg.Mask.from_lengths([len(s) for s in series], steps)


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--backend", action="append", help="numpy, torch, tensorflow, jax; may be given repeatedly"
    )
    parser.add_argument("--device", default=None, help="cpu, cuda, cuda:1, gpu:0 …")
    options = parser.parse_args()

    series, labels = vowels_data.load("test")
    padded, mask = pad(series, PADDED)
    lengths = [len(s) for s in series]
    print(f"{len(series)} recordings of {min(lengths)} to {max(lengths)} steps, nine speakers\n")
    print(f"{'':12}{'accuracy':>10}{'padded to':>12}{'changes':>10}{'masks':>10}{'from':>10}")
    print(f"{'backend':12}{'':>10}{PADDED:>12}{'by':>10}{'ignored':>10}{'first':>10}")
    first: np.ndarray | None = None
    for name in options.backend or ["numpy"]:
        run = {"backend": name, "device": options.device, "batch_size": 128}
        alone = model.predict(series, **run)
        longer = model.predict(padded, mask=mask, **run)
        ignored = model.predict(padded, **run)  # an array alone says nothing of its padding
        first = alone if first is None else first
        print(
            f"{name:12}{accuracy(alone, labels):10.4f}{accuracy(longer, labels):12.4f}"
            f"{np.abs(alone - longer).max():10.1e}{accuracy(ignored, labels):10.4f}"
            f"{np.abs(alone - first).max():10.1e}"
        )


if __name__ == "__main__":
    main()
