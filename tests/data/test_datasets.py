"""A folder, or a zip of it, becomes two splits of tensors.

Whatever is no picture is counted, not fatal.
"""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resviz.data import datasets, folders
from resviz.data.datasets import Dataset, Split, load, with_labels
from resviz.data.folders import SUFFIXES
from resviz.data.preprocess import Preprocess
from resviz.errors import DataError
from tests.training import squares

SIDE = 8


SHARED = Path(os.environ.get("RESVIZ_DATA", Path(__file__).parents[3] / "shared" / "data"))


def picture(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    file = io.BytesIO()
    picture(seed, size).save(file, "PNG")
    return file.getvalue()


def pixels_of(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.convert("RGB")).transpose(2, 0, 1).copy())


def small(**more: bytes) -> dict[str, bytes]:
    """Two classes, three pictures each to train with and one to test with."""
    names = [f"train/{label}/{i}.png" for label in ("cat", "dog") for i in range(3)] + [
        "val/cat/9.png",
        "val/dog/9.png",
    ]
    return {name: png(i) for i, name in enumerate(names)} | more


def folder(root: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return f"folder:{root}"


def zipped(path: Path, files: dict[str, bytes], directories: bool = False) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        parents = {parent for name in files for parent in Path(name).parents}
        for parent in sorted(parents if directories else ()):
            archive.writestr(f"{parent}/", b"")
        for name, data in files.items():
            archive.writestr(name, data)
    return f"folder:{path}"


def same(a: Dataset, b: Dataset) -> bool:
    tensors = [
        (getattr(getattr(d, s), f))
        for d in (a, b)
        for s in ("train", "test")
        for f in ("images", "targets")
    ]
    equal = all(torch.equal(x, y) for x, y in zip(tensors[:4], tensors[4:], strict=True))
    return equal and (a.labels, a.skipped, a.fingerprint) == (b.labels, b.skipped, b.fingerprint)


def test_tensors_hold_the_pictures_in_order_of_class_and_name(tmp_path):
    data = load(folder(tmp_path / "pets", small()), SIDE)
    assert data.name == "pets"
    assert data.labels == ("cat", "dog")
    assert data.skipped == ()
    assert torch.equal(data.train.images, torch.stack([pixels_of(picture(i)) for i in range(6)]))
    assert torch.equal(data.test.images, torch.stack([pixels_of(picture(i)) for i in (6, 7)]))
    assert data.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test.targets.tolist() == [0, 1]
    assert data.train.images.dtype == torch.uint8
    assert data.train.targets.dtype == torch.int64
    assert len(data.train) == 6


@pytest.mark.parametrize("directories", [False, True])
def test_a_zip_is_the_folder_that_was_zipped(tmp_path, directories):
    files = small(**{"train/cat/broken.png": b"no picture"})
    a = load(folder(tmp_path / "pets", files), SIDE)
    b = load(zipped(tmp_path / "pets.zip", files, directories), SIDE)
    assert same(a, b)
    assert a.name == b.name == "pets"


@pytest.mark.parametrize("pack", [folder, zipped])
@pytest.mark.parametrize("around", ["inner/", "a/b/c/"])
def test_folders_around_the_splits_change_nothing(tmp_path, pack, around):
    plain = load(folder(tmp_path / "plain", small()), SIDE)
    nested = {f"{around}{name}": data for name, data in small().items()}
    assert same(load(pack(tmp_path / "nested.zip", nested), SIDE), plain)


@pytest.mark.parametrize("name", ["val", "test", "valid", "validation", "Val"])
def test_the_test_split_may_have_any_usual_name(tmp_path, name):
    files = {path.replace("val/", f"{name}/"): data for path, data in small().items()}
    data = load(folder(tmp_path, files), SIDE)
    assert (len(data.train), len(data.test)) == (6, 2)


def test_the_test_split_alone_is_the_test_split_of_the_whole(tmp_path):
    name = folder(tmp_path, small())
    alone, whole = load(name, SIDE, test_only=True), load(name, SIDE)
    assert torch.equal(alone.test.images, whole.test.images)
    assert torch.equal(alone.test.targets, whole.test.targets)
    assert len(alone.train) == 0


def test_the_fingerprint_follows_the_bytes(tmp_path):
    first = load(folder(tmp_path / "a", small()), SIDE).fingerprint
    assert load(folder(tmp_path / "b", small()), 2 * SIDE).fingerprint == first
    assert (
        load(folder(tmp_path / "c", small(**{"train/cat/0.png": png(99)})), SIDE).fingerprint
        != first
    )


@pytest.mark.parametrize("around", ["", "pets/"])
@pytest.mark.parametrize("train", ["", "train/"])
def test_without_a_test_split_it_is_every_tenth_of_each_class(tmp_path, around, train):
    counts = {"cat": 25, "dog": 10, "fox": 9}
    files = {
        f"{around}{train}{label}/{i:02}.png": png(100 * c + i)
        for c, (label, count) in enumerate(counts.items())
        for i in range(count)
    }
    data = load(folder(tmp_path, files), SIDE)
    assert data.train.targets.bincount().tolist() == [23, 9, 9]
    assert data.test.targets.tolist() == [0, 0, 1]
    tenths = [
        pixels_of(picture(seed)) for seed in (9, 19, 109)
    ]  # the tenth and twentieth cat, the tenth dog
    assert torch.equal(data.test.images, torch.stack(tenths))


def test_a_test_split_alone_is_enough_to_measure_with(tmp_path):
    files = {name: data for name, data in small().items() if name.startswith("val/")}
    data = load(folder(tmp_path, files), SIDE)
    assert (len(data.train), len(data.test)) == (0, 2)
    assert data.train.targets.dtype == torch.int64  # an empty list would be float32


def test_subfolders_of_a_class_belong_to_it_as_torchvision_has_it(tmp_path):
    from torchvision.datasets import ImageFolder

    files = small(**{"train/cat/more/1.png": png(50), "val/dog/a/b/1.png": png(51)})
    data = load(folder(tmp_path, files), SIDE)
    for split, name in ((data.train, "train"), (data.test, "val")):
        theirs = ImageFolder(tmp_path / name)
        found = sorted(zip(split.targets.tolist(), map(bytes, split.images.numpy()), strict=True))
        assert found == sorted(
            (target, bytes(pixels_of(image).numpy())) for image, target in theirs
        )


def test_a_class_may_be_called_train(tmp_path):
    files = {
        f"{split}/{label}/1.png": png(1) for split in ("train", "val") for label in ("car", "train")
    }
    assert load(folder(tmp_path / "split", files), SIDE).labels == ("car", "train")
    files = {f"{label}/{i}.png": png(1) for label in ("car", "train") for i in range(10)}
    assert load(folder(tmp_path / "whole", files), SIDE).labels == ("car", "train")


def test_links_to_class_folders_are_followed(tmp_path):
    folder(tmp_path / "elsewhere", small())
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "val").symlink_to(tmp_path / "elsewhere" / "val")
    (tmp_path / "pets" / "train").mkdir()
    for label in ("cat", "dog"):
        (tmp_path / "pets" / "train" / label).symlink_to(tmp_path / "elsewhere" / "train" / label)
    assert same(
        load(f"folder:{tmp_path / 'pets'}", SIDE), load(f"folder:{tmp_path / 'elsewhere'}", SIDE)
    )


