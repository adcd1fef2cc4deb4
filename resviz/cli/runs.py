"""Training runs: list, show, stop, resume, delete, export, import."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resviz.cli.output import Result
from resviz.cli.parsing import add, with_out
from resviz.errors import ResvizError

# the columns of the list, as fields of `RunInfo`
LISTED = ("id", "model", "dataset", "status", "step", "steps")


def runs(options: argparse.Namespace) -> Result:
    """List, show, stop, resume, delete, export or import training runs."""
    from resviz.training.launch import queue

    queue.admit()
    if options.action == "list":
        return _list()
    if not options.id:
        raise ResvizError(
            "Say which run to {action}; `python -m resviz runs list` lists them.",
            action=options.action,
        )
    return _ACTIONS[options.action](options)


def _list() -> Result:
    from resviz.training.runs import reader

    rows = []
    for info in reader.runs():
        row = {name: getattr(info, name) for name in LISTED}
        rows.append({**row, "started": _timestamp(info.started), "message": info.message})
    left_out = [{"id": run_id, "reason": str(why)} for run_id, why in reader.damaged().items()]
    return {"runs": rows, **({"left_out": left_out} if left_out else {})}


def _timestamp(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _show(options: argparse.Namespace) -> Result:
    from resviz.training.runs import reader

    run = reader.read(options.id)
    info, epochs = run.info(), run.epochs()
    columns = [values.tolist() for values in epochs.values()]
    rows = [dict(zip(epochs, row, strict=True)) for row in zip(*columns, strict=True)]
    return {
        "run": info.id,
        "status": info.status,
        "message": info.message,
        "step": info.step,
        "steps": info.steps,
        "recorded": list(run.quantities()),
        "config": run.config,
        "epochs": rows,
    }


def _stop(options: argparse.Namespace) -> Result:
    from resviz.training.launch import queue
    from resviz.training.runs import reader

    queue.stop(options.id)
    return {"run": options.id, "status": reader.read(options.id).status, "asked_to_stop": True}


def _resume(options: argparse.Namespace) -> Result:
    from resviz.training.launch import queue
    from resviz.training.runs import reader

    queue.resume(options.id)
    return {"run": options.id, "status": reader.read(options.id).status}


def _delete(options: argparse.Namespace) -> Result:
    from resviz.training.launch import queue
    from resviz.training.runs import reader

    if not options.yes:
        raise ResvizError(
            "{run} would be deleted with all that it learnt; add --yes.",
            run=reader.read(options.id).id,
        )
    queue.delete(options.id)
    return {"run": options.id, "status": "deleted"}


def _export(options: argparse.Namespace) -> Result:
    from resviz.training.runs import reader
    from resviz.training.runs.export import export

    if not options.out:
        raise ResvizError("Say where the files go with --out DIR.")
    files = export(reader.read(options.id), Path(options.out), options.format)
    return {"run": options.id, "format": options.format, "files": [str(path) for path in files]}


def _import(options: argparse.Namespace) -> Result:
    from resviz.training.runs import reader
    from resviz.training.runs.importing import take_in

    name = take_in(Path(options.id))
    return {"run": name, "status": reader.read(name).status}


_ACTIONS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "show": _show,
    "stop": _stop,
    "resume": _resume,
    "delete": _delete,
    "export": _export,
    "import": _import,
}
FORMATS = ("csv", "parquet", "tensorboard")  # of `runs.export`, which imports more than a parser


def add_to(commands: Any) -> None:
    """Add the command of this module to the parser."""
    command = add(commands, runs)
    command.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", *_ACTIONS),
        help="%(choices)s (default: list)",
    )
    command.add_argument(
        "id", nargs="?", metavar="ID", help="a run that `list` lists; for import, its folder"
    )
    command.add_argument(
        "--format",
        default="csv",
        choices=FORMATS,
        metavar="KIND",
        help="of an export: %(choices)s (default: csv)",
    )
    with_out(command, required=False, help="folder for the files of an export")
    command.add_argument("--yes", action="store_true", help="delete without asking")
