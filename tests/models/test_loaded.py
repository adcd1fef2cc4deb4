"""A loaded model receives pictures as its preprocessing says, and cannot be changed."""

import dataclasses

import pytest
import torch
from torch import nn

from resviz.data.preprocess import Preprocess
from resviz.models.loaded import LoadedModel

PREPROCESS = Preprocess(8, 8, (0.1, 0.2, 0.3), (0.5, 0.25, 2.0))
LOADED = LoadedModel("x", nn.Identity(), ("a",), PREPROCESS, 8)


def test_views_are_normalised_with_its_own_statistics():
    views = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 8, 8)
    x = LOADED.normalise(views)
    black = torch.tensor([-0.1 / 0.5, -0.2 / 0.25, -0.3 / 2.0])
    white = torch.tensor([0.9 / 0.5, 0.8 / 0.25, 0.7 / 2.0])
    torch.testing.assert_close(x[:, :, 3, 4], torch.stack([black, white]))


def test_it_is_frozen_and_has_no_card_and_no_notes_unless_it_is_given_some():
    assert LOADED.notes == ()
    assert dict(LOADED.card) == {}
    with pytest.raises(dataclasses.FrozenInstanceError):
        LOADED.labels = ()
    with pytest.raises(TypeError):
        LOADED.card["accuracy"] = 1.0
