"""Commands that look inside one network give what the probes give."""

import re

import pytest
import torch
from PIL import Image

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.core.prediction import predict

NET = "new/residual-8?width=4"


def subject(model: str, data: bytes) -> tuple[zoo.LoadedModel, torch.Tensor, Image.Image]:
    """Model, input and what the model sees of the photo."""
    loaded, image = zoo.load(model), decode(data).image
    return loaded, loaded.preprocess(image)[None], loaded.preprocess.view(image)


def test_models_lists_what_zoo_has(ask, home):
    found = ask("models")["models"]
    assert [model["name"] for model in found] == [info.name for info in zoo.catalogue()]
    assert all(
        model.keys() == {"name", "family", "parameters", "classes", "input_size", "offline"}
        for model in found
    )
    (resnet20,) = [model for model in found if model["name"] == "new/residual-20"]
    assert resnet20 == {
        "name": "new/residual-20",
        "family": "residual",
        "parameters": 269_722,
        "classes": 10,
        "input_size": 32,
        "offline": True,
    }


def test_predict_gives_the_probes_answer(ask, photo):
    loaded, x, _ = subject(NET, samples.read("dog"))
    expected = predict(loaded.model, x, loaded.labels, 3)
    found = ask("predict", photo, "--model", NET, "--top", "3")
    assert found["model"] == NET
    assert [guess["label"] for guess in found["top"]] == [guess.label for guess in expected.top]
    assert [guess["index"] for guess in found["top"]] == [guess.index for guess in expected.top]
    assert [guess["probability"] for guess in found["top"]] == [
        guess.probability for guess in expected.top
    ]


@pytest.mark.parametrize(
    ("top", "count"), [([], 5), (["--top", "1"], 1), (["--top", "10"], 10), (["--top", "99"], 10)]
)
def test_predict_lists_as_many_classes_as_asked_and_there_are(ask, photo, top, count):
    found = ask("predict", photo, "--model", NET, *top)["top"]
    assert len(found) == count
    probabilities = [guess["probability"] for guess in found]
    assert probabilities == sorted(probabilities, reverse=True)
    if count == 10:
        assert sum(probabilities) == pytest.approx(1)


def test_layers_have_all_parameters_of_the_model_and_its_shapes(ask):
    found = ask("layers", "--model", NET)
    assert found["model"] == NET
    model = zoo.load(NET).model
    assert sum(layer["parameters"] for layer in found["layers"]) == sum(
        p.numel() for p in model.parameters()
    )
    by_name = {layer["name"]: layer for layer in found["layers"]}
    assert set(by_name) == {name for name, _ in model.named_modules() if name}
    assert by_name["conv1"] == {
        "name": "conv1",
        "kind": "Conv2d",
        "output_shape": [4, 32, 32],
        "parameters": 4 * 3 * 9,
        "macs": 4 * 32 * 32 * 3 * 9,
    }
    assert by_name["fc"]["output_shape"] == [10]
    for count in ("parameters", "macs"):
        assert found["total"][count] == sum(layer[count] for layer in found["layers"])


@pytest.mark.parametrize("size", [1, 7, 64])
def test_layers_follow_the_size(ask, size):
    found = ask("layers", "--model", NET, "--size", str(size))["layers"]
    assert found[0]["output_shape"] == [4, size, size]
    assert found[0]["macs"] == 4 * size * size * 27


def test_the_text_of_models_is_a_table(read):
    lines = read("models").splitlines()
    assert lines[0].split() == ["name", "family", "parameters", "classes", "input_size", "offline"]
    (line,) = [line for line in lines if line.startswith("new/residual-20 ")]
    assert line.split() == ["new/residual-20", "residual", "269722", "10", "32", "yes"]
    starts = {line.index("residual ", 1) for line in lines if re.match(r"new/residual-\d+ ", line)}
    assert starts == {lines[0].index("family")}


def test_the_text_of_layers_shows_shapes_as_products(read):
    (line,) = [
        line for line in read("layers", "--model", NET).splitlines() if line.startswith("conv1 ")
    ]
    assert line.split() == ["conv1", "Conv2d", "4×32×32", "108", "110592"]


def test_the_text_of_predict_names_classes_with_four_digits(read, ask, photo):
    best = ask("predict", photo, "--model", NET)["top"][0]
    lines = read("predict", photo, "--model", NET).splitlines()
    assert lines[0] == f"model: {NET}"
    assert lines[1].split() == ["label", "probability", "index"]
    assert lines[2].split() == [
        *best["label"].split(),
        f"{best['probability']:.4g}",
        str(best["index"]),
    ]


def test_predict_judges_each_class_alone_where_that_is_asked(ask, photo):
    found = ask("predict", photo, "--model", NET, "--activation", "sigmoid")
    loaded, x, _ = subject(NET, samples.read("dog"))
    with torch.no_grad():
        expected = loaded.model(x)[0].double().sigmoid()
    assert found["activation"] == "sigmoid"
    for guess in found["top"]:
        assert guess["probability"] == pytest.approx(expected[guess["index"]].item())
