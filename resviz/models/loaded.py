"""`LoadedModel`: a network with everything that is needed to use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor, nn

from resviz.data.preprocess import Preprocess
from resviz.errors import Sentence
from resviz.models.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in eval mode, with what is needed to use it; `notes` say what was assumed."""

    name: str
    model: nn.Module
    labels: tuple[str, ...]
    preprocess: Preprocess
    input_size: int  # side of the square it receives, in pixels
    spec: ModelSpec | None = None  # None where the network is not one of ours
    # how it was trained
    card: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[Sentence, ...] = ()

    def normalise(self, images: Tensor) -> Tensor:
        """Views as uint8, (N, 3, H, W), as floats the way this model receives them."""
        return self.preprocess.normalise(images)
