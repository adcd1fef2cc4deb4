"""Reading what training runs recorded, while they run or later: no writer ever waits for a reader.

    runs()                                  every run, the youngest first
    read(run_id).scalars()                  step, loss, accuracy, lr, seconds
    read(run_id).norms("weight_gradient")   one number for each layer and step

Torch is not needed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from resviz import paths
from resviz.errors import ResvizError, Sentence, TrainingError, first_line
from resviz.training.config import TrainConfig
from resviz.training.runs import last_words, listing, lock, queries, validation
from resviz.training.runs.listing import GOING_ON, RunInfo
from resviz.training.runs.validation import Notes
from resviz.training.schema import CONFIG, EPOCH, FILE, QUANTITIES, STATUSES, STEP, STOP, TABLE_OF

__all__ = ["GOING_ON", "STATUSES", "RunInfo", "RunReader", "damaged", "read", "runs"]

StepsByLayer = tuple[Int[np.ndarray, " S"], Float[np.ndarray, "S L"]]


def runs_folder() -> Path:
    """Where the runs lie, one folder each."""
    return paths.home() / "runs"


def runs() -> tuple[RunInfo, ...]:
    """List every run, the youngest first.

    Damaged ones are left out; `read` says what is wrong with them.

    Returns:
        A `RunInfo` for each run: its id, model, dataset, status and progress.

    Example:
        >>> waiting = [info.id for info in runs() if info.status == "queued"]
    """
    infos = [info for info in _listed().values() if isinstance(info, RunInfo)]
    return tuple(sorted(infos, key=lambda info: (-info.created, info.id)))


def damaged() -> dict[str, TrainingError]:
    """Say of each run that `runs` leaves out, by its id, why."""
    entries = _listed().items()
    return {run_id: why for run_id, why in entries if isinstance(why, TrainingError)}


def _listed() -> "dict[str, RunInfo | TrainingError]":
    return listing.listed(runs_folder(), lambda folder: RunReader(folder).checked_info())


def read(run_id: str) -> "RunReader":
    """Open what a run recorded.

    Args:
        run_id: the name of its folder, as `runs()` lists it.

    Returns:
        A `RunReader`; each of its methods reads what there is at that moment.

    Raises:
        TrainingError: there is no run of that name.

    Example:
        >>> read("nothing")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        resviz.errors.TrainingError: There is no run 'nothing'; ...
    """
    # an id may come from an address: it must name a folder here and nothing above it
    path = runs_folder() / run_id
    is_name = path.parent == runs_folder() and run_id not in ("", ".", "..")
    if not is_name or not (path / FILE).is_file():
        raise TrainingError(
            "There is no run {run!r}; `python -m resviz runs list` lists them.",
            run=run_id,
        )
    return RunReader(path)


@dataclass(frozen=True, slots=True)
class RunReader:
    """What one run has recorded so far.

    Every question reads anew, and raises `TrainingError` if the run is gone.
    """

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config(self) -> dict[str, Any]:
        """What repeats the run: model, configuration, data, device, threads, versions."""
        try:
            return validation.config_file(self.folder / CONFIG)
        except (OSError, ValueError, ResvizError) as reason:
            why = reason.sentence if isinstance(reason, ResvizError) else first_line(reason)
            raise TrainingError(
                "The {config} of {run} cannot be read ({reason}); delete the run.",
                config=CONFIG,
                run=self.id,
                reason=why,
            ) from None

    def train_config(self) -> TrainConfig:
        """How the network is trained."""
        # runs of before have no such part: then all is as usual
        return TrainConfig.from_dict(self.config.get("config") or {})

    @property
    def status(self) -> str:
        """One of `STATUSES`; a run whose process died without a word has crashed."""
        return self.info().status

    @property
    def wish(self) -> str:
        """What was asked of it last, `pause` or `stop`; empty since it was started or resumed."""
        try:
            return (self.folder / STOP).read_text() or "stop"
        except OSError:
            return ""

    def info(self) -> RunInfo:
        """The run's line in the list."""
        with self._open() as db:
            notes, last = _notes(db)[0], queries.last_step(db, "step")
        status, message = _ending(self.folder, notes)
        return RunInfo(
            id=self.id,
            model=notes.model,
            dataset=notes.dataset,
            status=status,
            step=0 if last is None else last + 1,
            steps=notes.steps,
            started=notes.started,
            message=message,
            session=notes.session,
            group=notes.group,
            place=notes.queued,
            created=notes.queued if notes.created is None else notes.created,
        )

    def checked_info(self) -> RunInfo:
        """The same, if the run says what it trains and how; raises `TrainingError`."""
        info = self.info()
        if not info.model:
            raise TrainingError("{run} has not begun; delete it.", run=self.id)
        self.train_config()
        return info

    def notes(self) -> dict[str, Any]:
        """What the run says about itself, by name."""
        with self._open() as db:
            return _notes(db)[1]

    def scalars(self, most: int | None = 1000) -> dict[str, np.ndarray]:
        """About `most` steps, all for None, as arrays (S,) by the names of `schema.STEP`."""
        with self._open() as db:
            rows = queries.thinned(db, "step", STEP, most)
            return validation.columns(STEP, rows, whole=("step", "epoch"))

    def epochs(self) -> dict[str, np.ndarray]:
        """Arrays (E,) of `epoch, train_loss, train_accuracy, test_loss, test_accuracy`."""
        with self._open() as db:
            rows = db.execute(f"SELECT {', '.join(EPOCH)} FROM epoch ORDER BY epoch").fetchall()
            return validation.columns(EPOCH, rows, whole=("epoch",))

    def layers(self, quantity: str) -> tuple[str, ...]:
        """Name the layers of a quantity, from the input on; none if it was not recorded."""
        with self._open() as db:
            names = queries.layers(db, quantity)
            last = queries.last_step(db, TABLE_OF[quantity], quantity)
        return () if last is None else names

    def quantities(self) -> tuple[str, ...]:
        """What was recorded of each layer."""
        return tuple(quantity for quantity in QUANTITIES if self.layers(quantity))

    def norms(self, quantity: str, most: int | None = 500) -> StepsByLayer:
        """Steps (S,) and a quantity's values (S, L) as float32.

        They are about `most` steps from the first to the last, all for None. L2 norms of gradients
        and weights; `update_ratio` is that of an update over that of the weights; `bn_...` are
        means over the channels, and `bn_..._deviation` their standard deviations.
        """
        table = TABLE_OF.get(quantity, "")
        with self._open() as db:
            names = queries.layers(db, quantity)
            every = _notes(db)[0].batchnorm_every if table == "batchnorm" else 1
            rows = queries.thinned(db, table, ("step", quantity), most, quantity, every)
            return queries.matrix([row for row in rows if row[1] is not None], len(names))

    def first(self, quantity: str, until: int) -> StepsByLayer:
        """Every recorded step up to and with `until`, as `norms` gives them, none left out."""
        with self._open() as db:
            names, table = queries.layers(db, quantity), TABLE_OF[quantity]
            if queries.last_step(db, table, quantity) is None:
                return queries.matrix([], len(names))
            rows = db.execute(
                f"SELECT step, {quantity} FROM {table}"
                f" WHERE step <= ? AND {quantity} IS NOT NULL ORDER BY step",
                (until,),
            )
            return queries.matrix(rows.fetchall(), len(names))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(queries.connect(self.folder / FILE)) as db:
                yield db
        except sqlite3.OperationalError as reason:
            raise TrainingError(
                "The run {run} cannot be read ({reason}); it may have been deleted.",
                run=self.id,
                reason=reason,
            ) from None
        except (sqlite3.DatabaseError, ValueError, TypeError, OverflowError) as reason:
            raise TrainingError(
                "The records of {run} are damaged ({reason}); delete the run.",
                run=self.id,
                reason=first_line(reason),
            ) from None


def _notes(db: sqlite3.Connection) -> tuple[Notes, dict[str, Any]]:
    return validation.notes(db.execute("SELECT key, value FROM kv"))


def _ending(folder: Path, notes: Notes) -> tuple[str, Sentence]:
    """The status and the message of a run."""
    if notes.status == "running" and not lock.is_held(folder):
        # its process could not write down how it ended, or died without a word
        return last_words.read(folder) or ("crashed", notes.message)
    return str(notes.status), notes.message
