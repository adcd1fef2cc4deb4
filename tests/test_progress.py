"""Whoever does slow work may be given any function of a share and a word."""

from resviz.progress import Progress, silent


def test_a_function_of_a_share_and_a_word_is_a_progress_and_silence_says_nothing():
    assert isinstance(silent, Progress)
    assert silent(0.5) is None
    assert silent(0.5, "loading") is None
    assert not isinstance(3, Progress)
