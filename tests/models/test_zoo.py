"""A name becomes a model that is ready to look at, or one sentence with the way out."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models

from resviz import paths
from resviz.data.preprocess import Preprocess
from resviz.errors import CheckpointError, DownloadError, ModelError, ResvizError, SpecError
from resviz.models import zoo
from resviz.models.architectures.resnet import ResNet, build, skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints, download, torchvision
from resviz.models.weights.torchvision import OTHERS, RESNETS

META = {
    "labels": ["cat", "dog", "fox"],
    "preprocess": {"resize": 40, "crop": 32, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]},
    "card": {"accuracy": 0.9, "dataset": {"name": "pets"}},
}


def written(path, text="plain-8?classes=3", **changes):
    """A small network with its card at `path`."""
    model = build(ModelSpec.parse(text))
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.save(path, model, {"spec": model.spec.as_dict(), **META, **changes})
    return model


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """An empty folder of bundled models."""
    folder = tmp_path / "bundled"
    monkeypatch.setattr(paths, "BUNDLED", folder)
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No connection, and no files of the developer's."""

    def fail(*args, **kwargs):
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", fail)
    before = torch.hub.get_dir()
    torch.hub.set_dir(tmp_path / "hub")
    yield
    torch.hub.set_dir(before)


def place(monkeypatch, path):
    """Whatever is asked for, `path` is what was downloaded."""
    asked = []
    monkeypatch.setattr(zoo, "ensure", lambda url, progress: (asked.append(url), path)[1])
    return asked


# ---- bundled, run, file, new


