"""Weight files that somebody put into the app's folder for models: `file/NAME`.

The command line names any file by its path; a visitor of the app may name those in one folder only,
and is shown no other path of the server.
"""

from pathlib import Path

from resviz import paths
from resviz.errors import ModelError, ResvizError

# How files of weights begin: a zip, a pickle, a tar of PyTorch's first years. Their suffixes are
# many (.pth.tar, .ckpt, .bin); safetensors has no mark of its own.
_MARKS = (b"PK", b"\x80", b"storages")


def names() -> list[str]:
    """Name the weight files that somebody put into the app's folder for models, as `file/NAME`."""
    return [f"file/{path.name}" for path in sorted(folder().glob("*")) if _has_weights(path)]


def folder() -> Path:
    """Return the folder in which the app looks for weight files."""
    return paths.home() / "models"


def _has_weights(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return path.is_file()
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_MARKS)
    except OSError:  # a folder, or not ours to read
        return False


def check(name: str) -> None:
    """Refuse files outside the folder for models: visitors may not point the server at any."""
    if not name.startswith("file/"):
        return
    path = path_of(name)
    if path.parent != folder() or not path.is_file():
        raise ModelError(
            "There is no file {file} in the app's folder for models; put the file there, "
            "or choose another model.",
            file=path.name,
        )
    if not _has_weights(path):
        raise ModelError("{file} is no file of weights; save a state_dict in it.", file=path.name)


def path_of(name: str) -> Path:
    """Return where the file of `file/NAME` lies."""
    return folder() / name.removeprefix("file/").partition("?")[0]


def with_folder(name: str) -> str:
    """Complete a name for the zoo: a visitor names a file by itself, the zoo by its path."""
    return f"file/{folder() / name.removeprefix('file/')}" if name[:5] == "file/" else name


def without_folder(refusal: ResvizError) -> ResvizError:
    """Take the server's folders out of a refusal: they are nobody's business but the server's."""
    inside = f"{folder()}/"
    if inside not in str(refusal):
        return refusal

    def shortened(value: object) -> object:
        return str(value).replace(inside, "") if isinstance(value, str | Path) else value

    return type(refusal)(refusal.sentence.with_values(shortened))
