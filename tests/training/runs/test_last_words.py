"""Why a run ended is known even where its database could not take it any more."""

from pathlib import Path

import pytest

from resviz.errors import Sentence
from resviz.training.runs import last_words, lock, reader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import LAST_WORDS

FULL = Sentence("{folder} cannot be written ({reason})", folder="a", reason="disk is full")


@pytest.fixture
def run(home: Path) -> Path:
    folder = home / "runs" / "a"
    folder.mkdir(parents=True)
    with RunWriter(folder) as writer:
        writer.note(status="running", model="new/plain-8", message="")
    last_words.reserve(folder)
    return folder


def test_what_was_written_there_is_how_the_run_ended(run):
    size = (run / LAST_WORDS).stat().st_size
    last_words.write(run, "stopped", FULL)
    info = reader.read("a").info()
    assert (info.status, info.message) == ("stopped", FULL)
    assert info.message.template == FULL.template
    assert (run / LAST_WORDS).stat().st_size == size, "no room on the disk was needed"


def test_a_process_that_died_without_a_word_has_crashed(run):
    assert last_words.read(run) is None
    assert (reader.read("a").info().status, reader.read("a").info().message) == ("crashed", "")


def test_a_run_that_is_alive_has_no_last_words(run):
    last_words.write(run, "crashed", FULL)
    held = lock.hold(run)
    assert reader.read("a").status == "running"
    lock.release(held)
    assert reader.read("a").status == "crashed"


def test_a_long_message_is_cut_and_still_read(run):
    last_words.write(run, "crashed", Sentence("x" * 9000))
    assert last_words.read(run) == ("crashed", "x" * 400 + " …")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "dancing", "message": ""}', "3"])
def test_nonsense_is_no_word(run, text):
    (run / LAST_WORDS).write_text(text)
    assert last_words.read(run) is None


def test_what_is_given_up_is_gone(run):
    last_words.clear(run)
    last_words.clear(run)
    assert not (run / LAST_WORDS).exists()
    with pytest.raises(OSError, match="No such file"):
        last_words.write(run, "crashed", FULL)
