"""A dataset in memory tells its statistics as NumPy does."""

import numpy as np
import pytest
import torch

from resviz.data.datasets import Dataset, Split, load
from tests.data.test_datasets import SIDE, folder, picture, small


def test_channel_statistics_are_those_of_numpy_over_the_training_split(tmp_path):
    data = load(folder(tmp_path, small()), SIDE)
    pixels = (
        np.stack([np.array(picture(i)) for i in range(6)]).astype(np.float64) / 255
    )  # (6, 8, 8, 3)
    mean, std = data.channel_statistics()
    np.testing.assert_allclose(mean, pixels.mean((0, 1, 2)), atol=6e-5)  # rounded to four digits
    np.testing.assert_allclose(std, pixels.std((0, 1, 2), ddof=1), atol=6e-5)


def test_a_channel_that_never_varies_can_still_be_divided_by():
    images = torch.zeros(4, 3, SIDE, SIDE, dtype=torch.uint8)
    images[:2, 0] = 255
    split = Split(images, torch.tensor([0, 0, 1, 1]))
    mean, std = Dataset("red", ("red", "black"), split, split, (), "").channel_statistics()
    assert mean == (0.5, 0.0, 0.0)
    assert std[0] == pytest.approx(0.501, abs=1e-3)
    assert std[1:] == (1.0, 1.0)
