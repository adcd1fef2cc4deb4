"""Names in zip files of every origin; the oracle is the name that was packed."""

import io
import struct
import zipfile
import zlib

import pytest

from resviz.data.zip_names import names


def packed(raw: list[bytes], extra: bytes = b"") -> zipfile.ZipFile:
    """A zip whose names are these bytes without a word on their encoding, as Windows packs them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i, name in enumerate(raw):
            entry = zipfile.ZipInfo(f"{i:_<{len(name)}}")
            entry.extra = extra
            archive.writestr(entry, b"")
    data = file.getvalue()
    for i, name in enumerate(raw):
        data = data.replace(f"{i:_<{len(name)}}".encode(), name)
    return zipfile.ZipFile(io.BytesIO(data))


def read(*raw: bytes) -> list[str]:
    return names(packed(list(raw)).infolist())


@pytest.mark.parametrize(
    "paths",
    [
        ["训练/猫/1.jpg", "训练/狗/2.jpg"],
        ["猫/1.jpg"],  # the same bytes as è in UTF-8
        ["数据集/蒲公英/花 (1).jpg", "数据集/向日葵/IMG_2.png"],
        ["train/小熊猫/1.jpg", "val/小熊猫/2.jpg"],
        ["张喆/1.jpg", "王芳/2.jpg"],  # a letter of a name beyond GB 2312
    ],
)
def test_names_of_a_chinese_windows_are_chinese(paths):
    assert read(*(path.encode("gbk") for path in paths)) == paths


@pytest.mark.parametrize(
    "paths",
    [
        ["训练/猫/1.jpg", "训练/狗/2.jpg"],
        ["crème brûlée/1.jpg", "café/2.jpg"],
        ["Käse/1.jpg"],
        ["猫/1.jpg"],
        ["кошка/1.jpg"],
    ],
)
def test_names_in_utf_8_without_the_flag_are_utf_8(paths):
    assert read(*(path.encode() for path in paths)) == paths


@pytest.mark.parametrize("paths", [["Käse/1.jpg", "Größe/2.jpg"], ["crème/1.jpg"], ["a/b.png"]])
def test_names_in_the_code_page_of_the_standard_stay(paths):
    assert read(*(path.encode("cp437") for path in paths)) == paths


def test_the_flag_of_utf_8_is_believed():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("è/1.jpg", b"")  # Python sets the flag
    assert names(zipfile.ZipFile(file).infolist()) == ["è/1.jpg"]


def test_the_extra_field_of_info_zip_is_believed_where_it_belongs_to_the_name():
    raw, path = b"cat_____/1.jpg", "Кошка/1.jpg"
    body = struct.pack("<BL", 1, zlib.crc32(raw)) + path.encode()
    extra = struct.pack("<HH", 0x7075, len(body)) + body
    assert names(packed([raw], extra).infolist()) == [path]
    stale = extra.replace(struct.pack("<L", zlib.crc32(raw)), bytes(4))
    assert names(packed([raw], stale).infolist()) == [raw.decode()]


def test_backslashes_of_old_windows_programs_divide_folders():
    assert read(b"train\\cat\\1.jpg") == ["train/cat/1.jpg"]
    # 0x5c is half of a character here
    assert "誠".encode("gbk")[1] == 0x5C
    assert read("誠实/1.jpg".encode("gbk"), "猫/狗.jpg".encode("gbk"))[0] == "誠实/1.jpg"