@pytest.mark.parametrize("kind", ["bundled", "run", "file"])
def test_our_files_load_with_labels_preprocessing_and_card(kind, tmp_path, home, bundled):
    path = {
        "bundled": bundled / "small.safetensors",
        "run": home / "runs" / "small" / "model.safetensors",
        "file": tmp_path / "small.safetensors",
    }[kind]
    model = written(path)
    name = {"bundled": "bundled/small", "run": "run/small", "file": f"file/{path}"}[kind]
    loaded = zoo.load(name)
    assert loaded.name == name
    assert loaded.labels == ("cat", "dog", "fox")
    assert loaded.preprocess == Preprocess(40, 32, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    assert loaded.input_size == 32
    assert loaded.spec == model.spec
    assert loaded.card == META["card"]
    assert loaded.notes == ()
    assert not loaded.model.training
    x = loaded.preprocess(Image.new("RGB", (50, 60), "red"))[None]
    with torch.no_grad():
        assert torch.allclose(loaded.model(x), model(x), atol=1e-2)  # stored in half precision


def test_a_foreign_file_gets_numbered_labels_and_notes(tmp_path):
    model = build(ModelSpec.parse("plain-8"))
    torch.save(model.state_dict(), tmp_path / "what is it?.pth")
    loaded = zoo.load(f"file/{tmp_path}/what is it?.pth")
    assert loaded.spec == ModelSpec(depth=8)
    assert loaded.labels[:2] == ("class 0", "class 1")
    assert len(loaded.notes) == 3
    assert "32 pixels" in loaded.notes[1]
    assert loaded.notes[2].startswith("Strides, pooling, dilation and activation are not in")
    named = zoo.load(f"file/{tmp_path}/what is it?.pth?family=plain&depth=8")
    assert named.spec == model.spec
    assert named.notes == loaded.notes[1:]


def test_a_relative_path_and_the_home_folder_are_understood(tmp_path, monkeypatch):
    written(tmp_path / "m.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert zoo.load("file/m.safetensors").spec == zoo.load("file/~/m.safetensors").spec


def test_labels_that_do_not_fit_the_classes_are_not_used(tmp_path):
    written(tmp_path / "m.safetensors", labels=["only one"])
    assert zoo.load(f"file/{tmp_path}/m.safetensors").labels == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize(
    "change",
    [
        {"crop": 10**9},
        {"crop": 0},
        {"std": [0, 1, 1]},
        {"mean": [0.5]},
        {"resize": "wide"},
        {"mean": None},
    ],
)
def test_preprocessing_that_makes_no_sense_is_refused(tmp_path, change):
    written(tmp_path / "m.safetensors", preprocess={**META["preprocess"], **change})
    with pytest.raises(CheckpointError, match="makes no sense"):
        zoo.load(f"file/{tmp_path}/m.safetensors")


@pytest.mark.parametrize(
    ("text", "side"), [("residual-8?classes=4", 32), ("residual-18?stem=imagenet&width=8", 224)]
)
def test_new_networks_are_built_from_their_name(text, side):
    loaded = zoo.load(f"new/{text}")
    spec = ModelSpec.parse(text)
    assert loaded.spec == spec
    assert loaded.input_size == loaded.preprocess.crop == side
    assert loaded.labels == tuple(f"class {i}" for i in range(spec.classes))
    expected = build(spec).state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in loaded.model.state_dict().items())


def test_a_loaded_model_is_frozen():
    loaded = zoo.load("new/residual-8")
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.labels = ()
    with pytest.raises(TypeError):
        loaded.card["accuracy"] = 1.0


# ---- names that are none


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet50", "bundled/NAME, torchvision/NAME, run/ID, file/PATH and new/FAMILY-DEPTH"),
        ("", "models` lists"),
        ("bundled/", "names are"),
        ("torchvison/resnet50", "torchvision/resnet50"),
        ("torchvision/resnet5", "resnet50"),
        ("torchvision/quantized_resnet50", "resnet50"),
        ("bundled/smal", "bundled/small"),
        ("bundled/../small", "bundled"),
        ("run/..", "no trained model"),
        ("run/../../secret", "no trained model"),
        ("run/smal", "run/small"),
        ("torchvision/resnet50?weights=V9", "choose from IMAGENET1K_V1, IMAGENET1K_V2, none"),
        ("torchvision/vgg16?weights=IMAGENET1K_FEATURES", "choose from IMAGENET1K_V1, none"),
        ("torchvision/resnet50?seed=1", "no option 'seed'"),
        ("file/~nobody-of-this-name/m.pth", "check its name"),
        (f"file/{'x' * 5000}.pth", "check its name"),
    ],
)
def test_unknown_names_are_answered_with_the_closest(name, said, bundled, home):
    written(bundled / "small.safetensors")
    written(home / "runs" / "small" / "model.safetensors")
    with pytest.raises(ModelError) as caught:
        zoo.load(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_spec_and_a_bad_file_are_errors_of_the_family():
    with pytest.raises(SpecError, match="6n"):
        zoo.load("new/residual-21")
    with pytest.raises(CheckpointError, match="no file"):
        zoo.load("file/nowhere.pth")
    assert issubclass(SpecError, ResvizError)


# ---- torchvision


def test_without_a_connection_the_sentence_tells_where_to_put_the_file(home):
    with pytest.raises(DownloadError, match=str(home / "weights" / "resnet18-f37072fd.pth")):
        zoo.load("torchvision/resnet18")


def test_a_torchvision_resnet_is_ours_with_its_weights_labels_and_preprocessing(
    tmp_path, monkeypatch
):
    torch.manual_seed(0)
    theirs = models.resnet18(weights=None).eval()
    torch.save(theirs.state_dict(), tmp_path / "resnet18-f37072fd.pth")
    asked = place(monkeypatch, tmp_path / "resnet18-f37072fd.pth")
    loaded = zoo.load("torchvision/resnet18")
    weights = models.ResNet18_Weights.DEFAULT
    assert asked == [weights.url]
    assert isinstance(loaded.model, ResNet)
    assert loaded.labels == tuple(weights.meta["categories"])
    assert loaded.input_size == 224
    assert loaded.card["weights"] == "IMAGENET1K_V1"
    x = loaded.preprocess(Image.new("RGB", (300, 260), "blue"))[None]
    with torch.no_grad():
        assert torch.equal(loaded.model(x), theirs(x))


def test_the_choice_of_weights_decides_file_and_preprocessing(tmp_path, monkeypatch):
    asked = place(monkeypatch, tmp_path / "missing.pth")
    for choice in ("IMAGENET1K_V1", "IMAGENET1K_V2", "DEFAULT"):
        with pytest.raises(CheckpointError):
            zoo.load(f"torchvision/resnet50?weights={choice}")
    v1, v2 = models.ResNet50_Weights.IMAGENET1K_V1, models.ResNet50_Weights.IMAGENET1K_V2
    assert asked == [v1.url, v2.url, v2.url]
    assert torchvision.preprocess(v1).resize == 256
    assert torchvision.preprocess(v2).resize == 232


def test_random_weights_are_drawn_from_seed_0_with_imagenets_labels():
    before = torch.get_rng_state()
    for name in ("resnet18", "squeezenet1_1"):
        one, two = (zoo.load(f"torchvision/{name}?weights=none") for _ in range(2))
        assert one.labels[0] == "tench"
        assert len(one.labels) == 1000
        pairs = zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "name",
    ["alexnet", "regnet_y_400mf", "densenet121", "mobilenet_v3_large", "googlenet", "mnasnet0_5"],
)
def test_other_classifiers_get_their_weights_and_work_nowhere_in_place(name, tmp_path, monkeypatch):
    member = torchvision.weights(name, "DEFAULT")
    random = torchvision.fresh(name, member)
    path = tmp_path / "w.pth"
    torch.save(random.state_dict(), path)
    place(monkeypatch, path)
    loaded = zoo.load(f"torchvision/{name}")
    state = random.state_dict()
    assert all(torch.equal(t, state[key]) for key, t in loaded.model.state_dict().items())
    assert not any(getattr(module, "inplace", False) for module in loaded.model.modules())
    assert not any(module.training for module in loaded.model.modules())
    assert loaded.spec is None
    kept = []
    for module in loaded.model.modules():
        module.register_forward_hook(
            lambda m, args, out: (
                kept.append((out, out.clone())) if isinstance(m, nn.Conv2d) else None
            )
        )
    with torch.no_grad():
        assert loaded.model(torch.randn(1, 3, 96, 96)).shape == (1, 1000)
    assert kept
    assert all(torch.equal(out, then) for out, then in kept)


