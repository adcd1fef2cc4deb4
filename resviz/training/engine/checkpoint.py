"""`State`: all that a training needs to go on as if it had never stopped, in a safe file.

A safetensors file holds numbers only: nothing in it can be run.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from resviz.errors import TrainingError
from resviz.models.weights import checkpoints

Numbers = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a training stands: updates, epochs, and the sums over the epoch that goes on."""

    step: int
    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class State:
    """`tensors`: `model.NAME`, `momentum.NAME` in float32, and `drawn`, the generator's state.

    `numbers`: those of a `Position`; with float16 `scaler.NAME` as well, what the loss is
    multiplied by.
    """

    tensors: Mapping[str, Tensor]
    numbers: Numbers

    def position(self) -> Position:
        """Where the training stood."""
        return Position(
            int(self.numbers["step"]),
            int(self.numbers["epoch"]),
            float(self.numbers["loss"]),
            float(self.numbers["accuracy"]),
        )

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, without that beginning."""
        return _part(self.tensors, prefix)

    def scaler(self) -> dict[str, int | float]:
        """What the scaler of the loss has come to."""
        return _part(self.numbers, "scaler.")


def save(path: Path, state: State) -> None:
    """Write the file, whole or not at all. Raises `OSError`."""
    checkpoints.write(path, state.tensors, {"state": dict(state.numbers)})


def load(path: Path) -> State:
    """Read the state in a file; raises `TrainingError` where it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            numbers = json.loads(file.metadata()["resviz"])["state"]
            names = file.keys()
            state = State({name: file.get_tensor(name) for name in names}, numbers)
        # what a file lacks is to be said now, not in the middle of a training
        state.position()
        state.tensors["drawn"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as reason:
        raise TrainingError(
            "{path} is damaged ({reason}); train the network again.", path=path, reason=reason
        ) from None
    return state


def collect(
    model: nn.Module,
    optimiser: torch.optim.SGD,
    drawn: Tensor,
    position: Position,
    scaler: Mapping[str, int | float],
) -> State:
    """Copy everything to the CPU, so that the training may go on while it is written."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for name, momentum in momenta(model, optimiser):
        tensors[f"momentum.{name}"] = momentum
    copies = {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}
    numbers: dict[str, int | float] = {
        "step": position.step,
        "epoch": position.epoch,
        "loss": position.loss,
        "accuracy": position.accuracy,
    }
    numbers |= {f"scaler.{name}": value for name, value in scaler.items()}
    return State({**copies, "drawn": drawn}, numbers)


def restore(state: State, model: nn.Module, optimiser: torch.optim.SGD) -> None:
    """Put weights and momentum back, in the memory layout that the model has now."""
    try:
        model.load_state_dict(state.part("model."))
    except RuntimeError:
        raise TrainingError(
            "The checkpoint belongs to another network; train this one anew."
        ) from None
    stored = state.part("momentum.")
    for name, parameter in model.named_parameters():
        if (momentum := stored.get(name)) is not None:
            # the layout decides the order of sums, and with it the last bit
            buffer = torch.empty_like(parameter).copy_(momentum).detach()
            optimiser.state[parameter]["momentum_buffer"] = buffer


def momenta(model: nn.Module, optimiser: torch.optim.SGD) -> Iterator[tuple[str, Tensor]]:
    """Yield the momentum of each parameter that has one, by its name."""
    for name, parameter in model.named_parameters():
        # `optimiser.state` makes an entry for whatever it is asked for
        if parameter not in optimiser.state:
            continue
        momentum = optimiser.state[parameter].get("momentum_buffer")
        if momentum is not None:
            yield name, momentum


def _part(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    chosen = {name: value for name, value in values.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in chosen.items()}
