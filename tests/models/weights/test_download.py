"""A download is whole and right, or absent and explained; against a real server on this machine."""

import errno
import hashlib
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from resviz.errors import DownloadError
from resviz.models.weights import download

BODY = bytes(range(256)) * 12_000  # 3 MB
SHA = hashlib.sha256(BODY).hexdigest()
NAME = f"net-{SHA[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        if self.path.startswith("/silent"):
            self.server.quiet.wait(10)
            return
        self.send_response(200)
        if not self.path.startswith("/unknown"):
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path.startswith("/cut") else BODY)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up in the middle is what some tests are about."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server(("127.0.0.1", 0), Handler)
    server.quiet = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.quiet.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def hub(tmp_path):
    """PyTorch's own folder, empty."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(tmp_path / "hub")
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)


def failed(url, path, sha=SHA[:8]):
    """The sentence of a failed download, which leaves nothing behind."""
    before = sorted(path.parent.glob("*")) if path.parent.exists() else []
    with pytest.raises(DownloadError) as caught:
        download.fetch(url, path, sha)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert (sorted(path.parent.glob("*")) if path.parent.exists() else []) == before
    return str(caught.value)


@pytest.mark.parametrize("kind", ["whole", "unknown"])
def test_a_download_is_whole_and_tells_its_progress(server, tmp_path, kind):
    heard = []
    path = tmp_path / "new" / "folder" / NAME
    got = download.fetch(
        f"{server}/{kind}", path, SHA[:8], lambda share, words: heard.append((share, words))
    )
    assert got == path
    assert path.read_bytes() == BODY
    assert [p.name for p in path.parent.iterdir()] == [NAME]
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 and NAME in words for share, words in heard)
    assert len(heard) >= 3 or kind == "unknown"


def test_without_a_connection_the_sentence_names_the_file_and_where_to_put_it(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{free.getsockname()[1]}/{NAME}"
        sentence = failed(url, tmp_path / NAME)
    assert "No connection" in sentence
    assert NAME in sentence
    assert f"put it at {tmp_path / NAME}" in sentence


def test_a_name_that_does_not_resolve_is_no_connection(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("no_proxy", "*")
    assert "Name or service not known" in failed("http://nowhere.invalid/net.pth", tmp_path / NAME)


def test_a_silent_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    assert "timed out" in failed(f"{server}/silent", tmp_path / NAME)


def test_a_file_that_is_not_there_is_told_with_its_code(server, tmp_path):
    sentence = failed(f"{server}/missing", tmp_path / NAME)
    assert "404" in sentence
    assert str(tmp_path / NAME) in sentence


def test_a_wrong_hash_keeps_what_was_there(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"older")
    sentence = failed(f"{server}/whole", tmp_path / NAME, "deadbeef")
    assert SHA[:8] in sentence
    assert "deadbeef" in sentence
    assert (tmp_path / NAME).read_bytes() == b"older"


def test_a_cut_connection_tells_how_far_it_came(server, tmp_path):
    assert "cut at 1,536,000 of 3,072,000 bytes" in failed(f"{server}/cut", tmp_path / NAME)


def test_a_full_disk_is_told_and_leaves_nothing(server, tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    sentence = failed(f"{server}/whole", tmp_path / NAME)
    assert "No space left on device" in sentence
    assert "RESVIZ_HOME" in sentence


def test_a_file_size_limit_of_the_system_is_told(server, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        assert "File too large" in failed(f"{server}/whole", tmp_path / NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"cannot be written.*RESVIZ_HOME"):
        download.fetch(f"{server}/whole", tmp_path / "file" / NAME, SHA[:8])


def test_an_interrupted_download_leaves_nothing(server, tmp_path):
    def stop(share, words):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch(f"{server}/whole", tmp_path / NAME, SHA[:8], stop)
    assert list(tmp_path.glob("*.pth*")) == []


def test_ensure_downloads_once(server, home):
    path = download.ensure(f"{server}/{NAME}")
    assert path == home / "weights" / NAME
    before = path.stat().st_mtime_ns
    assert download.ensure(f"http://127.0.0.1:9/{NAME}") == path
    assert path.stat().st_mtime_ns == before


def test_a_copy_in_pytorchs_folder_is_used_if_its_hash_is_right(server, home, hub):
    hub.mkdir(parents=True)
    assert download.find(NAME) is None
    (hub / NAME).write_bytes(b"damaged")
    assert download.is_here(NAME)
    assert download.find(NAME) is None
    assert download.ensure(f"{server}/{NAME}") == home / "weights" / NAME
    (home / "weights" / NAME).unlink()
    (hub / NAME).write_bytes(BODY)
    assert download.find(NAME) == hub / NAME


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("resnet50-11ad3fa6.pth", "11ad3fa6"),
        ("mnasnet0.5_top1_67.823-3ffadce67e.pth", "3ffadce67e"),
        ("alexnet-owt-7be5be79.pth", "7be5be79"),
        ("plain.pth", ""),
    ],
)
def test_the_hash_is_read_from_the_name(name, prefix):
    assert download.sha_prefix(name) == prefix


def test_home_is_what_the_user_says_or_the_platforms_cache(monkeypatch, tmp_path):
    from resviz import paths

    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    monkeypatch.delenv("RESVIZ_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, folder in [
        ("linux", tmp_path / "xdg"),
        ("darwin", Path.home() / "Library" / "Caches"),
        ("win32", tmp_path / "local"),
    ]:
        monkeypatch.setattr("sys.platform", platform)
        assert paths.home() == folder / "resviz"
