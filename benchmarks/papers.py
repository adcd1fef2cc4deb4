"""Our numbers on the paper cards, measured and written down.

Try `python -m benchmarks.papers adabn --help`.

A row of `resviz/data/assets/measured.json` is what one command of `python -m resviz` says, which it
names, or a mean of such rows.
"""

import argparse
import contextlib
import io
import json
import platform
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resviz import __version__, cli
from resviz.data import datasets
from resviz.models import zoo
from resviz.probes.gradient_flow.lesions import each_block
from resviz.probes.receptive_field.effective import effective_receptive_field, noise

MEASURED = Path(__file__).parents[1] / "resviz" / "data" / "assets" / "measured.json"
CORRUPTIONS = (("none", 3), ("blur", 3), ("noise", 3), ("contrast", 3), ("invert", 3))
CHAINS = (5, 10, 20, 40)
LESIONED = ("resnet20-digits", "plain20-digits")
ADABN = {"resnet18-imagenette": "imagenette", "resnet20-cifar10": "cifar10"}
Row = dict[str, Any]
Rows = list[Row]
SAMPLE = 2000  # half of them to measure statistics on, half to measure the accuracy on


def adabn(options: argparse.Namespace) -> dict[str, Rows]:
    """Accuracy in % with stored statistics, and with those of as many other images of the kind."""
    rows = [
        _accuracies(model, Path(getattr(options, data)), kind, strength)
        for model, data in ADABN.items()
        for kind, strength in CORRUPTIONS
    ]
    return {"adabn": rows, "corruptions": mean_errors(rows)}


def mean_errors(rows: Rows) -> Rows:
    """Of each network the mean error in % over the corruptions, before and after."""
    return [_row(model, "mean error", *_mean_error(rows, model), unit="%") for model in ADABN]


def _mean_error(rows: Rows, model: str) -> list[float]:
    of_model = [row for row in rows if row["network"] == model]
    corrupted = [row["numbers"] for row in of_model if row["what"] != "clean"]
    accuracies = np.mean(corrupted, axis=0)  # (2,), before and after
    return [round(float(100 - accuracy), 1) for accuracy in accuracies]


def _accuracies(model: str, data: Path, kind: str, strength: int) -> Row:
    """One row; `by` names the data without the folder they lie in here."""
    corruption = f"--corrupt {kind} --strength {strength}"
    command = f"batchnorm --model bundled/{model} {corruption} --sample {SAMPLE} --dataset"
    answer = _answer(f"{command} folder:{shlex.quote(str(data))}")
    accuracy = answer["dataset"]["accuracy"]
    what = {"none": "clean", "invert": "negative"}.get(kind, kind)
    print(f"{model}, {what}: {accuracy}", flush=True)
    numbers = [round(100 * accuracy[mode], 1) for mode in ("eval", "recalibrated")]
    return {
        **_row(model, what, *numbers, unit="%"),
        "by": f"python -m resviz {command} folder:{data.name}",
    }


def _row(network: str, what: str, *numbers: float, unit: str = "") -> Row:
    """A row as `measured.json` has it."""
    return {"network": network, "what": what, "numbers": list(numbers), "unit": unit}


