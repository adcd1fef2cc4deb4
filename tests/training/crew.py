"""A process that has imported torch once, and forks the processes of a group for every line it
reads.

A line is JSON: `world`, a `folder` for what they leave, more of their `environment`, and
`arguments` of the command line or of `torchrun`, or `models` to be trained here and now, or the
line of an `inner` group to be started. It prints their ids, and their exit statuses when all are
gone. Run as `python -m tests.training.crew`.
"""

import json
import os
import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # DistributedDataParallel does, which takes two seconds
from torch.distributed import run

from resviz import cli
from resviz.data import datasets
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.engine import conv_backward
from resviz.training.engine.distributed import ALONE, Group, joined
from resviz.training.engine.recorder import Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import Step
from resviz.training.launch import start
from resviz.training.runs.folder import statistics
from tests.training.squares import CPU

start.best = lambda: CPU


def trained(
    model: str, config: Mapping[str, Any], group: Group = ALONE, half: bool = False
) -> dict[str, Any]:
    """Losses, recorded norms and final weights of a training on the bundled digits, and how often a
    product of
    `SmallMaps` was used."""
    data, taken, product = datasets.load("digits", 8), [], conv_backward._weight_gradient
    conv_backward._weight_gradient = lambda *given: taken.append(1) or product(*given)
    network = build(ModelSpec.parse(model))
    device = replace(CPU, autocast=torch.bfloat16 if half else None)
    training = Training(
        network,
        data,
        TrainConfig(**config),
        device,
        statistics(data),
        Recorder(network, "full"),
        group=group,
    )
    events = list(training.events())
    conv_backward._weight_gradient = product
    steps = [event for event in events if isinstance(event, Step)]
    return {
        "losses": [step.loss for step in steps],
        "accuracies": [step.accuracy for step in steps],
        "norms": [dict(step.norms) for step in steps],
        "end": [events[-1].train_loss, events[-1].test.loss],
        "parameters": {name: p.detach().clone() for name, p in network.named_parameters()},
        "taken": len(taken),
    }


def work(told: Mapping[str, Any], rank: int) -> int:
    if "inner" in told:
        inner = started(told["inner"])
        (Path(told["folder"]) / "inner").write_text(json.dumps(inner))
        os.waitpid(inner[0], 0)
    if "torchrun" in told:
        run.main(told["torchrun"])
        return 0
    if "arguments" in told:
        return cli.main(told["arguments"])
    with joined() as group:
        found = [
            trained(model, told["config"], group, told.get("half", False))
            for model in told["models"]
        ]
    torch.save(found, Path(told["folder"]) / f"{rank}.pt")
    return 0


def child(told: Mapping[str, Any], rank: int, port: int) -> int:
    """The id of a new process that stands where `torchrun` would have put it."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(told["world"])}
        os.environ |= {"LOCAL_WORLD_SIZE": str(told["world"]), "TORCHELASTIC_RUN_ID": "crew"}
        os.environ |= {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            **told.get("environment", {}),
        }
        for stream, name in ((1, "out"), (2, "err")):
            path = Path(told["folder"]) / f"{rank}.{name}"
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
        status = work(told, rank)
    except SystemExit:
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def started(told: Mapping[str, Any]) -> list[int]:
    """The ids of a new group's processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [child(told, rank, port) for rank in range(told["world"])]


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        pids = started(json.loads(line))
        print(json.dumps(pids), flush=True)
        print(json.dumps([os.waitpid(pid, 0)[1] for pid in pids]), flush=True)


if __name__ == "__main__":
    main()
