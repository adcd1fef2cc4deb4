"""Our numbers on the paper cards, measured and written down: `python -m benchmarks.papers adabn --help`.

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
from resviz.training.engine.augmentation import normalised

MEASURED = Path(__file__).parents[1] / "resviz" / "data" / "assets" / "measured.json"
CORRUPTIONS = (("none", 3), ("blur", 3), ("noise", 3), ("contrast", 3), ("invert", 3))
CHAINS = (5, 10, 20, 40)
LESIONED = ("resnet20-digits", "plain20-digits")
ADABN = {"resnet18-imagenette": "imagenette", "resnet20-cifar10": "cifar10"}
Rows = list[dict[str, Any]]
SAMPLE = 2000  # half of them to measure statistics on, half to count right answers on


def adabn(options: argparse.Namespace) -> dict[str, Rows]:
    """Accuracy in % with stored statistics and with those measured again on as many other images of the same kind."""
    rows = [
        _accuracies(model, Path(getattr(options, data)), kind, strength)
        for model, data in ADABN.items()
        for kind, strength in CORRUPTIONS
    ]
    return {"adabn": rows, "corruptions": mean_errors(rows)}


def mean_errors(rows: Rows) -> Rows:
    """Of each network the mean error in % over the corruptions, before and after."""
    found = []
    for model in ADABN:
        corrupted = [
            row["numbers"] for row in rows if row["network"] == model and row["what"] != "clean"
        ]
        means = [
            round(100 - sum(numbers) / len(numbers), 1) for numbers in zip(*corrupted, strict=True)
        ]
        found.append({"network": model, "what": "mean error", "numbers": means, "unit": "%"})
    return found


def _accuracies(model: str, data: Path, kind: str, strength: int) -> dict[str, Any]:
    """One row; `by` names the data without the folder they lie in here."""
    command = f"batchnorm --model bundled/{model} --corrupt {kind} --strength {strength} --sample {SAMPLE} --dataset"
    found = _asked(f"{command} folder:{shlex.quote(str(data))}")["dataset"]["accuracy"]
    what = {"none": "clean", "invert": "negative"}.get(kind, kind)
    print(f"{model}, {what}: {found}", flush=True)
    return {
        "network": model,
        "what": what,
        "numbers": [round(100 * found[mode], 1) for mode in ("eval", "recalibrated")],
        "unit": "%",
        "by": f"python -m resviz {command} folder:{data.name}",
    }


def _asked(command: str) -> dict[str, Any]:
    """What the command line answers."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = cli.main([*shlex.split(command), "--json"])
    if status:
        sys.exit(status)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def lesions(options: argparse.Namespace) -> dict[str, Rows]:
    """Accuracy in % of the bundled twins, whole and in the median over the blocks taken out one at a time."""
    rows = []
    test = datasets.load("digits", 8, test_only=True).test
    for model in LESIONED:
        loaded = zoo.load(f"bundled/{model}")
        found = each_block(loaded.model, normalised(test.images, _statistics(loaded)), test.targets)
        numbers = [
            round(100 * share, 1) for share in (found.whole_hits, float(np.median(found.hits)))
        ]
        rows.append({"network": model, "what": "one block out", "numbers": numbers, "unit": "%"})
    return {"lesions": rows}


def effective(options: argparse.Namespace) -> dict[str, Rows]:
    """How the effective field grows with depth, what shortcuts do to it, and training."""
    pictures = datasets.load(f"folder:{options.cifar10}", 32, few=64).test.images
    return {
        "effective-growth": [*_growth(), *_shortcuts(pictures)],
        "effective-training": _training(pictures),
    }


def _growth() -> Rows:
    """Exponents of depth by least squares, of the fitted Gaussian's width and of the share of the theoretical field."""
    sizes = np.array([_chain_sizes(depth) for depth in CHAINS])
    exponents = np.polyfit(np.log(CHAINS), np.log(sizes), 1)[0]
    network = f"3x3 convolutions with ReLU, {CHAINS[0]} to {CHAINS[-1]} deep"
    return [
        {"network": network, "what": what, "numbers": [round(float(exponent), 2)], "unit": ""}
        for what, exponent in zip(("growth", "share"), exponents, strict=True)
    ]


def _chain_sizes(depth: int) -> tuple[float, float]:
    """Width in pixels and share, mean over three seeds, eight inputs of noise each."""
    found = [
        effective_receptive_field(
            _chain(depth, seed), noise(8, 2 * depth + 1, seed), str(2 * depth - 1)
        )
        for seed in range(3)
    ]
    return float(np.mean([field.widths for field in found])), float(
        np.mean([field.ratio for field in found])
    )


def _chain(depth: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    chain = nn.Sequential()
    for i in range(depth):
        convolution = nn.Conv2d(16 if i else 3, 16, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        chain.extend([convolution, nn.ReLU()])
    return chain


def _shortcuts(pictures: Tensor) -> Rows:
    plain, residual = (
        _size(f"new/{family}-20", pictures, "layer2.2") for family in ("plain", "residual")
    )
    return [
        {
            "network": "plain-20 and residual-20",
            "what": "shortcuts",
            "numbers": [plain, residual],
            "unit": "px",
        },
    ]


def _training(pictures: Tensor) -> Rows:
    names = ("new/residual-20", "bundled/resnet20-cifar10")
    return [
        {
            "network": f"ResNet-20 at {layer}",
            "what": "training",
            "numbers": [_size(name, pictures, layer) for name in names],
            "unit": "px",
        }
        for layer in ("layer1.2", "layer2.2", "layer3.2")
    ]


def _size(name: str, pictures: Tensor, layer: str) -> float:
    """Side of the area that holds 95 % of what moves the middle unit, over these pictures."""
    loaded = zoo.load(name)
    return round(
        effective_receptive_field(
            loaded.model, normalised(pictures, _statistics(loaded)), layer
        ).size,
        1,
    )


def _statistics(loaded: zoo.LoadedModel) -> tuple[Tensor, Tensor]:
    return torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std)


# card -> what measures its numbers, and the data that it asks for
MEASURES: dict[str, tuple[Callable[[argparse.Namespace], dict[str, Rows]], tuple[str, ...]]] = {
    "adabn": (adabn, tuple(ADABN.values())),
    "effective": (effective, ("cifar10",)),
    "lesions": (lesions, ()),
}


def main(arguments: list[str]) -> None:
    """Measure one card's numbers and put them among the others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.papers", description=__doc__)
    cards = parser.add_subparsers(dest="card", required=True)
    for name, (measure, needed) in MEASURES.items():
        card = cards.add_parser(name, help=(measure.__doc__ or "").splitlines()[0])
        for data in needed:
            card.add_argument(
                f"--{data}",
                required=True,
                metavar="PATH",
                help="folder or zip with train/ and test/",
            )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    measure, needed = MEASURES[options.card]
    stored = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    names = [f"--{data} {Path(getattr(options, data)).name}" for data in needed]
    told = {
        "date": time.strftime("%Y-%m-%d"),
        "versions": {
            "resviz": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "command": " ".join(["python -m benchmarks.papers", options.card, *names]),
    }
    stored |= {key: {**told, "rows": rows} for key, rows in measure(options).items()}
    MEASURED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
