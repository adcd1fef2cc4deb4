"""How a picture reaches a foreign network is usual, written in its file, or said in its name."""

import numpy as np
import pytest
import torch
from PIL import Image

from resviz.errors import ModelError
from resviz.models import inputs, zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec

CHANNELS = {"imagenet": "residual-18?stem=imagenet&width=8", "cifar": "residual-8"}


@pytest.fixture
def saved(tmp_path):
    def save(text="residual-8?classes=3"):
        path = tmp_path / "m.pth"
        torch.save(build(ModelSpec.parse(text)).state_dict(), path)
        return f"file/{path}"

    return save


def test_mean_std_size_and_labels_are_understood(saved):
    loaded = zoo.load(f"{saved()}?mean=0.1,0.2,0.3&std=0.4,0.5,0.6&size=40,36&labels=cat, dog,fox")
    assert loaded.labels == ("cat", "dog", "fox")
    assert (loaded.preprocess.resize, loaded.preprocess.crop, loaded.input_size) == (40, 36, 36)
    white = loaded.preprocess(Image.new("RGB", (50, 50), "white"))
    np.testing.assert_allclose(white[:, 0, 0], [0.9 / 0.4, 0.8 / 0.5, 0.7 / 0.6], rtol=1e-6)
    assert not any("no preprocessing" in note for note in loaded.notes)


def test_one_number_is_for_all_channels_and_the_rest_stays_usual(saved):
    loaded = zoo.load(f"{saved()}?std=0.5")
    assert loaded.preprocess.std == (0.5, 0.5, 0.5)
    assert loaded.preprocess.mean == zoo.load(saved()).preprocess.mean


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("mean=red", "mean must be 3 numbers"),
        ("mean=1,2", "mean must be 3 numbers"),
        ("std=0", "std must be above 0"),
        ("std=nan", "std must be 3 numbers"),
        ("std=inf,1,1", "std must be 3 numbers"),
        ("size=0", "size must be pixels from 1 to 2048"),
        ("size=9999", "size must be pixels"),
        ("size=" + "9" * 5000, "size must be pixels"),
        ("size=224,256", "size must be pixels"),
        ("size=-3", "size must be pixels"),
        ("labels=cat,dog", "labels must be 3 names"),
        ("labels=cat,,dog", "labels must be 3 names"),
        ("colour=red", "m.pth has no option 'colour'; choose from activation"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_the_rule(saved, option, said):
    with pytest.raises(ModelError, match=said) as caught:
        zoo.load(f"{saved()}?{option}")
    assert "__" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_names_of_a_thousand_classes_are_no_file_name(saved):
    names = [f"a long name of class {i}" for i in range(1000)]
    loaded = zoo.load(f"{saved('residual-8?classes=1000')}?labels={','.join(names)}")
    assert list(loaded.labels) == names


@pytest.mark.parametrize("stem", CHANNELS)
@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_pictures_fill_the_channels_that_a_network_has(saved, stem, channels):
    text = CHANNELS[stem]
    loaded = zoo.load(saved(f"{text}{'&' if '?' in text else '?'}channels={channels}"))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    x = loaded.preprocess(picture)
    assert x.shape == (channels, loaded.input_size, loaded.input_size)
    filled = 3 if channels > 3 else 1
    assert not x[filled:].any()
    view = loaded.preprocess.view(picture)
    pixels = np.asarray(view if filled == 3 else view.convert("L"), dtype=np.float64)
    pixels = pixels.reshape(*pixels.shape[:2], filled).transpose(2, 0, 1) / 255
    mean, std = (
        np.array(v[:filled])[:, None, None] for v in (loaded.preprocess.mean, loaded.preprocess.std)
    )
    np.testing.assert_allclose(x[:filled], (pixels - mean) / std, atol=1e-5)
    assert loaded.model(x[None]).shape == (1, 10)
    assert any("channel" in note or "grey" in note for note in loaded.notes)


def test_classes_without_names_are_numbered_and_features_are_called_so():
    assert inputs.numbered(2) == ("class 0", "class 1")
    assert inputs.numbered(2, "none") == ("feature 0", "feature 1")
    assert zoo.load("new/residual-8?head=none").labels[63] == "feature 63"
