"""`Request`: what somebody wants trained, in plain values, as `config.json` begins with it."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from resviz.errors import SpecError, TrainingError
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.schema import PRESETS

if TYPE_CHECKING:
    from pydantic import BaseModel

MEASURE = 0  # threads: try what is fastest


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A model by name, a dataset by name, how to train, what to record and how often to save.

    Raises `SpecError` for a model that is not `new/...`, `TrainingError` for the rest.
    """

    model: str
    dataset: str
    config: TrainConfig = field(default_factory=TrainConfig)
    record: str = "light"  # one of `schema.PRESETS`
    threads: int | None = None  # None: as torch has it now
    checkpoint_seconds: float = 30.0  # between checkpoints, beside the one after each epoch

    def __post_init__(self) -> None:
        if not self.model.startswith("new/"):
            raise SpecError(
                "only a new network can be trained, such as new/residual-20, got {model!r}",
                model=self.model,
            )
        if self.record not in PRESETS:
            raise TrainingError(
                "record must be one of {presets}, got {record!r}.",
                presets=", ".join(PRESETS),
                record=self.record,
            )
        if self.checkpoint_seconds < 0:
            raise TrainingError(
                "checkpoint_seconds must not be negative, got {checkpoint_seconds}.",
                checkpoint_seconds=self.checkpoint_seconds,
            )
        # a request that cannot be built is refused before it waits in a queue
        self.spec()

    def spec(self) -> ModelSpec:
        """The network that is asked for."""
        return ModelSpec.parse(self.model.removeprefix("new/"))

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Request":
        """The inverse of `as_dict`; raises `TrainingError` for what is no request."""
        from resviz.training.strict import checked

        try:
            request = checked(_schema(), values)
        except ValueError as reason:
            raise TrainingError(
                "config.json tells no training that resviz knows ({reason}); start it anew.",
                reason=reason,
            ) from None
        plain = request.model_dump()
        return cls(**{**plain, "config": TrainConfig.from_dict(plain["config"])})


@functools.cache
def _schema() -> "type[BaseModel]":
    from resviz.training.strict import schema_of

    # the configuration is checked by its own class
    return schema_of(Request, config=dict[str, Any])
