"""Fields are those of the probes, and computed once."""

import numpy as np
import pytest

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.receptive_field import effective, theoretical
from resviz.ui.services import receptive_fields
from resviz.ui.services.image_batches import Batch

NET = "new/residual-8?width=4&seed=11"


def test_the_fields_of_all_layers_are_those_of_the_probe() -> None:
    expected = theoretical.receptive_field(zoo.load(NET).model, input_size=32)
    assert tuple(receptive_fields.theoretical(NET, 32).values()) == expected
    assert receptive_fields.of_layer(NET, 32, "layer2.0").size == (13, 13)


def test_a_layer_without_a_map_says_why() -> None:
    with pytest.raises(ProbeError, match="fc has no spatial output"):
        receptive_fields.of_layer(NET, 32, "fc")


def test_a_field_on_noise_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = receptive_fields.on_noise(NET, 32, "layer1.0", None)
    assert receptive_fields.is_measured(NET, 32, "layer1.0")
    assert not receptive_fields.is_measured(NET, 32, "layer3.0")
    monkeypatch.setattr(effective, "effective_receptive_fields", None)
    assert receptive_fields.on_noise(NET, 32, "layer1.0", None) is first


def test_several_pictures_share_the_signs_that_one_would_get() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    batch = Batch("four-of-noise", ("a", "b", "c", "d"), pixels)
    shares: list[float] = []
    receptive_fields.on_pictures(
        NET, batch, "layer1.0", (3, 4), lambda share, _="": shares.append(share)
    )
    assert len(shares) == receptive_fields.DRAWS // 4
    assert shares[-1] == 1


def test_the_rows_and_the_fit_are_those_of_the_probes() -> None:
    assert [step.size for step in receptive_fields.arithmetic(NET, 32, "layer2.0")] == [
        3,
        5,
        7,
        9,
        13,
    ]
    assert receptive_fields.fit(NET, 32).outgrown is None
