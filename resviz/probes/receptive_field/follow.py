"""Follow the fields of a network's layers: one run of its `forward` with a `FieldTensor`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.core.hooks import eval_mode, resolve_all, submodules
from resviz.probes.core.maps import check_spatial
from resviz.probes.receptive_field.tracing import Fields, FieldTensor
from resviz.probes.receptive_field.tracing.modules import watched

Names = Mapping[nn.Module, tuple[str, ...]]  # of modules, one of which may have several
# what a module gave: fields, the operation after which they were unknown, or no map at all
Given = Fields | str | None


class Followed(NamedTuple):
    """Layer -> the fields of its map after its last run, in that order, and how often it ran."""

    maps: dict[str, Fields]
    runs: dict[str, int]


class _Enough(Exception):  # noqa: N818
    """The layer asked for has run: what comes behind need not."""


def follow(
    model: nn.Module,
    layers: Iterable[str] | None,
    sides: tuple[int, int],
    until: tuple[str, int] | None = None,
) -> Followed:
    """Follow the fields of `layers`, or of all whose map can be followed.

    `until`: a layer, and after how many of its runs to stop. Raises what `receptive_field` raises.
    """
    inside = submodules(model)
    if layers is None:
        names: Names = {module: (name,) for module, name in inside.items()}
    else:
        names = _asked(model, layers)
    recorder = _Recorder(model, names, until, only_maps=layers is not None)
    image = FieldTensor.image(3, sides, _dtype(model))
    watch = watched(names, recorder.record)
    with eval_mode(model, inside), torch.no_grad(), watch, suppress(_Enough):
        model(image)
    if layers is not None:
        _check_followed(names, recorder.given)
    return Followed(recorder.maps(), recorder.runs())


class _Recorder:
    """What the modules of a network gave, in the order in which they ran.

    `only_maps`: refuse a module that gives anything else.
    """

    def __init__(
        self, model: nn.Module, names: Names, until: tuple[str, int] | None, only_maps: bool
    ) -> None:
        self.given: dict[nn.Module, Given] = {}
        self._ran: list[nn.Module] = []
        self._model, self._names = model, names
        self._until, self._only_maps = until, only_maps

    def record(self, module: nn.Module, output: object) -> None:
        """Keep what a module gave."""
        self._ran.append(module)
        if type(output) is FieldTensor and len(output.shape) == 4:
            fields = output.fields
            split = fields is not None and fields.layout is not None
            self.given[module] = "view" if split else fields or output.unknown_after
        else:
            self.given[module] = None
            if self._only_maps:
                check_spatial(self._model, self._names[module][0], output)
        if self._until and self._is_last(module, *self._until):
            raise _Enough

    def _is_last(self, module: nn.Module, layer: str, runs: int) -> bool:
        """Whether a module is that layer and has run so often."""
        return layer in self._names[module] and self._ran.count(module) == runs

    def maps(self) -> dict[str, Fields]:
        """The maps that were followed, each where its layer ran last.

        Raises `ProbeError` if there is none.
        """
        maps: dict[str, Fields] = {}
        for module in reversed(dict.fromkeys(reversed(self._ran))):
            fields = self.given[module]
            if isinstance(fields, Fields):
                for name in self._names[module]:
                    maps[name] = fields
        if not maps:
            raise ProbeError(
                "no layer of this model gives a map whose receptive field can be followed; choose"
                " another"
            )
        return maps

    def runs(self) -> dict[str, int]:
        """How often each layer ran."""
        times = Counter(self._ran)
        return {name: count for module, count in times.items() for name in self._names[module]}


def _dtype(model: nn.Module) -> torch.dtype:
    """Of the image: that of the parameters, for networks that look at it."""
    return next((p.dtype for p in model.parameters()), torch.float32)


def _asked(model: nn.Module, layers: Iterable[str]) -> Names:
    """The modules that these layers are; raises `ProbeError` for an unknown one."""
    names: dict[nn.Module, tuple[str, ...]] = {}
    for layer, module in resolve_all(model, layers).items():
        names[module] = (*names.get(module, ()), layer)
    return names


def _check_followed(names: Names, given: Mapping[nn.Module, Given]) -> None:
    """Raise `ProbeError` for the first layer that did not run, sees no image, or is lost."""
    for module, (layer, *_) in names.items():
        if module not in given:
            raise ProbeError(
                "layer {layer} does not run when the model looks at an image; choose another layer",
                layer=layer,
            )
        fields = given[module]
        if fields is None:
            raise ProbeError(
                "layer {layer} runs on numbers that the network holds, not on the image: its units"
                " see no pixel; choose another layer",
                layer=layer,
            )
        if isinstance(fields, str):
            raise ProbeError(
                "the receptive field of {layer} is lost at the operation {operation}; choose an"
                " earlier layer",
                layer=layer,
                operation=fields,
            )
