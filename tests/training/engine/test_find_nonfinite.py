"""A loss that is no number ends a training, with the layer where that began."""

from dataclasses import replace

import pytest
from torch import nn

from resviz.errors import TrainingError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine.trainer import train
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset

DATA = dataset()


PIXELS = statistics(DATA)


def network(seed: int = 0, more: str = "") -> nn.Module:
    return build(ModelSpec.parse(f"{MODEL.removeprefix('new/')}&seed={seed}{more}"))


def test_a_loss_that_is_no_number_stops_the_training_with_the_step_and_the_way_out():
    config = replace(CONFIG, lr=100.0, warmup=0.0, momentum=0.99, epochs=50)
    seen = []
    with pytest.raises(
        TrainingError,
        match=r"^The loss is (nan|inf) at step \d+ of 200; it began in layer1\.0\.conv2; "
        r"choose a lower",
    ):
        seen.extend(event for event in train(network(more="&norm=none"), DATA, config, CPU, PIXELS))
    assert len(seen) < 200
