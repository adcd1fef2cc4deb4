"""How estimates scatter with the batch, against batches really drawn, and against the theory."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.batch_size import batch_size
from tests.probes.example_nets import cifar, left_as_found, picture

X = torch.cat([picture(16, seed=s) * (0.5 + s / 10) + s / 8 for s in range(12)])
PIXELS = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()).eval()


def test_moments_of_all_images_are_those_of_their_values():
    found = batch_size(PIXELS, X, "0", (2,), 3)
    flat = X.double().transpose(0, 1).flatten(1).numpy()
    np.testing.assert_allclose(found.mean, flat.mean(1), atol=1e-6)
    np.testing.assert_allclose(found.variance, flat.var(1), rtol=1e-5)
    assert found.cells == 256


def test_a_drawn_batch_has_the_moments_of_really_putting_its_images_together():
    random = np.random.default_rng(5)
    found = batch_size(PIXELS, X, "0", (4,), 10, seed=5)
    for draw, counts in enumerate(random.multinomial(4, np.full(12, 1 / 12), 10)):
        batch = (
            X.repeat_interleave(torch.from_numpy(counts), 0)
            .double()
            .transpose(0, 1)
            .flatten(1)
            .numpy()
        )
        assert batch.shape[1] == 4 * 256
        np.testing.assert_allclose(found.means[0, draw], batch.mean(1), atol=1e-6)
        np.testing.assert_allclose(found.variances[0, draw], batch.var(1), rtol=1e-5)


def test_errors_of_many_draws_follow_one_over_the_root_of_the_batch_size():
    model = cifar(8)
    with left_as_found(model):
        found = batch_size(model, X, "layer1.0.bn1", (2, 8, 32, 128), 2000)
    np.testing.assert_allclose(found.mean_error, found.mean_theory, rtol=0.1)
    np.testing.assert_allclose(found.variance_error[1:], found.variance_theory[1:], rtol=0.15)
    np.testing.assert_allclose(found.mean_theory[0] / found.mean_theory[-1], 8)
    assert (found.mean_error.mean(1) > 2 * found.independent_cells).all(), (
        "the cells of an image are alike"
    )


def test_the_change_of_the_output_is_that_of_really_normalising_with_the_batch():
    found = batch_size(PIXELS, X, "0", (3,), 5, seed=1)
    flat = X.double().transpose(0, 1).flatten(1).numpy()
    whole = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-5)
    squares = [
        ((((flat.T - mean) / np.sqrt(variance + 1e-5)).T - whole) ** 2).mean(1)
        for mean, variance in zip(found.means[0], found.variances[0], strict=True)
    ]
    np.testing.assert_allclose(found.output_error[0], np.sqrt(np.mean(squares, 0)), rtol=1e-4)


def test_a_fully_connected_layer_has_one_cell():
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(768)).eval()
    found = batch_size(model, X, "1", (2, 4), 5)
    assert (found.cells, found.means.shape) == (1, (2, 5, 768))


def test_equal_images_have_no_scatter():
    found = batch_size(PIXELS, X[:1].repeat(4, 1, 1, 1), "0", (2, 4), 5)
    np.testing.assert_allclose(found.mean_error, 0, atol=1e-6)
    np.testing.assert_allclose(found.output_error, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "layer", "says"),
    [
        (X, "conv1", "such as bn1"),
        (X[:1], "bn1", "add a second"),
        (X * float("inf"), "bn1", "not finite"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(images, layer, says):
    with pytest.raises(ProbeError, match=says):
        batch_size(cifar(8), images, layer)


def test_independent_pixels_count_fully_and_equal_ones_once():
    random = torch.randn(400, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert batch_size(PIXELS, random, "0", (2,), 2).effective_cells == pytest.approx(64, rel=0.15)
    grey = random[:, :, :1, :1].expand(-1, -1, 8, 8)
    assert batch_size(PIXELS, grey, "0", (2,), 2).effective_cells == pytest.approx(1, rel=1e-3)


def test_cells_that_make_up_for_each_other_count_more_than_there_are():
    """Each image is a checkerboard of its own contrast: large cells, and means close to zero."""
    signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4)
    contrast = torch.linspace(1, 2, 10)[:, None, None, None]
    images = (contrast * signs + 0.01 * contrast).expand(-1, 3, -1, -1)
    assert batch_size(PIXELS, images, "0", (2,), 2).effective_cells > 1000


def test_equal_images_have_infinitely_many():
    same = X[:1].repeat(4, 1, 1, 1)
    assert batch_size(PIXELS, same, "0", (2,), 2).effective_cells > 1e9


def test_the_tables_hold_the_errors_by_channel_and_over_all_channels():
    sizes = batch_size(PIXELS, X, "0", (2, 8), 20)
    rows = sizes.table().records()
    assert len(rows) == 2 * 3
    assert rows[4]["mean_error"] == sizes.mean_error[1, 1]
    summed = sizes.summary().records()[1]
    assert summed["output_error"] == pytest.approx(np.sqrt((sizes.output_error[1] ** 2).mean()))
