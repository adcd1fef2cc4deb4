"""Which dataset a model learned from, and whether it lies here."""

from pathlib import Path

import pytest

from resviz.models import zoo
from resviz.ui.services import training_data
from tests.training.squares import folder
from tests.ui.batchnorm.pages import trained


def test_a_bundled_model_names_its_dataset_and_random_weights_name_none() -> None:
    assert training_data.own("bundled/resnet20-cifar10") == "cifar10"
    assert training_data.own("new/residual-8?width=4") is None


def test_a_run_that_is_gone_has_no_dataset(home: Path) -> None:
    assert training_data.of_run("nothing") is None
    assert training_data.own("run/nothing?checkpoint=initial") is None


def test_a_folder_is_present_while_it_is_there(tmp_path: Path) -> None:
    name = folder(tmp_path / "squares")
    assert training_data.present(name)
    assert training_data.title(name) == "squares"
    assert not training_data.present(f"folder:{tmp_path / 'gone'}")


@pytest.mark.parametrize(
    ("model", "datasets", "photos"),
    [
        ("bundled/resnet20-digits", ("digits",), False),
        ("bundled/resnet20-cifar10", (), True),  # its dataset is not on this machine
        ("bundled/resnet18-imagenette", (), True),
        ("new/residual-8?width=4", ("digits",), True),  # random weights take anything
    ],
)
def test_pictures_fit_a_model_that_learned_from_their_kind(
    home: Path, model: str, datasets: tuple[str, ...], photos: bool
) -> None:
    assert training_data.fitting(model) == datasets
    assert training_data.knows_photos(model) is photos


def test_a_run_on_a_folder_knows_that_folder_alone(home: Path) -> None:
    (run,) = trained(home, "new/residual-8?width=4&classes=2")
    (name,) = training_data.fitting(f"run/{run}")
    assert training_data.title(name) == "squares"
    assert not training_data.knows_photos(f"run/{run}")
    (home / "squares").rename(home / "elsewhere")
    assert training_data.fitting(f"run/{run}") == ()


@pytest.mark.parametrize("few", [3, 10])
def test_pictures_are_drawn_at_the_model_s_size_with_their_classes(few: int) -> None:
    loaded = zoo.load("new/residual-8?width=4")
    labels, split = training_data.drawn(loaded, "digits", few)
    assert split.images.shape == (few, 3, loaded.input_size, loaded.input_size)
    assert {labels[i] for i in split.targets.tolist()} <= {str(digit) for digit in range(10)}
