"""What the recorder records against gradients taken apart by hand; and that it changes nothing."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import TrainingError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.recorder import BATCHNORM_EVERY, Recorder
from resviz.training.engine.trainer import train
from resviz.training.events import Step
from resviz.training.runs.folder import statistics
from resviz.training.schema import PRESETS, QUANTITIES
from tests.training.squares import CONFIG, CPU, dataset

DATA = dataset()
PIXELS = statistics(DATA)
FAMILIES = [
    "residual-8?width=4&classes=2",
    "residual-14?width=4&classes=2&shortcut=B",
    "plain-8?width=4&classes=2",
]


def first_step(name: str, preset: str = "full") -> tuple[Step, nn.Module, nn.Module, Recorder]:
    """The first step, the network before and after it, and the recorder."""
    model = build(ModelSpec.parse(name))
    before = copy.deepcopy(model)
    recorder = Recorder(model, preset)
    step = next(train(model, DATA, CONFIG, CPU, PIXELS, recorder))
    return step, before, model, recorder


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    """Of the first batch's loss, and the blocks' inputs, outputs and their gradients under `in.`,
    `out.`, `grad.`
    """
    model.train()
    found, handles = {}, []
    for name, block in model.named_modules():
        if hasattr(block, "last_activation"):

            def keep(_, inputs, output, name=name):
                output.retain_grad()
                found[f"in.{name}"], found[f"out.{name}"] = inputs[0].detach(), output

            handles.append(block.register_forward_hook(keep))
    images, targets = next(Batches(DATA.train.images, DATA.train.targets, CONFIG, *PIXELS).epoch(0))
    F.cross_entropy(model(images), targets).backward()
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_weight_gradients_weights_and_updates_are_those_of_autograd(name):
    step, before, after, recorder = first_step(name)
    gradients(before)
    names = [n for n, _ in recorder.layers["weighted"]]
    assert names[0] == "conv1"
    assert names[-1] == "fc"
    for i, layer in enumerate(names):
        old, new = (m.get_submodule(layer).weight for m in (before, after))
        assert step.norms["weight_gradient"][i] == pytest.approx(old.grad.norm().item(), rel=1e-4)
        assert step.norms["weight"][i] == pytest.approx(old.norm().item(), rel=1e-5)
        ratio = ((new - old).norm() / old.norm()).item()
        assert step.norms["update_ratio"][i] == pytest.approx(ratio, rel=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_block_gradients_and_deviations_are_those_of_autograd(name):
    step, before, _, recorder = first_step(name)
    found = gradients(before)
    for i, (block, _) in enumerate(recorder.layers["block"]):
        output = found[f"out.{block}"]
        assert step.norms["block_gradient"][i] == pytest.approx(output.grad.norm().item(), rel=1e-4)
        deviation_ = output.std(unbiased=False).item()
        assert step.norms["activation_deviation"][i] == pytest.approx(deviation_, rel=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        *FAMILIES[:2],
        *(f"{family}-8?width=4&classes=2" for family in ("preactivation", "gated", "fixup")),
    ],
)
def test_branch_and_shortcut_carry_back_what_each_alone_would(name):
    step, before, _, recorder = first_step(name)
    found = gradients(before)
    for i, (block_name, _) in enumerate(recorder.layers["residual"]):
        block, x = before.get_submodule(block_name), found[f"in.{block_name}"]
        a, b = (x.clone().requires_grad_() for _ in range(2))
        identity = b if block.downsample is None else block.downsample(b)
        total = block.add(block.branch(block.body(a)), block.shortcut(identity))
        block.last_activation(total).backward(found[f"out.{block_name}"].grad)
        assert step.norms["branch_gradient"][i] == pytest.approx(a.grad.norm().item(), rel=1e-3)
        assert step.norms["shortcut_gradient"][i] == pytest.approx(b.grad.norm().item(), rel=1e-3)


def test_a_plain_network_has_no_branch_and_no_shortcut():
    step, *_, recorder = first_step("plain-8?width=4&classes=2")
    assert recorder.layers["residual"] == ()
    assert set(step.norms) == set(QUANTITIES) - {"branch_gradient", "shortcut_gradient"}


def test_batchnorm_is_summed_up_over_its_channels():
    step, _, after, recorder = first_step(FAMILIES[0])
    for i, (name, _) in enumerate(recorder.layers["batchnorm"]):
        norm = after.get_submodule(name)
        learned = (("gamma", norm.weight), ("beta", norm.bias))
        running = (("mean", norm.running_mean), ("variance", norm.running_var))
        for kind, values in (*learned, *running):
            assert step.norms[f"bn_{kind}"][i] == pytest.approx(values.mean().item(), abs=1e-6)
            spread = values.std(unbiased=False).item()
            assert step.norms[f"bn_{kind}_deviation"][i] == pytest.approx(spread, abs=1e-6)


def test_batchnorm_is_looked_at_in_each_of_the_first_ten_steps_and_every_tenth_later():
    model = build(ModelSpec.parse(FAMILIES[0]))
    steps = [
        e
        for e in train(model, DATA, CONFIG, CPU, PIXELS, Recorder(model, "full"))
        if isinstance(e, Step)
    ]
    assert [s.step for s in steps if "bn_mean" in s.norms] == [
        *range(BATCHNORM_EVERY),
        BATCHNORM_EVERY,
    ]
    assert all("weight_gradient" in s.norms for s in steps)


def test_a_network_without_batchnorm_has_no_such_records():
    step, *_ = first_step("residual-8?width=4&classes=2&norm=none")
    assert not [quantity for quantity in step.norms if quantity.startswith("bn_")]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_records_what_it_names_and_nothing_else(preset):
    assert set(first_step(FAMILIES[0], preset)[0].norms) == set(PRESETS[preset])


@pytest.mark.parametrize("name", FAMILIES)
def test_recording_changes_no_bit_of_the_training(name):
    kept = []
    for preset in ("off", "full"):
        model = build(ModelSpec.parse(name))
        events = list(train(model, DATA, CONFIG, CPU, PIXELS, Recorder(model, preset)))
        kept.append(([e.loss for e in events if isinstance(e, Step)], model.state_dict()))
    (losses, weights), (again, same) = kept
    assert losses == again
    assert all(torch.equal(weights[key], same[key]) for key in weights)


def test_no_hook_is_left_when_the_training_ends_or_is_left():
    for take in (1, 100):
        model = build(ModelSpec.parse(FAMILIES[0]))
        events = train(model, DATA, CONFIG, CPU, PIXELS, Recorder(model, "full"))
        for _, _event in zip(range(take), events, strict=False):
            pass
        events.close()
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_an_unknown_preset_names_the_choices():
    with pytest.raises(TrainingError, match="one of off, light, full, got 'all'"):
        Recorder(build(ModelSpec.parse(FAMILIES[0])), "all")