@pytest.mark.parametrize("pack", [folder, zipped])
@pytest.mark.parametrize(
    "junk",
    [
        "__MACOSX/train/cat/._0.png",
        "train/cat/._0.png",
        "train/.ipynb_checkpoints/0-checkpoint.png",
        ".thumbnails/normal/0.png",
        "train/Thumbs.db",
        "train/cat/labels.csv",
        "train/poster.png",
        "logo.png",
        "figures/plot.png",
    ],
)
def test_files_that_are_no_examples_leave_no_trace(tmp_path, pack, junk):
    clean = load(folder(tmp_path / "clean", small()), SIDE)
    assert same(load(pack(tmp_path / "with.zip", small(**{junk: png(77)})), SIDE), clean)


def test_a_pipe_among_the_files_is_not_waited_for(tmp_path):
    name = folder(tmp_path, small())
    os.mkfifo(tmp_path / "train" / "cat" / "pipe.png")
    assert len(load(name, SIDE).train) == 6


def test_underscores_in_class_names_are_shown_as_spaces(tmp_path):
    files = {name.replace("dog", "french_bulldog"): data for name, data in small().items()}
    assert load(folder(tmp_path, files), SIDE).labels == ("cat", "french bulldog")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no picture",
        png(0)[:60],
        png(0)[:-60],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"II*\0" + bytes(4),
    ],
    ids=["empty", "text", "header only", "cut off", "zeros", "tiff without pages"],
)
@pytest.mark.parametrize("pack", [folder, zipped])
def test_unreadable_pictures_are_named_and_the_others_stay_in_line(tmp_path, pack, damage):
    data = load(
        pack(tmp_path / "pets.zip", small(**{"train/cat/1.png": damage, "val/dog/9.png": damage})),
        SIDE,
    )
    assert data.skipped == ("val/dog/9.png", "train/cat/1.png")
    assert data.train.targets.tolist() == [0, 0, 1, 1, 1]
    assert torch.equal(
        data.train.images, torch.stack([pixels_of(picture(i)) for i in (0, 2, 3, 4, 5)])
    )
    assert torch.equal(data.test.images, pixels_of(picture(6))[None])


