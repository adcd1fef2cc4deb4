"""The bundled digits against what is published about them.

And what is said where a download fails.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.datasets

from resviz.data import datasets
from resviz.data.builtin import KNOWN, arrays, is_here
from resviz.data.preprocess import Preprocess
from resviz.errors import DataError


def silent(share: float, what: str) -> None:
    pass


def test_digits_are_those_of_scikit_learn():
    package = find_spec("sklearn")
    if package is None:
        pytest.skip("scikit-learn is not installed")
    with gzip.open(
        Path(package.origin).parent / "datasets/data/digits.csv.gz"
    ) as file:  # importing it takes seconds
        theirs = np.loadtxt(file, delimiter=",")
    found = datasets.load("digits", 8)
    ours = torch.cat([found.train.images, found.test.images]).double() * 16 / 255
    assert (
        np.abs(ours[:, 0].flatten(1).numpy() - theirs[:, :-1]).max() < 0.04
    )  # 17 shades on a scale of 256
    assert (
        torch.cat([found.train.targets, found.test.targets]).tolist()
        == theirs[:, -1].astype(int).tolist()
    )


def test_digits_are_as_many_as_published_and_grey():
    found = datasets.load("digits", 8)
    assert (len(found.train), len(found.test)) == (1437, 360)
    assert found.labels == tuple("0123456789")
    assert found.train.images.shape == (1437, 3, 8, 8)
    assert found.train.images.dtype == torch.uint8
    assert (found.train.images.min(), found.train.images.max()) == (0, 255)
    assert (found.train.images[:, 0] == found.train.images[:, 2]).all()
    counts = torch.bincount(torch.cat([found.train.targets, found.test.targets]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # UCI's table
    assert len(found.fingerprint) == 64
    assert found.fingerprint == datasets.load("digits", 8).fingerprint


def test_another_side_is_what_preprocessing_makes_of_it():
    from PIL import Image

    found = datasets.load("digits", 16, test_only=True)
    assert len(found.train) == 0
    image = Image.fromarray(arrays("digits", silent).test[0][5])
    expected = np.asarray(Preprocess(16, 16).view(image))
    assert (found.test.images[5].permute(1, 2, 0).numpy() == expected).all()


def test_a_view_decides_what_is_seen():
    found = datasets.load(
        "digits", 8, view=lambda image: image.resize((8, 8)).rotate(180), test_only=True
    )
    plain = datasets.load("digits", 8, test_only=True)
    assert (found.test.images == plain.test.images.flip(2, 3)).all()


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "digits"])
def test_without_a_connection_the_way_out_is_told(name, home, monkeypatch):
    kind = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "fashion-full": "FashionMNIST"}[name]

    def offline(*args, **options):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr(torchvision.datasets, kind, offline)
    with pytest.raises(
        DataError, match=rf"^{name} cannot be downloaded \(.*name resolution.*\); connect once"
    ):
        datasets.load(name, 32)


def test_a_downloaded_set_becomes_tensors(home, monkeypatch):
    class Grey:
        classes = ["shirt", "shoe"]

        def __init__(self, root, train, download):
            assert download
            self.data = torch.arange(28 * 28 * 2, dtype=torch.uint8).reshape(2, 28, 28) + (
                1 if train else 0
            )
            self.targets = torch.tensor([1, 0])

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", Grey)
    found = datasets.load("fashion-full", 28)
    assert found.labels == ("shirt", "shoe")
    assert found.train.images.shape == (2, 3, 28, 28)
    assert (found.train.images[:, 1] == Grey("", True, True).data).all()
    assert found.train.targets.tolist() == [1, 0]


def test_settings_that_suit_a_dataset_are_known():
    usual = datasets.usual("digits")
    assert usual == {"side": 8, "augmentation": "none", "batch_size": 64, "lr": 0.1}
    assert datasets.usual("cifar10") == {}
    assert datasets.usual("folder:/somewhere") == {}


def test_a_few_pictures_are_drawn_from_the_test_split_and_are_always_the_same():
    whole, few = datasets.load("digits", 8), datasets.load("digits", 8, few=24)
    assert (len(few.train), len(few.test)) == (0, 24)
    places = np.random.default_rng(0).permutation(360)[:24]
    assert torch.equal(few.test.images, whole.test.images[places])
    assert torch.equal(few.test.targets, whole.test.targets[places])
    assert len(datasets.load("digits", 8, few=1000).test) == 360


def test_only_the_pictures_that_are_drawn_are_prepared():
    seen = []
    found = datasets.load(
        "digits", 16, view=lambda image: seen.append(image) or image.resize((16, 16)), few=5
    )
    assert len(seen) == 5
    assert found.test.images.shape == (5, 3, 16, 16)


def test_a_dataset_is_here_once_its_folder_is(home):
    assert is_here("digits")
    assert not is_here("cifar10")
    assert not is_here("../../etc")
    (home / "datasets" / "cifar-10-batches-py").mkdir(parents=True)
    assert is_here("cifar10")
