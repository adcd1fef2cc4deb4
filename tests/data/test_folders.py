"""Which files of a folder count, whatever they are called.

What does not is named with its reason.
"""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from resviz.data.datasets import load
from resviz.data.folders import list_files
from resviz.errors import DataError


def picture(kind: str = "PNG", seed: int = 0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def folder(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zipped(root, files):
    with zipfile.ZipFile(root / "set.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return root / "set.zip"


BASE = {f"val/{label}/0.png": picture() for label in ("cat", "dog")}


@pytest.mark.parametrize("pack", [folder, zipped])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1.jfif", "JPEG"),
        ("1.avif", "AVIF"),
        ("1", "PNG"),
        ("1.jpg_large", "JPEG"),
        ("1.heic", "JPEG"),
        ("1.png", "WEBP"),
        ("1.JPEG", "TIFF"),
    ],
)
def test_a_picture_counts_whatever_it_is_called(tmp_path, pack, name, kind):
    files = list_files(pack(tmp_path, BASE | {f"val/cat/{name}": picture(kind)}))
    assert [file.name for file in files if file.reason is None] == [
        "val/cat/0.png",
        f"val/cat/{name}",
        "val/dog/0.png",
    ]


@pytest.mark.parametrize("pack", [folder, zipped])
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("1.heic", b"\0\0\0\x18ftypheic" + bytes(16), "a HEIC picture"),
        ("1.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        ("1.psd", b"8BPS" + bytes(20), "a Photoshop document"),
        ("1.dat", bytes(range(256)), "none of the kinds of picture"),
        ("1", b"", "none of the kinds of picture"),
        ("1.png", b"", "empty"),
        ("1.jpg", picture("JPEG")[:200], "damaged or incomplete"),
        ("1.tif", b"%PDF-1.4", "a PDF document"),
    ],
)
def test_what_is_left_out_is_named_with_its_reason(tmp_path, pack, name, content, reason):
    path = pack(tmp_path, BASE | {f"val/cat/{name}": content})
    data = load(f"folder:{path}", 8)
    assert len(data.test) == 2
    (skipped,) = data.skipped
    assert skipped == f"val/cat/{name}"
    assert reason in skipped.reason
    assert skipped.reason.endswith(".")


@pytest.mark.parametrize("name", ["labels.csv", "1.xml", "Thumbs.db", ".DS_Store", "notes.txt"])
def test_notes_beside_pictures_are_not_worth_a_word(tmp_path, name):
    data = load(f"folder:{folder(tmp_path, BASE | {f'val/cat/{name}': b'text'})}", 8)
    assert data.skipped == ()


def test_a_file_of_another_kind_makes_no_class_and_takes_no_place_among_the_tenths(tmp_path):
    files = {f"{label}/{i}.png": picture() for label in ("cat", "dog") for i in range(10)}
    extra = {"fox/1.heic": b"\0\0\0\x18ftypheic" + bytes(16), "cat/00.svg": b"<svg/>"}
    plain = load(f"folder:{folder(tmp_path / 'a', files)}", 8)
    more = load(f"folder:{folder(tmp_path / 'b', files | extra)}", 8)
    assert more.labels == plain.labels == ("cat", "dog")
    assert (len(more.train), len(more.test)) == (len(plain.train), len(plain.test)) == (18, 2)
    assert more.skipped == ("cat/00.svg",)


def test_letters_that_a_mac_takes_apart_are_whole_in_labels(tmp_path):
    files = {f"val/{label}/0.png": picture() for label in ("cafe\u0301", "dog")}
    assert load(f"folder:{folder(tmp_path, files)}", 8).labels == ("caf\u00e9", "dog")


def test_classes_of_a_chinese_zip_are_read(tmp_path):
    path = zipped(tmp_path, {f"val/{label}/0.png": picture() for label in ("aa", "bb")})
    raw = path.read_bytes()
    for label, chinese in ((b"aa", "猫"), (b"bb", "狗")):
        raw = raw.replace(b"val/" + label, b"val/" + chinese.encode("gbk"))
    path.write_bytes(raw)
    assert load(f"folder:{path}", 8).labels == ("狗", "猫")


def test_an_entry_that_unpacks_to_gigabytes_is_left_out_unread(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in BASE.items():
            archive.writestr(name, data)
        archive.writestr("val/cat/1.png", b"\x89PNG\r\n\x1a\n" + bytes(60 * 2**20))
    data = load(f"folder:{path}", 8)
    assert data.skipped == ("val/cat/1.png",)
    assert "bytes" in data.skipped[0].reason


def test_an_encrypted_entry_is_left_out_with_the_reason(tmp_path):
    path = zipped(tmp_path, BASE | {"val/cat/1.png": picture()})
    raw = bytearray(path.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        at = raw.rindex(start, 0, raw.rindex(b"val/cat/1.png"))
        flags = at + (6 if start == b"PK\x03\x04" else 8)
        if start == b"PK\x03\x04":
            at = raw.index(b"val/cat/1.png") - 30
            flags = at + 6
        raw[flags] |= 1
    path.write_bytes(raw)
    (skipped,) = load(f"folder:{path}", 8).skipped
    assert "encrypted" in skipped.reason


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no folder or zip file"):
        list_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, None),
        ({"a.svg": b"<svg/>"}, "val/cat/a.svg was left out. This looks like an SVG drawing"),
        (
            {"a.svg": b"<svg/>", "b.svg": b"<svg/>"},
            "2 files were left out: val/cat/a.svg, val/cat/b.svg. This looks like an SVG",
        ),
        (
            {f"{i}.svg": b"<svg/>" for i in range(4)} | {"x.png": b""},
            "5 files were left out, such as val/cat/0.svg, val/cat/1.svg, val/cat/2.svg. "
            "For 4 of them: This looks like an SVG drawing",
        ),
    ],
)
def test_what_was_left_out_is_told_in_one_sentence(tmp_path, files, words):
    inside = {f"val/cat/{name}": content for name, content in files.items()}
    sentence = load(f"folder:{folder(tmp_path, BASE | inside)}", 8).skipped_sentence()
    assert sentence is None if words is None else sentence.startswith(words)


def test_what_was_left_out_is_ready_for_json(tmp_path):
    inside = {"val/cat/a.svg": b"<svg/>", "val/cat/b.png": b""}
    rows = load(f"folder:{folder(tmp_path, BASE | inside)}", 8).left_out()
    assert [row["file"] for row in rows] == ["val/cat/a.svg", "val/cat/b.png"]
    assert "SVG drawing" in rows[0]["reason"]
    assert "empty" in rows[1]["reason"]
    assert type(rows[0]["file"]) is str
