"""The names in a zip file, whoever packed it.

A zip says in a flag that a name is UTF-8. Without the flag it should be code page 437, and is in
truth whatever the packer's system used: UTF-8 (macOS, Linux), GBK (Chinese Windows), or really 437.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Sequence

_IS_UTF8 = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field, which WinRAR and others write
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")  # a character of GBK
_COMMON = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")  # a Chinese character of GB 2312
_SURELY_UTF8 = re.compile(
    rb"[\xe0-\xff]"  # the start of three bytes or more
    rb"|[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]"  # an accented letter stands inside a word
    rb"|(?:[\xcd-\xdf][\x80-\xbf]){3}"  # three letters of Greek, Cyrillic, Hebrew or Arabic
)


def names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The path of each entry, with slashes.

    Example:
        >>> entry = zipfile.ZipInfo("猫/1.jpg".encode("gbk").decode("cp437"))
        >>> names([entry])
        ['猫/1.jpg']
    """
    declared = [_declared(entry) for entry in entries]
    raw = [entry.orig_filename.encode("cp437", "replace") for entry in entries]
    unsure = [name for name, known in zip(raw, declared, strict=True) if known is None]
    encoding = guess(unsure)
    decoded = [
        name.decode(encoding) if known is None else known
        for name, known in zip(raw, declared, strict=True)
    ]
    return [name.replace("\\", "/") for name in decoded]


def guess(raw: Sequence[bytes]) -> str:
    """The encoding that all these names have: one archive was packed on one machine."""
    text = b"\n".join(raw)
    utf8, chinese = _decodes(raw, "utf-8"), _decodes(raw, "gbk") and _is_chinese(text)
    if utf8 and chinese:
        chinese = not _SURELY_UTF8.search(text)  # 猫 in GBK and è in UTF-8 are the same bytes
    if chinese:
        return "gbk"
    return "utf-8" if utf8 else "cp437"


def _declared(entry: zipfile.ZipInfo) -> str | None:
    """The name where the archive itself says how it is written."""
    if entry.flag_bits & _IS_UTF8:
        return entry.orig_filename
    try:
        return _unicode_path(entry)
    except (struct.error, UnicodeDecodeError):
        return None


def _unicode_path(entry: zipfile.ZipInfo) -> str | None:
    """Info-ZIP's field: version, checksum of the name it belongs to, and the name in UTF-8."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH:
            checksum = struct.unpack_from("<xL", extra, 4)[0]
            fits = checksum == zlib.crc32(entry.orig_filename.encode("cp437"))
            return extra[9 : 4 + length].decode("utf-8") if fits else None
        extra = extra[4 + length :]
    return None


def _is_chinese(text: bytes) -> bool:
    """Whether most pairs are common characters: accents of code page 437 pair up by accident."""
    pairs = _PAIR.findall(text)
    common = sum(_COMMON.fullmatch(pair) is not None for pair in pairs)
    return 2 * common > len(pairs)


def _decodes(raw: Sequence[bytes], encoding: str) -> bool:
    try:
        for name in raw:
            name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
