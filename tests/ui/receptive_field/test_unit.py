"""The pinned unit in numbers, against the probes."""

import re

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import to_pil_image

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.receptive_field.effective import INPUTS, effective_receptive_field, noise
from tests.app.test_pages import SMALL, words
from tests.ui.receptive_field.pages import page


def test_the_pinned_unit_has_the_numbers_of_the_probes() -> None:
    app = page(layer="layer2.0", units="3,5")
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    found = effective_receptive_field(loaded.model, x, "layer2.0", (3, 5), draws=16)
    said = words(app)
    assert "**Unit in row 3, column 5**" in said
    assert (
        "Can see 13 × 13 px, 13 × 13 of them in the image" in said
    )  # 7 + 2 + 4, from -6 + 2 * 3 on
    assert (
        f"an area of {found.size:.3g} × {found.size:.3g} px, {found.size / (13 * 13) ** 0.5:.0%}"
        in said
    )
    assert "rank" in said


def test_noise_is_the_noise_of_the_ladder() -> None:
    loaded = zoo.load(SMALL)
    found = effective_receptive_field(loaded.model, noise(INPUTS, 32), "layer2.0")
    assert f"an area of {found.size:.3g} × {found.size:.3g} px, {found.ratio:.0%}" in words(
        page(layer="layer2.0", inputs="noise")
    )


def test_a_layer_behind_a_mean_sees_the_whole_image_and_has_no_grad_cam() -> None:
    said = words(page(layer="avgpool", more="arithmetic"))
    assert "Can see 32 × 32 px" in said
    assert "avgpool is a single cell" in said.replace("\\", "")
    assert "through a mean over the map" in said


@pytest.mark.parametrize("source", ["samples", "data"])
def test_several_pictures_give_the_mean_of_their_energies(source: str) -> None:
    app = page(layer="layer2.0", inputs=source)
    loaded = zoo.load(SMALL)
    if source == "samples":
        x = torch.stack(
            [
                loaded.preprocess(decode(samples.read(sample.key)).image)
                for sample in samples.SAMPLES
            ]
        )
    else:
        pixels = datasets.load(
            "digits", loaded.input_size, view=loaded.preprocess.view, few=48
        ).test.images[:24]
        x = torch.stack([loaded.preprocess.tensor(to_pil_image(image)) for image in pixels])
    found = effective_receptive_field(loaded.model, x, "layer2.0", batch=4)
    assert f"an area of {found.size:.3g} × {found.size:.3g} px, {found.ratio:.0%}" in words(app)


def test_at_the_frame_it_counts_what_a_unit_sees_of_the_image() -> None:
    said = words(page(layer="layer2.0", units="0,15"))
    assert (
        "Can see 13 × 13 px, 7 × 8 of them in the image" in said
    )  # rows -6 to 6, columns 24 to 36 of 32
    spread = re.search(r"Standard deviation ([\d.]+) px down and ([\d.]+) px across", said)
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    energy = effective_receptive_field(
        loaded.model, x, "layer2.0", (0, 15), draws=16
    ).energy.astype(float)
    for axis, told in enumerate(spread.groups()):
        places = np.repeat(
            np.indices(energy.shape)[axis].ravel(), np.rint(energy.ravel() * 1e7).astype(int)
        )
        assert float(told) == pytest.approx(places.std(), rel=0.01)
