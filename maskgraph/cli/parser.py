"""The grammar of the command line. Nothing here imports what the commands need."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskgraph import __version__

MODEL = "file.py:name or package.module:name, of a model or of a function that returns one"

EPILOG = """\
Backends: the option --backend, else MASKGRAPH_BACKEND, else numpy; devices likewise.
Exit status: 0, or 1 for a verdict (check --strict, parity, leaks, bench), or 2 for a failure.
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `options.command` is the name of the module that runs it."""
    parser = argparse.ArgumentParser(
        prog="maskgraph",
        description="Masked sequence models: run them, check their masks, compare backends.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maskgraph {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_run, _add_check, _add_parity, _add_leaks, _add_bench, _add_backends):
        command = add(commands)
        command.add_argument(
            "--traceback", action="store_true", help="show where in the code an error arose"
        )
    return parser


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add_run(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "run", help="run a model on a file, or on random data"
    )
    command.add_argument("model", metavar="MODEL", help=MODEL)
    command.add_argument(
        "input",
        metavar="INPUT",
        nargs="?",
        help=".json (lists may be ragged), .npy or .npz; several inputs by name",
    )
    command.add_argument("--random", action="store_true", help="run on random data instead")
    command.add_argument("--seed", type=int, default=0, help="of the random data (default: 0)")
    command.add_argument("--backend", help="numpy, torch, tensorflow, jax …")
    command.add_argument("--device", help="cpu, cuda, cuda:1, gpu:0 …")
    command.add_argument(
        "--batch-size", type=int, default=32, help="sequences that run at once (default: 32)"
    )
    command.add_argument("--output", metavar="FILE", help="write the outputs: .npy or .npz")
    return command


def _add_check(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "check", help="tell where each mask begins, what becomes of it, and where one is lost"
    )
    command.add_argument("model", metavar="MODEL", help=MODEL)
    command.add_argument("--strict", action="store_true", help="exit 1 if a mask is lost")
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    return command


def _add_parity(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "parity", help="compare a model's outputs and masks on all backends; exit 1 if they differ"
    )
    command.add_argument("model", metavar="MODEL", help=MODEL)
    command.add_argument(
        "--backend",
        action="append",
        help="may be given repeatedly, or several with commas (default: all that are ready)",
    )
    command.add_argument("--device", help="the device of every backend")
    command.add_argument("--gradients", action="store_true", help="compare gradients as well")
    command.add_argument("--input", metavar="FILE", help="as for run (default: random data)")
    command.add_argument("--seed", type=int, default=0, help="of random data (default: 0)")
    command.add_argument(
        "--tolerance",
        type=float,
        default=1e-4,
        help="the largest difference from NumPy in float64, relative above 1 (default: 1e-4)",
    )
    return command


def _add_leaks(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "leaks", help="tell whether padding leaks into what anybody's model gives; exit 1 if so"
    )
    command.add_argument(
        "model",
        metavar="MODEL",
        help="file.py:name or package.module:name, of a maskgraph or Keras model or layer, a "
        "torch.nn.Module, a function of values and a mask, or a function that returns one",
    )
    command.add_argument(
        "--data",
        metavar="NAME",
        help="file.py:name of (values, mask), or of a function that returns them (default: random "
        "data, for models that say what they take)",
    )
    command.add_argument("--mask-name", help="the keyword that takes the mask")
    command.add_argument(
        "--mask-means",
        choices=("keep", "ignore"),
        default="keep",
        help="what True in the model's mask means (default: keep)",
    )
    command.add_argument("--lengths-name", help="the keyword that takes lengths, and no mask")
    command.add_argument(
        "--only", metavar="NAMES", help="alterations of the padding, with commas: noise,right …"
    )
    command.add_argument("--backend", help="of a maskgraph or Keras model: numpy, torch …")
    command.add_argument("--seed", type=int, default=0, help="of all random data (default: 0)")
    command.add_argument(
        "--tolerance",
        type=float,
        default=1e-5,
        help="the largest change to let pass, relative above 1 (default: 1e-5)",
    )
    return command


def _add_bench(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "bench", help="time a model in each layout; exit 1 if the layouts' outputs differ"
    )
    command.add_argument("model", metavar="MODEL", help=MODEL)
    data = command.add_mutually_exclusive_group()
    data.add_argument(
        "--lengths",
        metavar="FILE",
        help="a text of whole numbers, the lengths of your sequences: random data is as long",
    )
    data.add_argument("--data", metavar="FILE", help="your data, as for run")
    command.add_argument(
        "--time",
        type=int,
        default=128,
        help="the most steps of a sequence, where no lengths are given: they are log-normal then, "
        "0.4 of that on average (default: 128)",
    )
    command.add_argument(
        "--batch-size", type=int, default=64, help="sequences that run at once (default: 64)"
    )
    command.add_argument("--backend", help="numpy, torch, tensorflow, jax …")
    command.add_argument("--device", help="cpu, cuda, cuda:1, gpu:0 …")
    command.add_argument(
        "--seconds", type=float, default=5.0, help="for all runs together (default: 5)"
    )
    command.add_argument("--seed", type=int, default=0, help="of random data (default: 0)")
    command.add_argument(
        "--tolerance",
        type=float,
        default=1e-4,
        help="the largest difference of the layouts, relative above 1 (default: 1e-4)",
    )
    return command


def _add_backends(commands: _Commands) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "backends", help="list backends: versions, devices, and what is missing or broken"
    )
    command.add_argument("names", metavar="NAME", nargs="*", help="only these (default: all)")
    return command