def _answer(command: str) -> dict[str, Any]:
    """What the command line answers."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = cli.main([*shlex.split(command), "--json"])
    if status:
        sys.exit(status)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def lesions(options: argparse.Namespace) -> dict[str, Rows]:
    """Accuracy in % of the bundled twins, whole and in the median over the removed blocks."""
    test = datasets.load("digits", 8, test_only=True).test
    return {"lesions": [_lesioned(model, test) for model in LESIONED]}


def _lesioned(model: str, test: datasets.Split) -> Row:
    loaded = zoo.load(f"bundled/{model}")
    removal = each_block(loaded.model, loaded.normalise(test.images), test.targets)
    shares = removal.whole_accuracy, float(np.median(removal.accuracy))
    numbers = [round(100 * share, 1) for share in shares]
    return _row(model, "one block out", *numbers, unit="%")


def effective(options: argparse.Namespace) -> dict[str, Rows]:
    """How the effective field grows with depth, what shortcuts do to it, and training."""
    pictures = datasets.load(f"folder:{options.cifar10}", 32, few=64).test.images
    return {
        "effective-growth": [*_growth(), *_shortcuts(pictures)],
        "effective-training": _training(pictures),
    }


def _growth() -> Rows:
    """Exponents of depth by least squares: of the Gaussian's width, of the share of the field."""
    sizes = np.array([_chain_sizes(depth) for depth in CHAINS])  # (depths, 2)
    growth, share = np.polyfit(np.log(CHAINS), np.log(sizes), 1)[0]
    network = f"3x3 convolutions with ReLU, {CHAINS[0]} to {CHAINS[-1]} deep"
    return [
        _row(network, "growth", round(float(growth), 2)),
        _row(network, "share", round(float(share), 2)),
    ]


def _chain_sizes(depth: int) -> tuple[float, float]:
    """Width in pixels and share, mean over three seeds, eight inputs of noise each."""
    side, last = 2 * depth + 1, str(2 * depth - 1)
    fields = [
        effective_receptive_field(_chain(depth, seed), noise(8, side, seed), last)
        for seed in range(3)
    ]
    width = np.mean([field.widths for field in fields])
    share = np.mean([field.ratio for field in fields])
    return float(width), float(share)


def _chain(depth: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    chain = nn.Sequential()
    for i in range(depth):
        convolution = nn.Conv2d(16 if i else 3, 16, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        chain.extend([convolution, nn.ReLU()])
    return chain


def _shortcuts(pictures: Tensor) -> Rows:
    plain = _size("new/plain-20", pictures, "layer2.2")
    residual = _size("new/residual-20", pictures, "layer2.2")
    return [_row("plain-20 and residual-20", "shortcuts", plain, residual, unit="px")]


def _training(pictures: Tensor) -> Rows:
    return [_before_and_after(layer, pictures) for layer in ("layer1.2", "layer2.2", "layer3.2")]


def _before_and_after(layer: str, pictures: Tensor) -> Row:
    untrained = _size("new/residual-20", pictures, layer)
    trained = _size("bundled/resnet20-cifar10", pictures, layer)
    return _row(f"ResNet-20 at {layer}", "training", untrained, trained, unit="px")


def _size(name: str, pictures: Tensor, layer: str) -> float:
    """Side of the area that holds 95 % of what moves the middle unit, over these pictures."""
    loaded = zoo.load(name)
    field = effective_receptive_field(loaded.model, loaded.normalise(pictures), layer)
    return round(field.size, 1)


Measure = Callable[[argparse.Namespace], dict[str, Rows]]
# what a card names as its `run` -> what measures the numbers, and the data that it asks for
MEASURES: dict[str, tuple[Measure, tuple[str, ...]]] = {
    "adabn": (adabn, tuple(ADABN.values())),
    "effective": (effective, ("cifar10",)),
    "lesions": (lesions, ()),
}


def main(arguments: list[str]) -> None:
    """Measure one card's numbers and put them among the others."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    measure, data = MEASURES[options.card]
    stored = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    names = [f"--{name} {Path(getattr(options, name)).name}" for name in data]
    command = " ".join(["python -m benchmarks.papers", options.card, *names])
    about = {"date": time.strftime("%Y-%m-%d"), "versions": _versions(), "command": command}
    stored |= {key: {**about, "rows": rows} for key, rows in measure(options).items()}
    MEASURED.write_text(json.dumps(stored, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.papers", description=__doc__)
    cards = parser.add_subparsers(dest="card", required=True)
    for name, (measure, data) in MEASURES.items():
        card = cards.add_parser(name, help=(measure.__doc__ or "").splitlines()[0])
        for source in data:
            about = "folder or zip with train/ and test/"
            card.add_argument(f"--{source}", required=True, metavar="PATH", help=about)
    return parser


def _versions() -> dict[str, str]:
    return {
        "resviz": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
