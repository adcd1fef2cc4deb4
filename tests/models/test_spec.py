"""A spec is checked at birth and survives being written down."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resviz.errors import SpecError
from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import (
    ACTIVATIONS,
    FAMILIES,
    IMAGENET_STAGES,
    INITS,
    NORMS,
    SHORTCUTS,
    WITHOUT_NORM,
    ModelSpec,
)

COMMON = {
    "family": st.sampled_from(sorted(FAMILIES)),
    "shortcut": st.sampled_from(SHORTCUTS),
    "width": st.integers(1, 1024),
    "norm": st.sampled_from(NORMS),
    "activation": st.sampled_from(sorted(ACTIVATIONS)),
    "init": st.sampled_from(INITS),
    "classes": st.integers(1, 100_000),
    "seed": st.integers(0, 2**63 - 1),
}


@st.composite
def specs(draw):
    values = draw(st.fixed_dictionaries({}, optional=COMMON))
    values["stem"] = draw(st.sampled_from(["cifar", "imagenet"]))
    if values["stem"] == "imagenet":
        values["depth"] = draw(st.sampled_from(sorted(IMAGENET_STAGES)))
        block = IMAGENET_STAGES[values["depth"]][0]
    else:
        block = draw(st.sampled_from(["basic", "bottleneck"]))
        step = 6 if block == "basic" else 9
        values |= {"block": block, "depth": 2 + step * draw(st.integers(1, 1200 // step))}
    if block == "bottleneck":
        values |= {"groups": draw(st.integers(1, 64)), "width_per_group": draw(st.integers(1, 128))}
    if values.get("family") in WITHOUT_NORM:
        values.pop("norm", None)
    try:
        return ModelSpec(**values)
    except SpecError as error:
        assume("the limit is" not in str(error))
        raise


@given(specs())
def test_every_spec_survives_being_written_and_read(spec):
    assert ModelSpec.parse(str(spec)) == spec
    assert ModelSpec.from_dict(spec.as_dict()) == spec


@pytest.mark.parametrize(
    "text", ["residual-20", "plain-56?norm=none&init=torch&seed=3", "residual-50?stem=imagenet"]
)
def test_usual_values_are_not_written(text):
    assert str(ModelSpec.parse(text)) == text


@pytest.mark.parametrize("depth", sorted(IMAGENET_STAGES))
def test_imagenet_depth_counts_the_weighted_layers_of_table_1(depth):
    spec = ModelSpec(depth=depth, stem="imagenet")
    assert sum(spec.stages) * spec.layers_per_block + 2 == depth


@pytest.mark.parametrize(
    ("depth", "n"), [(20, 3), (32, 5), (44, 7), (56, 9), (110, 18), (1202, 200)]
)
def test_cifar_depth_is_6n_plus_2(depth, n):
    assert ModelSpec(depth=depth).stages == (n, n, n)


def test_bottleneck_depth_is_9n_plus_2():
    assert ModelSpec(depth=20, block="bottleneck").stages == (2, 2, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("residual-21", ["6n + 2", "21"]),
        ("residual-26?block=bottleneck", ["9n + 2", "26"]),
        ("residual-2", ["depth", "8", "1202", "2"]),
        ("residual-1208", ["1202", "1208"]),
        ("residual-x", ["whole number", "'x'"]),
        ("residual", ["FAMILY-DEPTH", "'residual'"]),
        ("dense-20", ["family", "plain, residual", "'dense'"]),
        ("residual-19?stem=imagenet", ["18, 34, 50, 101, 152", "19"]),
        ("residual-18?stem=imagenet&block=bottleneck", ["basic", "'bottleneck'"]),
        ("residual-20?norm=layer", ["norm", "batch, group, none", "'layer'"]),
        ("residual-20?shortcut=D", ["shortcut", "A, B, C", "'D'"]),
        ("residual-20?stem=mnist", ["stem", "cifar, imagenet", "'mnist'"]),
        ("residual-20?width=-1", ["width", "from 1 to 1024", "-1"]),
        ("residual-20?classes=0", ["classes", "0"]),
        ("residual-20?seed=-1", ["seed", "-1"]),
        ("residual-20?seed=", ["seed", "whole number", "''"]),
        ("residual-20?groups=2", ["bottleneck"]),
        ("fixup-20?norm=batch", ["fixup", "without normalisation", "'batch'"]),
        ("residual-20?colour=red", ["'colour'", "activation", "width_per_group"]),
    ],
)
def test_a_bad_spec_names_the_rule_and_the_value(text, said):
    with pytest.raises(SpecError) as caught:
        ModelSpec.parse(text)
    assert all(part in str(caught.value) for part in said), caught.value
    assert "\n" not in str(caught.value)


def test_a_spec_is_frozen_and_hashable():
    spec = ModelSpec()
    with pytest.raises(AttributeError):
        spec.depth = 56
    assert len({spec, ModelSpec(), ModelSpec(seed=1)}) == 2


@pytest.mark.parametrize(
    "name",
    [
        "residual-20",
        "plain-56?width=8",
        "residual-29?block=bottleneck&width=12",
        "residual-50?stem=imagenet&groups=32&width_per_group=4&shortcut=C",
        "residual-34?stem=imagenet",
    ],
)
def test_the_weights_foretold_are_those_of_the_convolutions_on_stem_and_branches(name: str) -> None:
    spec = ModelSpec.parse(name)
    convolutions = {
        n: p for n, p in skeleton(spec).named_parameters() if p.ndim == 4 and "downsample" not in n
    }
    assert spec.kernel_weights == sum(p.numel() for p in convolutions.values())


@pytest.mark.parametrize(
    "name", ["residual-1202?width=1024", "residual-152?stem=imagenet&width=1024"]
)
def test_a_network_that_would_fill_the_memory_is_refused_before_it_is_built(name: str) -> None:
    with pytest.raises(
        SpecError, match=r"would have [\d,]+ million weights, the limit is 500 million"
    ):
        ModelSpec.parse(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("residual-20?dilation=3", ["dilation", "1, 2, 4", "3"]),
        ("residual-20?stride_in_1x1=1", ["bottleneck"]),
        ("residual-50?stem=imagenet&stride_in_1x1=2", ["stride_in_1x1", "0, 1", "2"]),
        ("residual-20?head=wide", ["head", "512,256", "'wide'"]),
        ("residual-20?head=0", ["head", "'0'"]),
        ("residual-20?head=1,2,3,4,5,6,7,8,9", ["head"]),
        ("residual-20?head=²", ["head"]),
        ("residual-20?channels=0", ["channels", "from 1 to 64", "0"]),
        ("residual-20?stem=small", ["18, 34, 50, 101, 152", "small", "20"]),
    ],
)
def test_what_files_may_ask_for_is_checked(text, said):
    with pytest.raises(SpecError) as caught:
        ModelSpec.parse(text)
    assert all(part in str(caught.value) for part in said), caught.value


def test_unknown_values_of_a_file_are_named_in_our_words():
    with pytest.raises(SpecError, match="unknown option 'colour': choose from activation"):
        ModelSpec.from_dict({"depth": 20, "colour": "red"})


@pytest.mark.parametrize(
    "text",
    [
        "residual-18?stem=small&channels=1",
        "residual-20?head=512,256",
        "residual-50?stem=imagenet&stride_in_1x1=1&dilation=4&head=none",
    ],
)
def test_what_files_ask_for_is_written_and_read(text):
    spec = ModelSpec.parse(text)
    assert ModelSpec.parse(str(spec)) == spec
    assert ModelSpec.from_dict(spec.as_dict()) == spec
