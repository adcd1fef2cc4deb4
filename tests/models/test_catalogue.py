"""The list of models is what loading them gives."""

import pytest

from resviz.models import zoo
from resviz.models.catalogue import NEW, catalogue
from resviz.models.size import parameters
from resviz.models.spec import ModelSpec

INFOS = {info.name: info for info in catalogue()}


@pytest.mark.parametrize("name", [name for name in INFOS if name.startswith("bundled/resnet20")])
def test_a_bundled_model_is_what_its_line_says(name):
    info, loaded = INFOS[name], zoo.load(name)
    assert info.offline
    assert info.spec == loaded.spec
    assert info.parameters == sum(p.numel() for p in loaded.model.parameters())
    assert (info.classes, info.input_size) == (len(loaded.labels), loaded.input_size)


def test_networks_to_build_have_the_parameters_of_their_spec():
    for depth, count in NEW.items():
        assert count == parameters(ModelSpec(depth=depth))
        assert INFOS[f"new/residual-{depth}"].parameters == count


def test_published_networks_can_be_left_out():
    assert any(name.startswith("torchvision/") for name in INFOS)
    names = [info.name for info in catalogue(include_torchvision=False)]
    assert not any(name.startswith("torchvision/") for name in names)
    assert len(set(names)) == len(names)
