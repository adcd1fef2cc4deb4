"""Paths are counted by hand, and the gradients of all of them add up to the gradient."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from resviz.errors import ProbeError
from resviz.probes.gradient_flow.paths import paths, share_of_paths, through
from tests.probes.example_nets import cifar, left_as_found, picture


def test_the_share_of_paths_is_the_binomial_distribution():
    assert share_of_paths(3).tolist() == [1 / 8, 3 / 8, 3 / 8, 1 / 8]
    shares = share_of_paths(54)
    assert shares.sum() == pytest.approx(1)
    assert (
        shares[19:36].sum() > 0.95
    )  # Veit et al. 2016, section 4.2: more than 95 % pass 19 to 35 of 54 modules


@pytest.mark.parametrize(
    "options", [{}, {"shortcut": "B"}, {"family": "preactivation"}, {"family": "gated"}]
)
def test_the_gradients_through_all_paths_add_up_to_the_gradient(options):
    model, x = cifar(14, width=4, **options).double(), picture(16).double()
    masks = torch.tensor(list(itertools.product([False, True], repeat=6)))
    with left_as_found(model):
        found = through(model, x, 3, masks)
    image = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(F.cross_entropy(model(image), torch.tensor([3])), image)
    torch.testing.assert_close(found.sum(0, keepdim=True), expected, rtol=1e-8, atol=1e-12)


def test_the_shortest_path_is_the_network_of_shortcuts_with_the_masks_of_the_whole():
    model, x = cifar(8, width=4).double(), picture(16).double()
    image = x.clone().requires_grad_()
    first = model.relu(model.bn1(model.conv1(image)))
    h = first
    for stage in (model.layer1, model.layer2, model.layer3):
        (block,) = stage
        carried = h if block.downsample is None else block.downsample(h)
        with torch.no_grad():
            total = carried + block.body(h)
        h = carried * (total > 0) + (total * (total > 0) - carried * (total > 0)).detach()
    scores = model.fc(h.mean((2, 3)))
    torch.testing.assert_close(scores, model(x))
    (expected,) = torch.autograd.grad(F.cross_entropy(scores, torch.tensor([3])), image)
    found = through(model, x, 3, torch.zeros(1, 3, dtype=torch.bool))
    torch.testing.assert_close(found, expected)


def test_gradient_by_length_is_the_mean_over_paths_and_contribution_its_share():
    model, x = cifar(8, width=4), picture(16)
    found = paths(model, x, 3, samples=40)
    masks = torch.tensor(list(itertools.product([False, True], repeat=3)))
    norms = through(model, x, 3, masks).flatten(1).norm(dim=1)
    exact = np.array([norms[masks.sum(1) == k].mean().item() for k in range(4)])
    np.testing.assert_allclose(found.gradient[[0, 3]], exact[[0, 3]], rtol=1e-5)
    np.testing.assert_allclose(found.gradient, exact, rtol=0.3)
    np.testing.assert_allclose(
        found.contribution, found.share * found.gradient / (found.share @ found.gradient)
    )
    assert found.contribution.sum() == pytest.approx(1)
    assert 0 <= found.most[0] <= found.most[1] <= 3
    assert paths(model, x, 3, samples=40).gradient.tolist() == found.gradient.tolist()


def test_a_plain_network_has_one_path_only():
    with pytest.raises(ProbeError, match="one path only"):
        paths(cifar(8, family="plain"), picture(16), 0)


def test_a_class_that_does_not_exist_is_refused():
    with pytest.raises(ProbeError, match="no class 10"):
        paths(cifar(8, width=4), picture(16), 10)


def test_a_very_sure_answer_loses_no_digits_in_float32():
    """With a probability of 1 - 1e-12, float32 knows the other classes, not what is missing to
    1.
    """
    model, x, target = cifar(8, width=4), picture(16), 3
    with torch.no_grad():
        model.fc.bias[target] += 28
    masks = torch.tensor(list(itertools.product([False, True], repeat=3)))
    image = x.clone().requires_grad_()
    loss = F.cross_entropy(model(image), torch.tensor([target]))
    naive = torch.autograd.grad(loss, image)[0].norm()
    narrow = through(model, x, target, masks).flatten(1).norm(dim=1)
    whole = through(model, x, target, masks).sum(0).norm()
    wide = through(model.double(), x.double(), target, masks).flatten(1).norm(dim=1)
    assert 0 < wide.max() < 1e-9
    assert abs(naive / whole - 1) > 0.1
    torch.testing.assert_close(narrow, wide, rtol=1e-4, atol=0)


def test_the_table_has_a_row_for_each_length():
    found = paths(cifar(8, width=4), picture(16), 3, samples=2)
    assert [row["length"] for row in found.table().records()] == [0, 1, 2, 3]
    assert found.table().records()[1]["share of gradient"] == found.contribution[1]
