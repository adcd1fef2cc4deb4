"""What a `ModelSpec` may not be: each rule is one check, whose sentence names rule and value."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from resviz.errors import SpecError
from resviz.models.choices import (
    CHOICES,
    FAMILIES,
    FOUR_STAGES,
    HEAD_WIDTH,
    IMAGENET_STAGES,
    MAX_WEIGHTS,
    RANGES,
    STEMS,
    WITHOUT_NORM,
)

if TYPE_CHECKING:
    from resviz.models.spec import ModelSpec


def check_kind(spec: "ModelSpec") -> None:
    """What must hold before the usual values are filled in; raises `SpecError`."""
    _check_choice(spec, "family", FAMILIES)
    _check_choice(spec, "stem", STEMS)
    _check_depth_of_four_stages(spec)


def check(spec: "ModelSpec") -> None:
    """Everything else; raises `SpecError`."""
    for name, choices in CHOICES.items():
        _check_choice(spec, name, choices)
    for name, (low, high) in RANGES.items():
        _check_range(spec, name, low, high)
    _check_block(spec)
    _check_head(spec)
    if spec.kernel_weights > MAX_WEIGHTS:
        raise SpecError(
            "this network would have {weights:,.0f} million weights, the limit is {limit} "
            "million: choose a smaller width or depth",
            weights=spec.kernel_weights / 1e6,
            limit=MAX_WEIGHTS // 10**6,
        )


def check_options(values: Iterable[str], known: Collection[str]) -> None:
    """Refuse options that no network has; raises `SpecError`."""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise SpecError(
            "unknown option {unknown!r}: choose from {options}",
            unknown=unknown[0],
            options=", ".join(sorted(known)),
        )


def _check_choice(spec: "ModelSpec", name: str, choices: Collection[str | int]) -> None:
    value = getattr(spec, name)
    if value not in choices:
        raise SpecError(
            "{name} must be one of {choices}, got {value!r}",
            name=name,
            choices=_listed(choices),
            value=value,
        )


def _check_range(spec: "ModelSpec", name: str, low: int, high: int) -> None:
    value = getattr(spec, name)
    if not low <= value <= high:
        raise SpecError(
            "{name} must be from {low} to {high}, got {value}",
            name=name,
            low=low,
            high=high,
            value=value,
        )


def _check_depth_of_four_stages(spec: "ModelSpec") -> None:
    if spec.stem in FOUR_STAGES and spec.depth not in IMAGENET_STAGES:
        raise SpecError(
            "depth must be one of {choices} with the {stem} stem, got {depth}",
            choices=_listed(IMAGENET_STAGES),
            stem=spec.stem,
            depth=spec.depth,
        )


def _check_block(spec: "ModelSpec") -> None:
    if spec.stem in FOUR_STAGES:
        _check_block_of_four_stages(spec)
    else:
        _check_depth_of_three_stages(spec)
    if spec.family in WITHOUT_NORM and spec.norm != "none":
        raise SpecError(
            "{family} is made to do without normalisation: leave norm out, got {norm!r}",
            family=spec.family,
            norm=spec.norm,
        )
    if spec.block == "basic" and (spec.groups, spec.width_per_group) != (1, 64):
        raise SpecError(
            "groups and width_per_group need bottleneck blocks; leave them out or set "
            "block=bottleneck"
        )
    if spec.block == "basic" and spec.stride_in_1x1:
        raise SpecError("stride_in_1x1 needs bottleneck blocks; leave it out")


def _check_block_of_four_stages(spec: "ModelSpec") -> None:
    usual = IMAGENET_STAGES[spec.depth][0]
    if spec.block != usual:
        raise SpecError(
            "depth {depth} has {usual} blocks, got {block!r}",
            depth=spec.depth,
            usual=usual,
            block=spec.block,
        )


def _check_depth_of_three_stages(spec: "ModelSpec") -> None:
    n = 3 * spec.layers_per_block
    if spec.depth < n + 2 or (spec.depth - 2) % n:
        raise SpecError(
            "depth must be {n}n + 2 with n >= 1 for {block} blocks, got {depth}",
            n=n,
            block=spec.block,
            depth=spec.depth,
        )


def _check_head(spec: "ModelSpec") -> None:
    widths = spec.head.split(",") if spec.head not in ("", "none") else []
    allowed = all(w.isdecimal() and w.isascii() and 1 <= int(w) <= HEAD_WIDTH for w in widths)
    if not allowed or len(widths) > 8:
        raise SpecError(
            "head must be none, or widths of hidden layers such as 512,256; got {head!r}",
            head=spec.head,
        )


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)