@pytest.mark.parametrize(
    "error", [OSError("gone"), IndexError("from Pillow"), MemoryError(), zipfile.BadZipFile()]
)
def test_whatever_a_decoder_raises_is_a_skipped_file(tmp_path, monkeypatch, error):
    decode = datasets._pixels

    def fail_on_the_second(data, view):
        if data == png(1):
            raise error
        return decode(data, view)

    monkeypatch.setattr(datasets, "_pixels", fail_on_the_second)
    data = load(folder(tmp_path, small()), SIDE)
    assert data.skipped == ("train/cat/1.png",)
    assert len(data.train) == 5


def test_a_damaged_entry_of_a_zip_is_a_skipped_file(tmp_path):
    name = zipped(tmp_path / "pets.zip", small())
    raw = bytearray((tmp_path / "pets.zip").read_bytes())
    raw[raw.index(png(1)) + 50] ^= 255  # the checksum notices
    (tmp_path / "pets.zip").write_bytes(raw)
    assert load(name, SIDE).skipped == ("train/cat/1.png",)


def test_a_test_split_without_a_readable_picture_is_refused_with_the_count(tmp_path):
    broken = {"val/cat/9.png": b"", "val/dog/9.png": b"x"}
    with pytest.raises(
        DataError,
        match=r"has no picture to test with \(2 files could not be read\); add val/CLASS/",
    ):
        load(folder(tmp_path, small(**broken)), SIDE)


def test_too_few_pictures_for_a_tenth_are_refused_with_the_way_out(tmp_path):
    files = {f"{label}/{i}.png": png(i) for label in ("cat", "dog") for i in range(9)}
    with pytest.raises(
        DataError, match="no picture to test with; add val/CLASS/ or ten pictures for each class"
    ):
        load(folder(tmp_path, files), SIDE)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, 0),
        ({"readme.txt": b"text"}, 0),
        ({"1.png": png(1), "2.png": png(2)}, 0),
        ({"cat/1.png": png(1), "cat/2.png": png(2)}, 1),
        ({"train/cat/1.png": png(1), "val/cat/1.png": png(1)}, 1),
        (
            {"train/1.png": png(1), "val/2.png": png(2)},
            0,
        ),  # pictures in train/ itself have no class
    ],
)
@pytest.mark.parametrize("pack", [folder, zipped])
def test_fewer_than_two_classes_are_refused_with_their_number(tmp_path, pack, files, found):
    (tmp_path / "few").mkdir()
    root = tmp_path / "few" / "set.zip" if pack is zipped else tmp_path / "few"
    with pytest.raises(
        DataError, match=f"needs at least two class folders with images, found {found}"
    ):
        load(pack(root, files), SIDE)


@pytest.mark.parametrize("name", ["cifar11", "folder", "folder:", "zip:x.zip", "", ":", "FOLDER:x"])
def test_an_unknown_scheme_is_refused_and_the_known_one_told(name):
    with pytest.raises(DataError) as caught:
        load(name, SIDE)
    assert str(caught.value) == (
        f"There is no dataset {name!r}; use digits, fashion-full, cifar10, cifar100, "
        "or folder:PATH with one folder for each class."
    )


@pytest.mark.parametrize("name", ["nowhere", "nowhere.zip", "a" * 300, "~nobody-of-this-name/x"])
def test_a_missing_path_is_refused_by_name(tmp_path, name):
    with pytest.raises(DataError, match=name[:10]) as caught:
        load(f"folder:{name if name.startswith('~') else tmp_path / name}", SIDE)
    assert "\n" not in str(caught.value)


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder(tmp_path / "pets", small())
    assert len(load("folder:~/pets", SIDE).train) == 6


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "data.tar").write_bytes(b"x" * 2000)
    with pytest.raises(DataError, match=r"data\.tar is neither a folder nor a zip file"):
        load(f"folder:{tmp_path / 'data.tar'}", SIDE)


def test_a_damaged_zip_is_refused(tmp_path):
    name = zipped(tmp_path / "pets.zip", small())
    raw = bytearray((tmp_path / "pets.zip").read_bytes())
    raw[raw.index(b"PK\x01\x02") + 1] = 0  # the list of contents
    (tmp_path / "pets.zip").write_bytes(raw)
    with pytest.raises(DataError, match=r"pets\.zip cannot be read"):
        load(name, SIDE)


