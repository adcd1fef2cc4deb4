"""Several processes train as one: the same steps, the same records.

Stopped, killed, started again.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resviz import cli
from resviz.models.spec import FAMILIES
from resviz.training.engine import checkpoint
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.runs import lock, reader
from resviz.training.schema import STATE, STOP
from tests.training.crew import trained
from tests.training.launch.test_worker import outcome
from tests.training.squares import CONFIG, MODEL, folder

ROOT = Path(__file__).parents[3]
DIGITS = {
    **replace(CONFIG, epochs=1, batch_size=239, augmentation="crop").as_dict()
}  # shares of 119 and 120 images

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="forks processes and finds them in /proc"
)


class Crew:
    """Starts groups in processes that need not import torch again."""

    def __init__(self, process: subprocess.Popen[str], place: Path) -> None:
        self.process, self.place = process, place

    def start(self, world: int = 2, **told: object) -> list[int]:
        """Their ids."""
        print(
            json.dumps({"world": world, "folder": str(self.place), **told}),
            file=self.process.stdin,
            flush=True,
        )
        return json.loads(self.process.stdout.readline())

    def ended(self) -> list[int]:
        """Their wait statuses."""
        return json.loads(self.process.stdout.readline())

    def said(self, rank: int, stream: str = "err") -> str:
        return (self.place / f"{rank}.{stream}").read_text()

    def found(self, rank: int) -> list[dict]:
        return torch.load(self.place / f"{rank}.pt", weights_only=True)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    home = tmp_path_factory.mktemp("crew-home")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.crew"],
        cwd=ROOT,
        env={**os.environ, "RESVIZ_HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.stdin.close()


@pytest.fixture
def crew(process: subprocess.Popen[str], tmp_path: Path) -> Crew:
    return Crew(process, tmp_path)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> str:
    return folder(tmp_path_factory.mktemp("data") / "squares")


def wait_for(told: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# ---- shares


@pytest.mark.parametrize(("count", "world"), [(8, 2), (9, 2), (128, 3), (5, 4), (64, 1)])
def test_shares_are_disjoint_and_complete_and_their_weights_are_one_on_average(count, world):
    groups = [Group(rank, world) for rank in range(world)]
    shares = [range(count)[group.share(count)] for group in groups]
    assert [i for share in shares for i in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [group.weight(count) for group in groups] == [
        len(share) * world / count for share in shares
    ]


def test_a_process_alone_asks_nobody():
    model, values = torch.nn.Linear(2, 2), torch.ones(2)
    assert ALONE.averaging(model) is model
    assert ALONE.mean(values) is values
    assert ALONE.weight(64) == 1.0
    assert (ALONE.any(True), ALONE.any(False), ALONE.once(lambda: 3), ALONE.settled("x")) == (
        True,
        False,
        3,
        "x",
    )


# ---- the same numbers


def test_two_processes_take_the_steps_of_one_and_record_them(crew):
    models = ["residual-8?width=4&norm=none", "fixup-8?width=4", "residual-8?width=4"]
    crew.start(models=models, config=DIGITS)
    assert crew.ended() == [0, 0], crew.said(0) + crew.said(1)
    for i, model in enumerate(models):
        first, second = (crew.found(rank)[i] for rank in range(2))
        alone = trained(model, DIGITS)
        assert all(
            torch.equal(p, second["parameters"][name]) for name, p in first["parameters"].items()
        )
        exact = i < 2  # without BatchNorm, whose statistics are those of each process's images
        assert first["losses"] == second["losses"]
        np.testing.assert_allclose(first["losses"], alone["losses"], atol=1e-5 if exact else 0.3)
        np.testing.assert_allclose(first["end"], alone["end"], rtol=1e-5 if exact else 0.1)
        if exact:
            assert first["accuracies"] == pytest.approx(alone["accuracies"], abs=1e-6)
            for ours, theirs in zip(first["norms"], alone["norms"], strict=True):
                assert ours.keys() == theirs.keys()
                for quantity, values in ours.items():
                    np.testing.assert_allclose(
                        values, theirs[quantity], rtol=2e-3, atol=1e-6, err_msg=quantity
                    )


def test_the_products_for_small_maps_are_averaged_too(crew):
    config = {**DIGITS, "precision": "auto", "batch_size": 1437}  # one step
    crew.start(models=["fixup-8?width=32"], config=config, half=True)
    assert crew.ended() == [0, 0], crew.said(0) + crew.said(1)
    alone = trained("fixup-8?width=32", config, half=True)
    together = crew.found(0)[0]
    assert together["taken"] == alone["taken"] > 0
    for ours, theirs in zip(together["norms"], alone["norms"], strict=True):
        np.testing.assert_allclose(ours["weight_gradient"], theirs["weight_gradient"], rtol=0.03)


def test_every_family_trains_in_a_group(crew):
    models = [f"{family}-8?width=2" for family in FAMILIES]
    crew.start(models=models, config={**DIGITS, "batch_size": 700})
    assert crew.ended() == [0, 0], crew.said(0) + crew.said(1)
    assert [len(found["losses"]) for found in crew.found(1)] == [2] * len(models)


# ---- stopped, killed, started again


def command(squares: str, out: Path, epochs: int = 2) -> list[str]:
    """A training of one step an epoch, after which it is saved."""
    return [
        "train",
        "--model",
        MODEL,
        "--dataset",
        squares,
        "--epochs",
        str(epochs),
        "--out",
        str(out),
        "--json",
    ]


def test_one_result_is_printed_and_the_run_tells_of_its_processes(crew, squares):
    out = crew.place / "run"
    crew.start(world=3, arguments=command(squares, out))
    assert crew.ended() == [0, 0, 0], crew.said(0)
    assert json.loads(crew.said(0, "out"))["status"] == "finished"
    assert crew.said(1, "out") == crew.said(2, "out") == ""
    assert reader.RunReader(out).config["processes"] == 3


def test_a_batch_too_small_for_all_is_refused(crew):
    few, out = folder(crew.place / "few", train=2, test=1), crew.place / "run"
    crew.start(world=3, arguments=command(few, out))
    assert {os.waitstatus_to_exitcode(status) for status in crew.ended()} == {cli.REFUSED}
    assert (
        "A batch of 4 images is too small for 3 processes, two for each; start fewer"
        in crew.said(0)
    )
    assert not out.exists()


def test_all_stop_at_the_same_step_and_go_on_as_if_nothing_had_happened(crew, squares):
    whole, run = crew.place / "whole", crew.place / "run"
    crew.start(arguments=command(squares, whole, 30))
    assert crew.ended() == [0, 0], crew.said(0)
    for wish in (lambda pids: (run / STOP).touch(), lambda pids: os.kill(pids[1], signal.SIGTERM)):
        pids = crew.start(arguments=command(squares, run, 30))
        begun = (run / STATE).stat().st_mtime_ns if (run / STATE).exists() else 0
        wait_for(
            lambda begun=begun: (run / STATE).exists() and (run / STATE).stat().st_mtime_ns > begun
        )
        wish(pids)
        assert crew.ended() == [0, 0], crew.said(0) + crew.said(1)
        assert reader.RunReader(run).status == "stopped"
        assert checkpoint.load(run / STATE).numbers["step"] == reader.RunReader(run).info().step
    crew.start(arguments=command(squares, run, 30))
    assert crew.ended() == [0, 0], crew.said(0)
    assert outcome(run) == outcome(whole)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_lost_process_ends_the_others_with_a_sentence(crew, squares, victim):
    run = crew.place / "run"
    pids = crew.start(arguments=command(squares, run, 10_000))
    wait_for(lambda: (run / STATE).exists())
    os.kill(pids[victim], signal.SIGKILL)
    statuses = crew.ended()
    assert statuses[victim] == signal.SIGKILL
    assert os.waitstatus_to_exitcode(statuses[1 - victim]) == cli.REFUSED
    assert crew.said(1 - victim).startswith(
        "resviz: One of the other processes of this training (2 in all) is gone"
    )
    info = reader.RunReader(run).info()
    assert info.status == "crashed"
    assert victim == 0 or "is gone" in info.message
    assert not lock.is_held(run)


def test_no_process_outlives_the_one_that_started_it(crew, squares):
    run = crew.place / "run"
    inner = {"world": 2, "folder": str(crew.place), "arguments": command(squares, run, 10_000)}
    (agent,) = crew.start(world=1, inner=inner)
    wait_for(lambda: (run / STATE).exists())
    pids = json.loads((crew.place / "inner").read_text())
    assert all(map(_alive, pids))
    os.kill(agent, signal.SIGKILL)
    assert crew.ended() == [signal.SIGKILL]
    wait_for(lambda: not any(map(_alive, pids)), 5)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_torchrun_starts_a_lost_process_again_and_the_run_goes_on(crew, squares, home):
    resviz = str(ROOT / "resviz" / "__main__.py")
    options = [
        "--standalone",
        "--nproc-per-node=2",
        "--max-restarts=1",
        "--start-method=fork",
        "--run-path",
        resviz,
    ]
    told = ["train", "--model", MODEL, "--dataset", squares, "--epochs", "60", "--json"]
    (agent,) = crew.start(
        world=1, torchrun=[*options, *told], environment={"RESVIZ_HOME": str(home)}
    )
    wait_for(
        lambda: [*home.glob(f"runs/*/{STATE}")] and any(info.step > 3 for info in reader.runs())
    )
    os.kill(_children(agent)[0], signal.SIGKILL)
    impatience = threading.Timer(120, os.kill, (agent, signal.SIGKILL))
    impatience.start()
    statuses = crew.ended()
    impatience.cancel()
    assert statuses == [0], crew.said(0)
    (info,) = reader.runs()  # the same folder
    assert json.loads(crew.said(0, "out"))["run"] == info.id
    assert (info.status, info.step) == ("finished", 60)
    steps = reader.read(info.id).scalars(10**6)["step"]
    assert steps.tolist() == list(range(60))


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
