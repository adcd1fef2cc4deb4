"""`torch.compile`: the same steps and records under the same names, or a sentence."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from resviz.errors import TrainingError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine import compilation
from resviz.training.engine.recorder import Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import Step
from resviz.training.runs.folder import statistics
from tests.training.squares import CONFIG, CPU, MODEL, dataset

DATA = dataset()

pytestmark = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # torch's own look


def training(compiled: bool, preset: str = "full", state: object = None) -> Training:
    model = build(ModelSpec.parse(MODEL.removeprefix("new/")))
    config = replace(CONFIG, epochs=1, compile=compiled)
    return Training(model, DATA, config, CPU, statistics(DATA), Recorder(model, preset), state)


def test_a_translated_network_takes_the_same_steps_and_is_kept_under_the_same_names(monkeypatch):
    monkeypatch.setattr(
        compilation, "BACKEND", "aot_eager"
    )  # traced and differentiated as with a compiler, which takes longer
    next(
        training(True, "off").events()
    )  # the translation of this one is not taken for that of the next
    usual, translated = (training(compiled) for compiled in (False, True))
    pairs = list(zip(usual.events(), translated.events(), strict=True))
    for ours, theirs in pairs:
        if isinstance(ours, Step):
            assert theirs.loss == pytest.approx(ours.loss, rel=1e-4)
            assert theirs.norms.keys() == ours.norms.keys()
            for quantity, values in ours.norms.items():
                np.testing.assert_allclose(
                    theirs.norms[quantity], values, rtol=1e-2, atol=1e-5, err_msg=quantity
                )
    state = translated.state()
    assert state.tensors.keys() == usual.state().tensors.keys()
    assert torch.equal(
        training(True, state=state).model.conv1.weight, translated.model.conv1.weight
    )


def test_without_a_compiler_a_sentence_says_so(monkeypatch, tmp_path):
    import torch._inductor.config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", (None, str(tmp_path / "nothing")))
    with pytest.raises(
        TrainingError,
        match=r"torch.compile cannot translate this network here \(.*compiler.*\); install",
    ):
        next(training(True).events())
