"""Weight files in the app's folder: offered by name, opened from there alone."""

from pathlib import Path

import pytest
import torch

from resviz.errors import ModelError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.ui.services import model_files, models
from tests.ui.services.test_models import saved


def test_weight_files_are_offered_from_one_folder_and_opened_from_no_other(home: Path) -> None:
    inside, outside = saved(home / "models", "net.safetensors"), saved(home, "other.safetensors")
    (home / "models" / "notes.txt").write_text("no weights")
    assert model_files.names() == ["file/net.safetensors"]
    assert models.model("file/net.safetensors").name == "file/net.safetensors"
    assert models.model(f"file/{inside}").model is not None, "by its path as before"
    for name in (f"file/{outside}", "file/../other.safetensors", "file/..", "file/", "file/a\0"):
        with pytest.raises(ModelError, match="put the file there"):
            models.model(name)


@pytest.mark.parametrize("name", ["net.pth.tar", "net.ckpt", "net.bin", "net.th"])
def test_a_file_is_known_as_weights_by_what_it_begins_with(home: Path, name: str) -> None:
    (home / "models").mkdir()
    torch.save(build(ModelSpec(depth=8, width=4)).state_dict(), home / "models" / name)
    (home / "models" / f"text-{name}").write_text("no weights")
    assert model_files.names() == [f"file/{name}"]
    with pytest.raises(ModelError, match="no file of weights"):
        models.model(f"file/text-{name}")


def test_no_refusal_names_a_folder_of_the_server(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "broken.safetensors").write_bytes(b"damaged")
    for name in ("file/broken.safetensors", "file/gone.pt", f"file/{home}/models/gone.pt"):
        with pytest.raises(ModelError) as refusal:
            models.model(name)
        assert str(home) not in str(refusal.value)
        assert "gone.pt" in str(refusal.value) or "broken.safetensors" in str(refusal.value)
