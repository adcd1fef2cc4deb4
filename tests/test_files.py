"""A file is written whole or not at all, and nothing is left beside it."""

import threading

import pytest

from resviz.files import atomic_write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path) as beside:
        beside.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


def fails_half_way(path, write):
    with atomic_write(path) as beside:
        write(beside)
        raise RuntimeError("half")


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half"):
        fails_half_way(path, lambda beside: beside.write_text("new"))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_can_be_written_the_same_way(tmp_path):
    with atomic_write(tmp_path / "run") as beside:
        beside.mkdir()
        (beside / "a").write_text("1")
    assert names(tmp_path / "run") == ["a"]
    with pytest.raises(RuntimeError, match="half"):
        fails_half_way(tmp_path / "other", lambda beside: (beside / "a").mkdir(parents=True))
    assert names(tmp_path) == ["run"]


def test_writers_at_once_do_not_share_the_place_beside(tmp_path):
    path, places = tmp_path / "a.txt", []

    def write(text):
        with atomic_write(path) as beside:
            places.append(beside)
            beside.write_text(text)

    with atomic_write(path) as mine:
        mine.write_text("first")
        other = threading.Thread(target=write, args=("second",))
        other.start()
        other.join()
    assert mine not in places
    assert path.read_text() == "first"  # it was renamed last
    assert names(tmp_path) == ["a.txt"]


def test_a_written_file_has_the_rights_that_others_of_this_user_have(tmp_path):
    usual = tmp_path / "usual"
    usual.write_text("")
    with atomic_write(tmp_path / "ours") as beside:
        beside.write_text("")
    assert (tmp_path / "ours").stat().st_mode == usual.stat().st_mode
