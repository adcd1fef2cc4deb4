"""A request comes back from its file as it was, or a sentence says what it cannot be."""

import json

import pytest

from resviz.errors import ResvizError, SpecError, TrainingError
from resviz.training.config import TrainConfig
from resviz.training.request import Request
from resviz.training.schema import PRESETS

REQUEST = Request(model="new/plain-20", dataset="digits", config=TrainConfig(epochs=3, side=8))


@pytest.mark.parametrize("record", PRESETS)
def test_a_request_comes_back_from_json_as_it_was(record):
    request = Request(model="new/fixup-8?seed=3", dataset="folder:/x", record=record, threads=2)
    assert Request.from_dict(json.loads(json.dumps(request.as_dict()))) == request


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"model": "torchvision/resnet18"}, SpecError, "only a new network"),
        ({"model": "new/plain-9"}, SpecError, "depth"),
        ({"record": "all"}, TrainingError, "one of off, light, full"),
        ({"checkpoint_seconds": -1.0}, TrainingError, "must not be negative"),
        ({"dataset": 5}, TrainingError, "no training that resviz knows"),
        ({"threads": "2"}, TrainingError, "no training that resviz knows"),
        ({"colour": "red"}, TrainingError, "no training that resviz knows"),
        ({"config": {"epochs": 0}}, TrainingError, "epochs must be from 1"),
    ],
)
def test_what_no_request_can_be_is_a_sentence(changes, kind, says):
    with pytest.raises(kind, match=says):
        Request.from_dict({**REQUEST.as_dict(), **changes})


@pytest.mark.parametrize("field", ["model", "dataset"])
def test_what_has_no_default_must_be_there(field):
    values = {name: value for name, value in REQUEST.as_dict().items() if name != field}
    with pytest.raises(ResvizError, match=f"{field}: Field required"):
        Request.from_dict(values)