def test_densenets_old_names_are_understood(tmp_path):
    member = torchvision.weights("densenet121", "DEFAULT")
    random = torchvision.fresh("densenet121", member)
    old = {key: t for key, t in random.state_dict().items() if "num_batches" not in key}
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): t for key, t in old.items()
    }
    assert any("norm.1." in key for key in old)
    torch.save(old, tmp_path / "w.pth")
    model = torchvision.trained("densenet121", member, tmp_path / "w.pth")
    state = random.state_dict()
    assert all(torch.equal(t, state[key]) for key, t in model.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"w": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"does not fit torchvision's alexnet"):
        torchvision.trained(
            "alexnet", torchvision.weights("alexnet", "DEFAULT"), tmp_path / "w.pth"
        )


# ---- the catalogue


@pytest.mark.parametrize("name", sorted({**RESNETS, **OTHERS}))
def test_the_table_agrees_with_torchvision(name):
    entry = {**RESNETS, **OTHERS}[name]
    weights = models.get_model_weights(name).DEFAULT
    assert entry.parameters == weights.meta["num_params"]
    assert entry.file == weights.url.rpartition("/")[2]
    assert len(weights.meta["categories"]) == 1000
    assert weights.transforms.keywords["crop_size"] == 224
    assert download.sha_prefix(entry.file)
    if spec := entry.spec():
        assert sum(p.numel() for p in skeleton(spec).parameters()) == entry.parameters


def test_the_catalogue_describes_bundled_models_runs_and_networks_to_build(bundled, home):
    model = written(bundled / "small.safetensors")
    written(
        home / "runs" / "a1" / "model.safetensors", "residual-14?shortcut=B&norm=group&classes=3"
    )
    (home / "runs" / "unfinished").mkdir()
    (bundled / "damaged.safetensors").write_bytes(b"x" * 99)
    found = {info.name: info for info in zoo.catalogue(include_torchvision=False)}
    del found["bundled/efficientnet-lite0"]  # has a test of its own
    assert [name for name in found if not name.startswith("new/")] == ["bundled/small", "run/a1"]
    count = sum(p.numel() for p in model.parameters())
    assert found["bundled/small"] == zoo.ModelInfo(
        "bundled/small", "plain", count, 3, 32, True, "Plain-8, pets"
    )
    for name, info in found.items():
        loaded = zoo.load(name)
        assert info.offline
        assert info.parameters == sum(p.numel() for p in loaded.model.parameters())
        assert (info.classes, info.input_size) == (len(loaded.labels), loaded.input_size)
        assert info.family == loaded.spec.family


def test_a_card_of_another_kind_does_not_hide_a_model(bundled):
    for i, card in enumerate([None, "text", {"dataset": "pets"}, {"dataset": {}}]):
        written(bundled / f"m{i}.safetensors", card=card)
    assert [info.title for info in zoo.catalogue(include_torchvision=False)[:4]] == ["Plain-8"] * 4
    assert all(zoo.load(f"bundled/m{i}").input_size == 32 for i in range(4))


def test_a_published_model_is_offline_once_its_file_is_here(home):
    assert not any(info.offline for info in zoo.catalogue() if info.name.startswith("torchvision/"))
    path = download.weights_folder() / RESNETS["resnet50"].file
    path.parent.mkdir(parents=True)
    path.touch()
    assert [i.name for i in zoo.catalogue() if i.offline and "torchvision" in i.name] == [
        "torchvision/resnet50"
    ]


def test_the_catalogue_takes_milliseconds(bundled, home):
    for i in range(10):
        written(bundled / f"m{i}.safetensors")
    zoo.catalogue()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        zoo.catalogue()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_the_zoo_and_its_catalogue_do_not_import_torchvision(home):
    code = (
        "import sys; from resviz.models import zoo; zoo.catalogue(); zoo.load('new/residual-8');"
        "sys.exit(any(name.split('.')[0] == 'torchvision' for name in sys.modules))"
    )
    root = Path(zoo.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_name_without_its_kind_is_told_the_whole_name():
    with pytest.raises(ModelError, match=r"did you mean torchvision/resnet50\?"):
        zoo.load("resnet50")
