"""On a GPU probes and training give the CPU's numbers; skipped where there is none."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from resviz.data import datasets
from resviz.device import Device, best, cpu
from resviz.errors import TrainingError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.attribution.methods import METHODS, attribute
from resviz.probes.core.layers import layers
from resviz.probes.core.prediction import predict
from resviz.probes.feature_maps.activations import (
    activations,
    gradient_times_activation,
    moments,
    residual_parts,
)
from resviz.probes.receptive_field.theoretical import receptive_field
from resviz.training.config import TrainConfig
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.checkpoint import State
from resviz.training.engine.recorder import Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import EpochEnd, Step
from resviz.training.runs.folder import statistics
from tests.probes.example_nets import imagenet, picture

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        best().type == "cpu", reason="there is no GPU: CUDA and MPS are not available"
    ),
]


@pytest.fixture(scope="module")
def nets():
    """The same network on the CPU and on the GPU."""
    here = imagenet(18).eval()
    return here, copy.deepcopy(here).to(best().type)


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def test_predictions_agree(nets):
    here, there = (predict(net, picture(64).to(next(net.parameters()).device), ()) for net in nets)
    np.testing.assert_allclose(there.scores, here.scores, rtol=1e-3, atol=1e-4)


def test_activations_and_their_statistics_agree(nets):
    x = picture(64)
    for probe in (activations, moments):
        here, there = (
            probe(net, x.to(next(net.parameters()).device), ["layer2.0"])["layer2.0"]
            for net in nets
        )
        np.testing.assert_allclose(there.mean, here.mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(there.std, here.std, rtol=1e-3, atol=1e-4)


def test_residual_parts_and_relevance_agree(nets):
    x = picture(64)
    here, there = (
        residual_parts(net, x.to(next(net.parameters()).device), "layer3.1") for net in nets
    )
    assert there.norm_branch == pytest.approx(here.norm_branch, rel=1e-3)
    here, there = (
        gradient_times_activation(n, x.to(next(n.parameters()).device), "layer3.1", 3) for n in nets
    )
    np.testing.assert_allclose(there, here, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_attributions_agree(nets, method):
    x = picture(64)
    here, there = (attribute(net, x.to(next(net.parameters()).device), method, 3) for net in nets)
    np.testing.assert_allclose(there.map, here.map, rtol=1e-2, atol=1e-2 * np.abs(here.map).max())


def test_structure_is_the_same_wherever_the_weights_lie(nets):
    here, there = nets
    assert layers(there, 64) == layers(here, 64)
    assert receptive_field(there, ["layer4.1"], 64) == receptive_field(here, ["layer4.1"], 64)


# ---- training

CONFIG = TrainConfig(
    epochs=1, batch_size=128, lr=0.1, side=8, augmentation="crop", precision="float32"
)


def training(device: Device, config: TrainConfig = CONFIG, state: State | None = None) -> Training:
    data = datasets.load("digits", 8)
    model = build(ModelSpec.parse("residual-8?width=8"))
    return Training(model, data, config, device, statistics(data), Recorder(model, "full"), state)


def first_steps(found: Training, count: int = 3) -> list[Step]:
    return [event for _, event in zip(range(count), found.events(), strict=False)]


def test_training_takes_the_steps_of_the_cpu_and_records_them():
    here, there = (
        first_steps(training(device)) for device in (replace(cpu(), autocast=None), best())
    )
    for ours, theirs in zip(here, there, strict=True):
        assert theirs.loss == pytest.approx(ours.loss, rel=1e-2)
    for quantity, values in here[0].norms.items():
        np.testing.assert_allclose(
            there[0].norms[quantity], values, rtol=2e-2, atol=1e-4, err_msg=quantity
        )


def test_the_set_lies_on_the_gpu_and_batches_are_the_same_as_on_the_cpu():
    for augmentation in ("none", "crop", "resized-crop"):
        config = replace(CONFIG, augmentation=augmentation)
        data = datasets.load("digits", 8)
        here, there = (
            Batches(data.train.images, data.train.targets, config, *statistics(data), device=kind)
            for kind in ("cpu", best().type)
        )
        assert there.images.device.type == best().type
        (images, targets), (ours, answers) = (next(found.epoch(1)) for found in (here, there))
        assert ours.device.type == best().type
        torch.testing.assert_close(ours.cpu(), images, rtol=1e-3, atol=1e-3)
        assert torch.equal(answers.cpu(), targets)


def test_half_precision_learns_and_an_interrupted_training_goes_on():
    config = replace(CONFIG, epochs=6, batch_size=64, augmentation="none", precision="auto")
    whole = training(best(), config)
    ends = [event for event in whole.events() if isinstance(event, EpochEnd)]
    assert ends[-1].test.accuracy > 0.85
    before = training(best(), config)
    first_steps(before, 5)
    after = training(best(), config, before.state())
    assert after.step == 5
    again = [event for event in after.events() if isinstance(event, EpochEnd)]
    assert again[-1].test.accuracy == pytest.approx(ends[-1].test.accuracy, abs=0.05)


def test_a_translated_network_takes_the_same_first_step():
    try:
        (found,) = first_steps(training(best(), replace(CONFIG, compile=True)), 1)
    except TrainingError as reason:
        pytest.skip(str(reason))
    (usual,) = first_steps(training(best()), 1)
    assert found.loss == pytest.approx(usual.loss, rel=1e-2)
    assert found.norms.keys() == usual.norms.keys()


@pytest.mark.skipif(best().type != "cuda", reason="only CUDA says when it is waited for")
@pytest.mark.parametrize("preset", ["light", "full"])
def test_the_gpu_is_waited_for_as_often_with_many_layers_as_with_few(preset):
    counts = []
    for depth in (8, 20):
        data = datasets.load("digits", 8)
        model = build(ModelSpec.parse(f"residual-{depth}?width=8"))
        found = Training(model, data, CONFIG, best(), statistics(data), Recorder(model, preset))
        events = found.events()
        next(events)
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                next(events)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("synchroniz" in str(warning.message) for warning in seen))
    assert counts[0] == counts[1] > 0
