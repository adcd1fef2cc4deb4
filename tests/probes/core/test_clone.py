"""Copies of networks that torch itself refuses to copy."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from resviz.probes.core.clone import bare_clone, own_clone
from tests.probes.example_nets import picture


def weight_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4))


def pruned() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    prune.random_unstructured(model[0], "weight", 0.5)
    return model


def spectral_norm() -> nn.Module:
    return nn.Sequential(parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4))


WRAPPED = {"weight_norm": weight_norm, "pruned": pruned, "spectral_norm": spectral_norm}


@pytest.mark.parametrize("clone", [bare_clone, own_clone])
@pytest.mark.parametrize("net", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_network_that_has_run_is_copied_and_answers_the_same(net, clone):
    model, x = net().eval(), picture(6)
    expected = model(x)
    torch.testing.assert_close(clone(model)(x), expected)


def test_deepcopy_alone_refuses():
    model = weight_norm()
    model(picture(6))
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(model)


def test_a_bare_clone_shares_all_numbers_and_has_no_hooks():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model[0].register_forward_hook(lambda *_: None)
    clone = bare_clone(model)
    pairs = zip(model.state_dict().values(), clone.state_dict().values(), strict=True)
    assert all(a.data_ptr() == b.data_ptr() for a, b in pairs)
    assert model.training
    assert not clone.training
    assert not clone[0]._forward_hooks
    assert model[0]._forward_hooks


def test_a_clone_of_its_own_can_be_changed_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    before = model[0].weight.detach().clone()
    own_clone(model).double()[0].weight.data.zero_()
    torch.testing.assert_close(model[0].weight.detach(), before)
