"""Weights from the internet: complete and of the expected hash, or not there at all.

torchvision's file names carry the first hex digits of the SHA-256: resnet50-11ad3fa6.pth.
"""

import contextlib
import functools
import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import torch

from resviz.errors import DownloadError, Sentence
from resviz.files import atomic_write
from resviz.paths import home
from resviz.progress import Progress, silent

TIMEOUT = 20.0  # seconds without a byte
CHUNK = 2**20


def ensure(url: str, progress: Progress = silent) -> Path:
    """The file of a URL: ours, PyTorch's own copy, or fetched; raises `DownloadError`."""
    name = url.rpartition("/")[2]
    return find(name) or fetch(url, weights_folder() / name, sha_prefix(name), progress)


def find(name: str) -> Path | None:
    """A copy of the file on this machine whose hash is the one in its name."""
    return next(
        (path for path in _places(name) if path.is_file() and _matches(path, sha_prefix(name))),
        None,
    )


def is_here(name: str) -> bool:
    """Whether a file of this name is on this machine, without reading it."""
    return any(path.is_file() for path in _places(name))


def sha_prefix(name: str) -> str:
    """The hex digits that end the stem of a file name; empty where there are none."""
    digits = re.search(r"-([0-9a-f]{8,64})\.", name)
    return digits[1] if digits else ""


def weights_folder() -> Path:
    """Where downloaded weights are kept."""
    return home() / "weights"


def fetch(url: str, path: Path, sha_prefix: str, progress: Progress = silent) -> Path:
    """Download `url` to `path`; what is there is replaced only by a whole file of the right hash.

    `progress` hears the share done, 0 to 1, and what is being done. Raises `DownloadError`.
    """
    with _open(url, path) as response, _making(path), atomic_write(path) as part:
        digest = _copy(response, part, path, progress)
        if not digest.startswith(sha_prefix):
            raise DownloadError(
                "{url} is not the expected file: its SHA-256 begins {digest}, not {sha_prefix}.",
                url=url,
                digest=digest[:8],
                sha_prefix=sha_prefix,
            )
    progress(1.0, Sentence("{name} is complete", name=path.name))
    return path


def _open(url: str, path: Path) -> HTTPResponse:
    way_out = Sentence("get it elsewhere and put it at {path}", path=path)
    try:
        return urllib.request.urlopen(url, timeout=TIMEOUT)  # type: ignore[no-any-return]
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(
            "{url} answers {code} ({reason}): {way_out}.",
            url=url,
            code=error.code,
            reason=error.reason,
            way_out=way_out,
        ) from None
    except (OSError, HTTPException) as error:
        raise DownloadError(
            "No connection for {name} ({reason}): {way_out}, from {url}.",
            name=path.name,
            reason=_reason(error),
            way_out=way_out,
            url=url,
        ) from None


@contextlib.contextmanager
def _making(path: Path) -> Iterator[None]:
    """Turn what the disk says against a new file into a `DownloadError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DownloadError(
            "{parent} cannot be written ({reason}): set RESVIZ_HOME.",
            parent=path.parent,
            reason=_reason(error),
        ) from None


def _copy(response: HTTPResponse, part: Path, path: Path, progress: Progress) -> str:
    """Write the response to `part`; returns its SHA-256."""
    total = int(response.headers.get("Content-Length") or 0)
    done, digest = 0, hashlib.sha256()
    with part.open("wb") as file:
        for chunk in _chunks(response, path):
            digest.update(chunk)
            done += len(chunk)
            with _writing(path):
                file.write(chunk)
            progress(
                min(done / total, 1.0) if total else 0.0, f"{path.name}: {done / 2**20:.0f} MiB"
            )
        if done < total:
            raise DownloadError(
                "The connection for {name} was cut at {done:,} of {total:,} bytes; try again.",
                name=path.name,
                done=done,
                total=total,
            )
    return digest.hexdigest()


def _chunks(response: HTTPResponse, path: Path) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise DownloadError(
            "The connection for {name} was cut ({reason}); try again.",
            name=path.name,
            reason=_reason(error),
        ) from None


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(
            "{parent} cannot hold {name} ({reason}): set RESVIZ_HOME.",
            parent=path.parent,
            name=path.name,
            reason=_reason(error),
        ) from None


def _places(name: str) -> tuple[Path, Path]:
    return weights_folder() / name, Path(torch.hub.get_dir()) / "checkpoints" / name


def _matches(path: Path, sha_prefix: str) -> bool:
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns).startswith(sha_prefix)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Read once per process for each state of the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    """Why, in the system's words."""
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause or type(error).__name__)
