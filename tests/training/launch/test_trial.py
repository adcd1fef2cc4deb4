"""A training in miniature: what stands in for pictures that are not here."""

from resviz.training.config import TrainConfig
from resviz.training.launch import trial
from resviz.training.request import Request


def test_noise_stands_in_for_pictures_that_are_not_here(monkeypatch):
    monkeypatch.setattr(trial, "PUBLISHED", {"cifar100": (300, 20)})
    config = TrainConfig(batch_size=32, side=32)
    data = trial._data(
        Request(model="new/residual-8?classes=100", dataset="cifar100", config=config)
    )
    assert data.train.images.shape == (300, 3, 32, 32)
    assert len(data.test) == 20
    assert len(data.labels) == 100