def decoded(path: Path, data: bytes, side: int = SIDE, **options) -> torch.Tensor:
    """What becomes of one picture."""
    files = {f"{split}/{label}/x.png": data for split in ("train", "val") for label in "ab"}
    return load(folder(path, files), side, **options).train.images[0]


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (30, 20), (21, 40), (5, 3), (9, 8)])
def test_the_shorter_side_is_scaled_and_the_centre_cut_out_by_pillow(tmp_path, size):
    width, height = (int(SIDE * length / min(size)) for length in size)
    scaled = picture(3, size).resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - SIDE) / 2), round((height - SIDE) / 2)
    expected = scaled.crop((left, top, left + SIDE, top + SIDE))
    assert torch.equal(decoded(tmp_path, png(3, size)), pixels_of(expected))


@pytest.mark.parametrize("size", [(30, 20), (21, 40), (64, 64)])
def test_a_model_measures_with_the_view_that_it_predicts_with(tmp_path, size):
    preprocess = Preprocess(12, SIDE, interpolation="bicubic")
    expected = pixels_of(preprocess.view(picture(6, size)))
    assert torch.equal(decoded(tmp_path, png(6, size), view=preprocess.view), expected)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_pictures_of_other_modes_become_rgb(tmp_path, mode):
    image = picture(4).convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF")
    assert torch.equal(decoded(tmp_path, file.getvalue()), pixels_of(image))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_suffix_that_is_listed_can_be_read_in_either_case(tmp_path, suffix):
    file = io.BytesIO()
    picture(5).save(file, Image.registered_extensions()[suffix])
    files = {
        f"{s}/{c}/x{suffix.upper()}": file.getvalue() for s in ("train", "val") for c in ("a", "b")
    }
    data = load(folder(tmp_path, files), SIDE)
    assert data.skipped == ()
    assert torch.equal(data.train.images[0], pixels_of(Image.open(file)))


def test_labels_of_a_model_renumber_the_classes(tmp_path):
    data = load(folder(tmp_path, small()), SIDE)
    known = ("dog", "fox", "cat")
    renumbered = with_labels(data, known)
    assert renumbered.labels == known
    assert renumbered.train.targets.tolist() == [2, 2, 2, 0, 0, 0]
    for before, after in ((data.train, renumbered.train), (data.test, renumbered.test)):
        assert [known[t] for t in after.targets] == [data.labels[t] for t in before.targets]
        assert after.images is before.images


def test_labels_that_a_model_does_not_know_are_named_up_to_three():
    empty = Split(
        torch.zeros(0, 3, SIDE, SIDE, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)
    )
    data = Dataset("x", ("ant", "bee", "cat", "dog", "elk"), empty, empty, (), "")
    with pytest.raises(DataError) as caught:
        with_labels(data, ("cat", "yak"))
    assert (
        str(caught.value)
        == "The model does not know ant, bee, dog; choose a dataset of its own classes."
    )
    with pytest.raises(DataError, match="does not know elk;"):
        with_labels(data, ("ant", "bee", "cat", "dog"))


def test_progress_rises_from_zero_to_one(tmp_path):
    seen = []
    files = {f"train/{label}/{i}.png": b"" for label in "ab" for i in range(150)} | small()
    load(folder(tmp_path, files), SIDE, lambda share, what: seen.append((share, what)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) > 2
    assert {what for _, what in seen} == {f"decoding {tmp_path.stem}"}


@pytest.mark.parametrize(
    ("archive", "splits", "labels", "size"),
    [
        ("cifar10.zip", {"train": 50_000, "test": 10_000}, 10, (32, 32)),
        ("imagenette128.zip", {"train": 9_469, "test": 3_925}, 10, (128, 128)),
    ],
)
def test_the_real_archives_are_understood(archive, splits, labels, size):
    path = SHARED / archive
    if not path.is_file():
        pytest.skip(f"no {archive} in {SHARED.name}; RESVIZ_DATA names another folder")
    files = list(folders.list_files(path))
    assert {split: sum(file.split == split for file in files) for split in splits} == splits
    assert len({file.label for file in files}) == labels
    for file in files[:: len(files) // 5]:
        data = file.read()
        image = Image.open(io.BytesIO(data))
        assert image.size == size
        assert torch.equal(
            datasets._pixels(data, Preprocess(size[0], size[0]).view), pixels_of(image)
        )


def test_of_a_folder_only_the_pictures_that_are_drawn_are_decoded(tmp_path):
    name = squares.folder(tmp_path / "squares", train=2, test=6)
    seen = []
    found = datasets.load(name, 8, view=lambda image: seen.append(image) or image, few=4)
    assert (len(found.train), len(found.test), len(seen)) == (0, 4, 4)
    whole = datasets.load(name, 8, test_only=True)
    places = np.random.default_rng(0).permutation(12)[:4]
    assert torch.equal(found.test.images, whole.test.images[places])
    assert torch.equal(found.test.targets, whole.test.targets[places])
