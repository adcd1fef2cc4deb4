"""`State`: everything a training needs to go on as if it had never stopped, in a file that is safe to load.

A safetensors file holds numbers only: nothing in it can be run.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from resviz.errors import TrainingError
from resviz.models.weights import checkpoints

Numbers = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class State:
    """`tensors`: `model.NAME`, `momentum.NAME` in float32, and `drawn`, the generator's state.

    `numbers`: updates done, epochs ended, and the sums of loss and accuracy over the epoch that
    goes on; with float16 `scaler.NAME` as well, what the loss is multiplied by.
    """

    tensors: Mapping[str, Tensor]
    numbers: Numbers

    def position(self) -> tuple[int, int, float, float, Tensor]:
        """Updates done, epochs ended, sum of the losses and accuracies of the epoch that goes on, the generator."""
        step, epoch = int(self.numbers["step"]), int(self.numbers["epoch"])
        return (
            step,
            epoch,
            float(self.numbers["loss"]),
            float(self.numbers["accuracy"]),
            self.tensors["drawn"],
        )

    def scaler(self) -> dict[str, int | float]:
        """What the scaler of the loss has come to."""
        return {
            n.removeprefix("scaler."): v for n, v in self.numbers.items() if n.startswith("scaler.")
        }


def save(path: Path, state: State) -> None:
    """Write the file; after a power cut there is the old one or the new one, never a half. Raises `OSError`."""
    checkpoints.write(path, state.tensors, {"state": dict(state.numbers)})


def load(path: Path) -> State:
    """The state in a file; raises `TrainingError` where it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            numbers = json.loads(file.metadata()["resviz"])["state"]
            state = State({name: file.get_tensor(name) for name in file.keys()}, numbers)  # noqa: SIM118
        state.position()
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as reason:
        raise TrainingError(
            "{path} is damaged ({reason}); train the network again.", path=path, reason=reason
        ) from None
    return state


def restore(state: State, model: nn.Module, optimiser: torch.optim.SGD) -> None:
    """Put weights and momentum back, in the memory layout that the model has now."""
    weights = {
        name.removeprefix("model."): t
        for name, t in state.tensors.items()
        if name.startswith("model.")
    }
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        raise TrainingError(
            "The checkpoint belongs to another network; train this one anew."
        ) from None
    for name, parameter in model.named_parameters():
        if (momentum := state.tensors.get(f"momentum.{name}")) is not None:
            optimiser.state[parameter]["momentum_buffer"] = (
                torch.empty_like(parameter).copy_(momentum).detach()
            )


def momenta(model: nn.Module, optimiser: torch.optim.SGD) -> Iterator[tuple[str, Tensor]]:
    """The momentum of each parameter that has one, by its name."""
    for name, parameter in model.named_parameters():
        momentum = (
            optimiser.state[parameter].get("momentum_buffer")
            if parameter in optimiser.state
            else None
        )
        if momentum is not None:
            yield name, momentum
