"""What the table says of torchvision's networks is what torchvision has."""

import pytest
import torch

from resviz.errors import ModelError
from resviz.models.size import parameters
from resviz.models.weights import torchvision
from resviz.models.weights.torchvision import OTHERS, RESNETS


@pytest.mark.parametrize("name", RESNETS)
def test_a_published_resnet_has_the_parameters_of_our_spec(name):
    spec = RESNETS[name].spec()
    assert spec is not None
    assert parameters(spec) == RESNETS[name].parameters


@pytest.mark.parametrize("name", [*RESNETS, *OTHERS])
def test_the_default_weights_are_in_the_file_of_the_table(name):
    member = torchvision.weights(name, "DEFAULT")
    assert member.url.endswith(f"/{(RESNETS | dict(OTHERS))[name].file}")
    assert len(torchvision.labels(member)) == 1000


def test_weights_that_are_not_published_are_answered_with_those_that_are():
    with pytest.raises(ModelError, match="choose from IMAGENET1K_V1, IMAGENET1K_V2, none"):
        torchvision.weights("resnet50", "V3")


def test_random_weights_leave_the_random_numbers_of_the_process_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    model = torchvision.fresh("squeezenet1_1", torchvision.weights("squeezenet1_1", "DEFAULT"))
    assert torch.equal(torch.rand(1), expected)
    assert not any(getattr(module, "inplace", False) for module in model.modules())
