"""Borrowers share the weights and nothing else."""

import threading
import time

import pytest
import torch
from captum.attr import LayerActivation, LayerGradCam
from torch import nn

from resviz.models.architectures.resnet import build
from resviz.models.pool import _HOOKS, Pool
from resviz.models.spec import ModelSpec

INPUTS = torch.randn(
    4, 1, 3, 16, 16, generator=torch.Generator().manual_seed(0)
)  # one for each caller


class Interrupted(BaseException):
    """As KeyboardInterrupt or Streamlit's rerun: no Exception."""


@pytest.fixture
def model():
    return build(ModelSpec(depth=20, shortcut="B"))


def pristine(model):
    """No hook, no gradient, flags as after building."""
    hooks = any(getattr(module, name) for module in model.modules() for name in _HOOKS)
    flags = any(module.training for module in model.modules())
    return (
        not hooks
        and not flags
        and all(p.grad is None and p.requires_grad for p in model.parameters())
    )


def by_threads(work):
    """Results of work(0) ... work(3), each called 30 times by a thread of its own."""
    results, errors = {i: [] for i in range(4)}, []

    def run(i):
        try:
            results[i].extend(work(i) for _ in range(30))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return results


def capture(model, x):
    seen = []
    handle = model.layer2[0].register_forward_hook(
        lambda module, args, output: seen.append(output.clone())
    )
    try:
        with torch.no_grad():
            model(x)
        return seen
    finally:
        handle.remove()


def activation(model, x):
    with torch.no_grad():
        return [LayerActivation(model, model.layer2[0]).attribute(x)]


def grad_cam(model, x):
    return [
        LayerGradCam(model, model.layer3).attribute(x, target=3, relu_attributions=True).detach()
    ]


@pytest.mark.parametrize("question", [capture, activation, grad_cam])
def test_four_threads_never_see_a_foreign_activation(model, question):
    pool = Pool(model)
    truth = [question(model, x) for x in INPUTS]
    assert not torch.equal(truth[0][0], truth[1][0])

    def ask(i):
        with pool.borrow() as clone:
            return question(clone, INPUTS[i])

    results = by_threads(ask)
    for i, expected in enumerate(truth):
        assert len(results[i]) == 30
        for answer in results[i]:
            assert len(answer) == 1
            assert torch.equal(answer[0], expected[0])
    assert pristine(model)


def test_clones_share_the_memory_of_all_weights_and_copy_the_statistics(model):
    with Pool(model).borrow() as clone:
        assert clone is not model
        ours, theirs = model.state_dict(keep_vars=True), clone.state_dict(keep_vars=True)
        weights = dict(model.named_parameters())
        assert list(ours) == list(theirs)
        for name in ours:
            assert (ours[name].data_ptr() == theirs[name].data_ptr()) == (name in weights), name
            assert torch.equal(ours[name], theirs[name])
            assert ours[name].requires_grad == theirs[name].requires_grad
        assert not set(map(id, model.modules())) & set(map(id, clone.modules()))


def test_tied_weights_stay_tied():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with Pool(model).borrow() as clone:
        assert clone[0].weight is clone[1].weight


@pytest.mark.parametrize("size", [1, 2, 3])
def test_there_are_never_more_clones_than_the_size(model, size, monkeypatch):
    pool = Pool(model, size)
    seen, lent, most = set(), set(), []

    def work(i):
        with pool.borrow() as clone:
            assert id(clone) not in lent
            lent.add(id(clone))
            seen.add(id(clone))
            most.append(len(lent))
            time.sleep(0.001)
            lent.remove(id(clone))

    by_threads(work)
    assert max(most) <= size
    assert len(seen) <= size


def test_a_clone_that_comes_back_clean_is_lent_again(model):
    pool = Pool(model, 1)
    with pool.borrow() as first, torch.no_grad():
        first(INPUTS[0])
    with pool.borrow() as second:
        assert second is first


