"""Running averages against a batch's own statistics: `nn.BatchNorm2d` in its two modes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.train_eval_gap import train_eval_gap
from tests.probes.example_nets import cifar, left_as_found, picture

X, TARGETS = picture(16, batch=11), torch.arange(11) % 10


@pytest.mark.parametrize("batch", [2, 5])
def test_both_answers_are_those_of_a_copy_in_evaluation_and_in_training_mode(batch):
    model = cifar(8)
    with left_as_found(model):
        found = train_eval_gap(model, X, TARGETS, batch)
    images = 11 // batch * batch
    assert (found.images, found.batch) == (images, batch)
    for answers, twin in (
        (found.stored, copy.deepcopy(model).eval()),
        (found.own, copy.deepcopy(model).train()),
    ):
        scores = torch.cat([twin(part) for part in X[:images].split(batch)]).detach()
        assert answers.loss == pytest.approx(
            F.cross_entropy(scores, TARGETS[:images]).item(), rel=1e-4
        )
        right = int((scores.argmax(1) == TARGETS[:images]).sum())
        assert answers.accuracy == pytest.approx(right / images)
    assert found.own.loss != pytest.approx(found.stored.loss, rel=1e-2)


def test_averages_that_are_the_batch_s_own_statistics_leave_no_difference():
    model = cifar(8)
    twin, handles = copy.deepcopy(model).train(), []

    def biased(norm: nn.Module, given: tuple[torch.Tensor], _output: torch.Tensor) -> None:
        """The average stores the variance divided by n - 1; here it is divided by n."""
        values = given[0].numel() / given[0].shape[1]
        norm.running_var.mul_(1 - 1 / values)

    for norm in (m for m in twin.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.momentum = 1.0
        handles.append(norm.register_forward_hook(biased))
    with torch.no_grad():
        twin(X)
    for handle in handles:
        handle.remove()
    found = train_eval_gap(twin.eval(), X, TARGETS, len(X))
    assert found.own.accuracy == found.stored.accuracy
    assert found.own.loss == pytest.approx(found.stored.loss, rel=1e-4)


@pytest.mark.parametrize("batch", [0, 1, 12])
def test_a_batch_that_cannot_be_is_one_sentence(batch):
    with pytest.raises(ProbeError, match=f"from 2 images to all 11 of them, got {batch}"):
        train_eval_gap(cifar(8), X, TARGETS, batch)


def test_a_network_without_batch_norm_is_refused():
    with pytest.raises(ProbeError, match="no BatchNorm"):
        train_eval_gap(cifar(8, norm="none"), X, TARGETS, 2)
