"""float16: the loss is scaled so that small gradients survive; what is recorded and kept is not."""

from dataclasses import replace

import numpy as np
import torch

from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine import checkpoint
from resviz.training.engine.recorder import Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import Step
from resviz.training.launch import start
from resviz.training.launch.start import resume_run, start_run
from resviz.training.runs import reader
from resviz.training.runs.folder import statistics
from resviz.training.schema import STATE
from tests.training.squares import CONFIG, CPU, MODEL, dataset, folder

DATA = dataset()
FP16 = replace(CPU, autocast=torch.float16)
HALF = replace(CONFIG, precision="auto", epochs=2)


def training(device=FP16) -> Training:
    model = build(ModelSpec.parse(MODEL.removeprefix("new/")))
    return Training(model, DATA, HALF, device, statistics(DATA), Recorder(model, "full"))


def steps(found: Training) -> list[Step]:
    return [event for event in found.events() if isinstance(event, Step)]


def test_recorded_norms_are_those_of_float32_whatever_the_scale():
    exact = steps(training(CPU))[0]
    for scale in (1.0, 2.0**10, 2.0**15):
        found = training()
        found.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        first = steps(found)[0]
        assert not first.skipped
        for quantity, values in exact.norms.items():
            np.testing.assert_allclose(
                first.norms[quantity], values, rtol=0.02, atol=1e-5, err_msg=quantity
            )


def test_a_step_whose_gradients_overflow_is_skipped_and_says_so():
    found = training()
    found.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)
    before = {name: p.detach().clone() for name, p in found.model.named_parameters()}
    seen = []
    for event in (event for event in found.events() if isinstance(event, Step)):
        if not event.skipped:
            break
        seen.append(event)
        assert set(event.norms["update_ratio"]) == {0.0}
        assert np.isfinite(event.loss)
        assert all(torch.equal(before[name], p) for name, p in found.model.named_parameters())
    assert 0 < len(seen) < 8
    assert found.scaler.get_scale() == 2.0 ** (24 - len(seen))  # halved each time
    assert np.isfinite(event.norms["weight_gradient"]).all()
    assert min(event.norms["update_ratio"]) > 0


def test_no_step_is_skipped_without_float16():
    for device in (CPU, replace(CPU, autocast=torch.bfloat16)):
        found = training(device)
        assert not any(step.skipped for step in steps(found))
        assert not [name for name in found.state().numbers if name.startswith("scaler")]


def test_the_scale_is_kept_and_a_resumed_run_equals_the_uninterrupted_one(
    home, tmp_path, monkeypatch
):
    monkeypatch.setattr(start, "best", lambda: FP16)
    squares = folder(tmp_path / "squares")
    usual = torch.amp.GradScaler
    monkeypatch.setattr(
        torch.amp,
        "GradScaler",
        lambda kind, enabled: usual(kind, init_scale=2.0**22, enabled=enabled),
    )
    whole, events = start_run(MODEL, squares, HALF)
    list(events)
    run, events = start_run(MODEL, squares, HALF)
    for _ in range(5):
        next(events)
    events.close()
    skipped = reader.RunReader(run.folder).notes()["skipped"]
    assert skipped
    assert checkpoint.load(run.folder / STATE).numbers["scaler.scale"] == 2.0 ** (22 - len(skipped))
    monkeypatch.setattr(torch.amp, "GradScaler", usual)  # the scale comes from the checkpoint
    list(resume_run(run.folder)[1])
    here, there = (reader.RunReader(r.folder) for r in (run, whole))
    assert here.scalars()["loss"].tolist() == there.scalars()["loss"].tolist()
    assert here.notes()["skipped"] == there.notes()["skipped"]
    assert here.notes()["skipped"][: len(skipped)] == skipped
    assert (
        checkpoint.load(run.folder / STATE).numbers == checkpoint.load(whole.folder / STATE).numbers
    )