def test_an_interrupted_borrower_leaves_nothing_behind(model):
    pool = Pool(model, 1)

    def borrow_and_fail():
        with pool.borrow() as clone:
            clone.layer1.register_forward_hook(lambda *args: None)
            clone.conv1.register_full_backward_hook(lambda *args: None)
            clone.train().requires_grad_(False)
            clone.fc.weight.requires_grad_(True)
            clone(torch.randn(2, 3, 16, 16)).sum().backward()
            spoiled.append(clone)
            raise Interrupted

    spoiled = []
    before = {name: t.clone() for name, t in model.state_dict().items()}
    with pytest.raises(Interrupted):
        borrow_and_fail()
    assert pristine(model)
    with pool.borrow() as clone:
        assert clone is not spoiled[0]
        assert pristine(clone)
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


def leave_hook(clone):
    clone.layer1[0].add.register_forward_pre_hook(lambda *args: None)


def leave_backward_hook(clone):
    clone.conv1.register_full_backward_hook(lambda *args: None)


def leave_gradient(clone):
    clone(INPUTS[0]).sum().backward()


def leave_flag(clone):
    clone.layer3.train()


def leave_frozen(clone):
    clone.fc.weight.requires_grad_(False)


def leave_tensor_hook(clone):
    clone.fc.weight.register_hook(lambda grad: None)


def leave_patched_forward(clone):
    clone.layer2.forward = lambda x: x


def leave_other_weights(clone):
    clone.fc.weight = nn.Parameter(torch.zeros(10, 64))


@pytest.mark.parametrize(
    "leave",
    [
        leave_hook,
        leave_backward_hook,
        leave_gradient,
        leave_flag,
        leave_frozen,
        leave_tensor_hook,
        leave_patched_forward,
        leave_other_weights,
    ],
)
def test_a_clone_with_traces_is_thrown_away_and_the_model_has_none(model, leave):
    pool = Pool(model, 1)
    with pool.borrow() as first:
        leave(first)
    assert pristine(model)
    with pool.borrow() as second:
        assert second is not first
        assert pristine(second)


def test_two_borrowers_at_once_do_not_share_gradients(model):
    pool = Pool(model)
    with pool.borrow() as one, pool.borrow() as other:
        one(INPUTS[0]).sum().backward()
        assert all(p.grad is None for p in other.parameters())
    assert pristine(model)


def test_a_borrower_that_trains_changes_statistics_of_its_own(model):
    pool = Pool(model, 1)
    before = {name: b.clone() for name, b in model.named_buffers()}
    with pool.borrow() as first:
        first.train()(torch.randn(2, 3, 16, 16))
        first.eval()  # tidied up, but the statistics are others
        assert not torch.equal(first.bn1.running_mean, before["bn1.running_mean"])
    assert all(torch.equal(before[name], b) for name, b in model.named_buffers())
    with pool.borrow() as second:
        assert second is not first
        assert all(torch.equal(before[name], b) for name, b in second.named_buffers())


def test_a_borrower_in_inference_mode_does_not_spoil_the_clone_for_gradients(model):
    with torch.inference_mode():
        pool = Pool(model, 1)
        with pool.borrow() as first:
            first(INPUTS[0])
    with pool.borrow() as second:
        assert second is first
        x = INPUTS[0].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(second(x).sum(), x)
    assert torch.isfinite(gradient).all()


def test_a_model_with_a_gradient_or_hook_of_its_own_is_still_pooled(model):
    model(INPUTS[0]).sum().backward()
    model.layer1.register_forward_hook(lambda *args: None)
    pool = Pool(model, 1)
    with pool.borrow() as first:
        assert all(p.grad is None for p in first.parameters())
    with pool.borrow() as second:
        assert second is first


def test_a_pool_of_none_is_a_bug():
    with pytest.raises(ValueError, match="at least one clone, got 0"):
        Pool(nn.Linear(1, 1), 0)
