"""Shapes tell a network; what they do not tell is said."""

import pytest

from resviz.errors import CheckpointError
from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights.identify import GROUPS, TWIN, listed, spec_values


def shapes(text):
    model = skeleton(ModelSpec.parse(text))
    return {name: tuple(t.shape) for name, t in model.state_dict().items()}


@pytest.mark.parametrize(
    "text",
    [
        "residual-18?stem=small",
        "residual-50?stem=small&classes=100",
        "residual-34?stem=small&channels=1",
        "residual-18?stem=imagenet&channels=4",
        "residual-20?channels=13&shortcut=B",
    ],
)
def test_stems_and_channels_are_read_from_shapes(text):
    values, _ = spec_values(shapes(text))
    assert ModelSpec.from_dict(values) == ModelSpec.parse(text)


@pytest.mark.parametrize("head", ["none", "20", "512,256"])
def test_a_head_is_told_with_its_shapes(head):
    values, _ = spec_values(shapes(f"residual-50?stem=imagenet&head={head}"), head)
    classes = 2048 if head == "none" else 10
    assert ModelSpec.from_dict(values) == ModelSpec.parse(
        f"residual-50?stem=imagenet&head={head}&classes={classes}"
    )


def test_what_shapes_do_not_tell_is_noted():
    assert spec_values(shapes("residual-20"))[1] == (TWIN,)
    assert spec_values(shapes("residual-20?norm=group"))[1] == (TWIN, GROUPS)
    assert spec_values(shapes("residual-18?stem=small"))[1] == ()
    assert "?family=plain" in TWIN
    assert "?norm=batch" in GROUPS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"conv1.weight": (64, 3, 5, 5)}, "behind an unusual first convolution"),
        ({"conv1.weight": (64, 3, 7)}, "conv1.weight is of shape 64x3x7"),
        ({"layer2.5.conv1.weight": (1,)}, "2x3x2x2 basic blocks"),
        ({"conv1.weight": ()}, "conv1.weight is of shape"),
    ],
)
def test_the_reason_is_said_where_no_network_has_these_shapes(change, reason):
    with pytest.raises(CheckpointError, match=reason):
        spec_values(shapes("residual-18?stem=imagenet") | change)


def test_a_shape_is_written_as_a_person_does():
    assert listed((64, 3, 7, 7)) == "64x3x7x7"
