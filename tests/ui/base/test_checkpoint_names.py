"""A run's network at a checkpoint of its training, as a name."""

import pytest

from resviz.ui.base import checkpoint_names


def test_the_last_checkpoint_is_the_plain_name_of_the_run():
    assert checkpoint_names.at("run/r?checkpoint=epoch-2", "final") == "run/r"
    assert checkpoint_names.at("run/r", "initial") == "run/r?checkpoint=initial"
    assert (
        checkpoint_names.base("torchvision/resnet50?weights=none")
        == "torchvision/resnet50?weights=none"
    )


@pytest.mark.parametrize("name", ["run/r", "run/r?checkpoint=epoch-2", "run/r?checkpoint=initial"])
def test_a_name_is_put_together_from_run_and_checkpoint_as_it_was_taken_apart(name: str) -> None:
    checkpoint = checkpoint_names.checkpoint(name) or checkpoint_names.END
    assert checkpoint_names.at(checkpoint_names.base(name), checkpoint) == name


@pytest.mark.parametrize("name", ["new/plain-8?seed=1", "torchvision/resnet50?weights=none"])
def test_options_of_other_models_are_no_checkpoints(name: str) -> None:
    assert checkpoint_names.checkpoint(name) == ""
    assert checkpoint_names.saved(name) == ()


@pytest.mark.parametrize("name", ["run/..", "run/", "run/../runs/r", "run/a/b"])
def test_no_name_leads_out_of_the_folder_of_runs(name: str) -> None:
    assert checkpoint_names.saved(name) == ()
