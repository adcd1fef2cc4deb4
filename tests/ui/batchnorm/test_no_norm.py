"""A network without BatchNorm says what it has instead."""

import numpy as np
import pytest
import torch

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.batchnorm.no_norm import spreads
from resviz.ui.base.numbers import times
from tests.app.test_pages import SMALL, words
from tests.ui.batchnorm.pages import charts, page


@pytest.mark.parametrize(
    ("norm", "says"), [("none", "no other normalisation"), ("group", "GroupNorm (7)")]
)
@pytest.mark.parametrize("part", ["drift", "answers", "size", "fold"])
def test_a_network_without_batch_norm_says_so_and_shows_what_there_is(
    norm: str, says: str, part: str
) -> None:
    app = page(model=f"{SMALL}&norm={norm}", aspect=part)
    assert not app.error
    assert says in app.info[0].value
    assert charts(app) == 1
    assert "as they were at the start: 1 and 0" in words(app), "no chart of constants"
    assert [link.proto.page for link in app.get("page_link")] == ["training"]


def test_what_a_network_without_batch_norm_scatters_is_what_the_probe_says() -> None:
    model = f"{SMALL}&norm=none"
    app = page(model=model, aspect="drift")
    net = zoo.load(model)
    views = [
        np.array(net.preprocess.view(decode(samples.read(sample.key)).image))
        for sample in samples.SAMPLES
    ]
    x = torch.stack([net.preprocess.tensor(view) for view in views])
    found = list(spreads(net.model, x).values())
    ratio = times(found[-1] / found[0])
    assert f"standard deviation of the last layer is {ratio} that of the first" in words(app)
