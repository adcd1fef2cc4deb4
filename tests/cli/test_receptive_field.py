"""`receptive-field` on the command line: the probes' numbers, for a picture, a dataset or noise."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from resviz import cli
from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.receptive_field.effective import (
    effective_receptive_field,
    effective_receptive_fields,
    noise,
)
from resviz.probes.receptive_field.input_size import image_fit
from resviz.probes.receptive_field.theoretical import receptive_field
from tests.training.squares import folder

NET = "new/residual-8?width=4"


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "dog.jpg"
    path.write_bytes(samples.read("dog"))
    return str(path)


@pytest.fixture
def squares(tmp_path: Path) -> str:
    return folder(tmp_path / "squares", train=8, test=3)


@pytest.fixture
def ask(capsys):
    """Run a command with --json, and return its object."""

    def run(*arguments: str) -> dict:
        assert cli.main([*arguments, "--json"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out)

    return run


def test_receptive_field_gives_the_probes_fields(ask):
    found = ask("receptive-field", "--model", NET)
    expected = receptive_field(zoo.load(NET).model, input_size=32)
    assert [layer["name"] for layer in found["layers"]] == [field.name for field in expected]
    assert [layer["size"] for layer in found["layers"]] == [field.size[0] for field in expected]
    by_name = {layer["name"]: layer for layer in found["layers"]}
    assert by_name["layer3"] == {
        "name": "layer3",
        "size": 25,  # 1 + 2 + (2 + 2) + (2 + 4) + (4 + 8): kernel - 1 times the stride before
        "stride": 4,
        "start": -12,
        "aligned": True,
        "whole_image": False,
        "smallest": 3,  # every block skipped
        "largest": 25,
    }
    assert by_name["avgpool"] | {"size": 32, "start": 0, "whole_image": True} == by_name["avgpool"]
    assert "fc" not in by_name
    assert ask("receptive-field", "--model", NET, "--layer", "layer3")["layers"] == [
        by_name["layer3"]
    ]


def test_receptive_field_says_which_convolutions_the_picture_does_not_suit(ask):
    found = ask("receptive-field", "--model", "new/residual-56")
    fit = image_fit(zoo.load("new/residual-56").model, 32)
    assert found["fit"]["outgrown"] == fit.outgrown == "layer1.7.conv1"  # 3 + 2 * 15
    assert found["fit"]["seeing_all"] == list(fit.seeing_all)
    assert found["fit"]["mostly_padding"] == list(fit.mostly_padding)
    assert "with_stem_stride_1" not in found["fit"]
    imagenet = ask("receptive-field", "--model", "torchvision/resnet18?weights=none")["fit"]
    assert imagenet["stem"] == ["conv1", "maxpool"]
    assert len(imagenet["with_stem_stride_1"]["seeing_all"]) < len(imagenet["seeing_all"])


def test_effective_adds_what_the_probe_measures_to_every_layer(ask):
    model = zoo.load(NET).model
    found = ask("receptive-field", "--model", NET, "--effective", "--inputs", "2")
    assert found["inputs"] == "2 pictures of noise"
    expected = effective_receptive_fields(model, noise(2, 32))
    assert [layer["effective_size"] for layer in found["layers"]] == [
        field.size for field in expected.values()
    ]
    assert all(0 < layer["effective_size"] <= layer["size"] for layer in found["layers"])
    (one,) = ask(
        "receptive-field", "--model", NET, "--effective", "--inputs", "2", "--layer", "layer2.0"
    )["layers"]
    alone = effective_receptive_field(model, noise(2, 32), "layer2.0")
    assert (one["effective_size"], one["ratio"]) == (alone.size, alone.ratio)
    assert (one["width"], one["deviation"]) == (list(alone.widths), list(alone.deviations))


def test_effective_on_a_photo_or_a_dataset_gives_the_numbers_of_these_pictures(ask, photo, squares):
    asked = ("receptive-field", "--model", NET, "--effective", "--layer", "layer2.0")
    loaded = zoo.load(NET)
    x = loaded.preprocess(decode(samples.read("dog")).image)[None]
    found = ask(*asked, "--image", photo)
    expected = effective_receptive_field(loaded.model, x, "layer2.0", draws=16)
    assert (found["inputs"], found["layers"][0]["effective_size"]) == (photo, expected.size)
    found = ask(*asked, "--dataset", squares, "--inputs", "3")
    view = loaded.preprocess.view
    pictures = datasets.load(squares, 32, view=view, test_only=True).test.images
    chosen = [
        loaded.preprocess(Image.fromarray(pictures[i].permute(1, 2, 0).numpy())) for i in (0, 2, 4)
    ]
    assert len(pictures) == 6
    expected = effective_receptive_field(loaded.model, torch.stack(chosen), "layer2.0")
    assert found["layers"][0]["effective_size"] == expected.size


def test_receptive_field_prints_a_pair_where_height_and_width_differ(ask):
    model = "torchvision/inception_v3?weights=none"
    (wide,) = ask("receptive-field", "--model", model, "--layer", "Mixed_6b.branch7x7_2")["layers"]
    (before,) = ask("receptive-field", "--model", model, "--layer", "Mixed_6b.branch7x7_1")[
        "layers"
    ]
    assert wide["size"] == [before["size"], before["size"] + 6 * before["stride"]]
    assert wide["start"] == [before["start"], before["start"] - 3 * before["stride"]]
    assert wide["stride"] == before["stride"] == 16


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--inputs", "3"], "add --effective"),
        (["--effective", "--image", "a.png", "--dataset", "digits"], "leave out one of them"),
    ],
)
def test_options_that_do_not_go_together_are_refused(capsys, options: list[str], sentence: str):
    assert cli.main(["receptive-field", "--model", NET, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("resviz: ")
    assert sentence in error


def test_behind_a_gate_the_convolutional_field_stands_beside_the_whole_image(ask):
    model = "torchvision/efficientnet_b0?weights=none"
    (gated,) = ask("receptive-field", "--model", model, "--layer", "features.2.0")["layers"]
    (before,) = ask("receptive-field", "--model", model, "--layer", "features.1.0.block.0")[
        "layers"
    ]
    assert (gated["whole_image"], gated["through"], gated["size"]) == (True, "gate", 224)
    assert gated["local_size"] == before["size"] + 2 * before["stride"]  # one more 3 x 3
    assert "through" not in before
