"""Our numbers on the paper cards, measured and written down: `python -m benchmarks.papers adabn --help`.

A row of `resviz/data/assets/measured.json` is what one command of `python -m resviz` says, which it names, or a mean of
such rows.
"""

import argparse
import contextlib
import io
import json
import platform
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import torch

from resviz import __version__, cli

MEASURED = Path(__file__).parents[1] / "resviz" / "data" / "assets" / "measured.json"
CORRUPTIONS = (("none", 3), ("blur", 3), ("noise", 3), ("contrast", 3), ("invert", 3))
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
        corrupted = [row["numbers"] for row in rows if row["network"] == model and row["what"] != "clean"]
        means = [round(100 - sum(numbers) / len(numbers), 1) for numbers in zip(*corrupted, strict=True)]
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


def main(arguments: list[str]) -> None:
    """Measure one card's numbers and put them among the others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.papers", description=__doc__)
    parser.add_argument("card", choices=["adabn"])
    for data in ADABN.values():
        parser.add_argument(f"--{data}", required=True, metavar="PATH", help="folder or zip with train/ and test/")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    stored = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    names = " ".join(f"--{data} {Path(getattr(options, data)).name}" for data in ADABN.values())
    told = {
        "date": time.strftime("%Y-%m-%d"),
        "versions": {"resviz": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "command": f"python -m benchmarks.papers {options.card} {names}",
    }
    stored |= {key: {**told, "rows": rows} for key, rows in adabn(options).items()}
    MEASURED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
