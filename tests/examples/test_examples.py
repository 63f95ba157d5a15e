"""The examples run, and give what they claim."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
def test_the_guide_prints_its_masks(backend):
    out = run("masking_guide.py", "--backend", backend)
    mask = (
        "[[ True  True  True False False False]\n"
        " [ True  True  True  True  True False]\n"
        " [ True  True  True  True  True  True]]"
    )
    assert out.count(mask) == 2
    assert "sequential and functional model agree: True" in out
    assert "each row sums to [1. 1. 1. 1.]" in out
    # TemporalSplit: both halves of that mask
    assert "[[False False False]\n [ True  True False]\n [ True  True  True]]" in out


def test_vowels_on_every_backend():
    names = ["numpy", "torch", "tensorflow", "jax"]
    out = run("japanese_vowels.py", *(f"--backend={name}" for name in names))
    rows = re.findall(r"^(\w+) +([\d.]+) +([\d.]+) +(\S+) +([\d.]+) +(\S+)$", out, re.M)
    assert [row[0] for row in rows] == names
    for _, alone, padded, change, ignored, difference in rows:
        assert float(alone) > 0.95
        assert alone == padded
        assert float(change) < 1e-5
        assert float(ignored) < 0.6
        assert float(difference) < 1e-5
