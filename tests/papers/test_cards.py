"""Paper cards: whole, true to their file, and (where the data are here) measured again."""

import json
import os
import re
from argparse import Namespace
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from benchmarks.papers import MEASURES, _chain_sizes, lesions, mean_errors
from resviz import cli
from resviz.errors import DataError, Sentence
from resviz.papers.card import DIRECTION, MISSED, REPRODUCED, VERDICTS, Row, stored_numbers
from resviz.papers.cards import CARDS, card

STORED = json.loads((resources.files("resviz.data") / "assets" / "measured.json").read_text())
DATA = Path(os.environ.get("RESVIZ_TEST_DATA", "nowhere"))  # a folder with cifar10.zip


@pytest.mark.parametrize("key", STORED)
def test_measured_numbers_tell_day_versions_command_and_rows(key):
    told = STORED[key]
    assert set(told) == {"date", "versions", "command", "rows"}
    assert date.fromisoformat(told["date"]) <= date.today()
    assert {"resviz", "torch", "python"} <= told["versions"].keys()
    assert told["command"].startswith("python -m ")
    assert told["rows"]
    for row in told["rows"]:
        assert set(row) - {"by"} == {"network", "what", "numbers", "unit"}
        names = next(one.names for one in CARDS if one.measured == key)
        assert names[row["what"]](row["network"]).startswith(f"{row['network']}, ")
        assert 1 <= len(row["numbers"]) <= 2
        assert all(isinstance(number, int | float) for number in row["numbers"])
    assert len({(row["network"], row["what"]) for row in told["rows"]}) == len(told["rows"])
    assert "/" + "work" not in json.dumps(told)


@pytest.mark.parametrize("one", CARDS, ids=lambda one: one.key)
def test_a_card_is_whole_and_shows_the_numbers_of_its_file(one):
    assert card(one.key) is one
    assert one.verdict in VERDICTS
    assert re.fullmatch(r"\d{4}\.\d{4,5}", one.paper.arxiv)
    assert 2000 < one.paper.year <= date.today().year
    assert one.section
    assert one.run in MEASURES
    assert one.rule.condition.endswith(".")
    assert one.claim.endswith(".")
    assert one.scale.endswith(".")
    stored = STORED[one.measured]
    assert (one.ours.date, one.ours.command) == (stored["date"], stored["command"])
    assert [(row.name.values["network"], list(row.numbers), row.unit) for row in one.ours.rows] == [
        (row["network"], row["numbers"], row["unit"]) for row in stored["rows"]
    ]


def test_numbers_have_the_decimals_they_are_stored_with_and_percentages_have_one():
    assert Row(Sentence(""), (5.6, 95), "%").text == "5.6 → 95.0%"
    assert Row(Sentence(""), (0.5,), "").text == "0.5"
    assert Row(Sentence(""), (8.0, 4.2), "px").text == "8.0 → 4.2 px"
    shown = {row.text for one in CARDS for row in one.ours.rows}
    assert {"94.4 → 5.6%", "90.3 → 88.0%", "0.49", "-0.46", "15.2 → 8.9 px"} <= shown


def test_an_arrow_stands_only_between_before_and_after():
    (row,) = (row for row in card("effective-growth").ours.rows if len(row.numbers) > 1)
    assert row.text == "18.4 px plain, 15.2 px residual"
    assert (
        row.text.said(lambda words: words.replace("} plain", "} schlicht"))
        == "18.4 px schlicht, 15.2 px residual"
    )


def test_an_unknown_card_names_the_cards_and_numbers_that_are_missing_the_command():
    with pytest.raises(DataError, match="no paper card 'x'; choose from adabn"):
        card("x")
    with pytest.raises(DataError, match=r"run python -m benchmarks\.papers nothing"):
        stored_numbers("nothing")


def test_the_verdict_on_recalibration_is_what_the_numbers_say():
    """Both networks err less on corrupted images.

    In most single cases accuracy rises, in none it falls far.
    """
    assert card("adabn").verdict == card("corruptions").verdict == DIRECTION
    for row in card("corruptions").ours.rows:
        before, after = row.numbers
        assert after < before - 5, row.name
    rows = {row.name: row.numbers for row in card("adabn").ours.rows}
    corrupted = [numbers for name, numbers in rows.items() if not name.endswith("clean images")]
    assert len(corrupted) == 8
    assert sum(after > before + 2 for before, after in corrupted) >= 6
    assert all(after > before - 3 for before, after in rows.values())


def test_what_the_card_says_of_the_rows_that_gain_nothing_is_what_they_show():
    rows = {(row["network"], row["what"]): row["numbers"] for row in STORED["adabn"]["rows"]}
    whole = {network: numbers[0] for (network, what), numbers in rows.items() if what == "clean"}
    gain = {key: after - before for key, (before, after) in rows.items() if key[1] != "clean"}
    assert {key for key, value in gain.items() if value <= 0} == {
        ("resnet20-cifar10", w) for w in ("blur", "negative")
    }
    hardly_harmed = {key for key in gain if whole[key[0]] - rows[key][0] < 1}
    assert hardly_harmed == {("resnet20-cifar10", "blur")}
    before, after = rows["resnet20-cifar10", "clean"]
    for cost in (-gain["resnet20-cifar10", "blur"], before - after):
        assert cost == pytest.approx(2, abs=0.5), "about two points"
    for network in whole:
        assert gain[network, "negative"] < 5, "little or nothing"
        assert whole[network] - rows[network, "negative"][0] > 20, "though they harm much"


def test_mean_errors_are_those_of_the_rows():
    assert mean_errors(STORED["adabn"]["rows"]) == STORED["corruptions"]["rows"]
    told = (("resnet20-cifar10", "clean", [90, 88]), ("resnet20-cifar10", "blur", [40, 60]))
    told += (("resnet20-cifar10", "negative", [20, 30]), ("resnet18-imagenette", "blur", [50, 75]))
    found = mean_errors(
        [{"network": network, "what": what, "numbers": numbers} for network, what, numbers in told]
    )
    assert [row["numbers"] for row in found] == [[50, 25], [70, 55]]


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "cifar10.zip").is_file(), reason="RESVIZ_TEST_DATA names no folder with cifar10.zip"
)
def test_a_small_part_measured_again_agrees_within_its_error(capsys):
    row = next(
        row
        for row in STORED["adabn"]["rows"]
        if (row["network"], row["what"]) == ("resnet20-cifar10", "contrast")
    )
    command = row["by"].removeprefix("python -m resviz ").replace("folder:", f"folder:{DATA}/")
    command = re.sub(r"--sample \d+", "--sample 400", command)
    assert cli.main([*command.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["dataset"]["accuracy"]
    for mode, percent in zip(("eval", "recalibrated"), row["numbers"], strict=True):
        share = percent / 100
        error = (share * (1 - share) * (1 / 200 + 1 / 1000)) ** 0.5
        assert found[mode] == pytest.approx(share, abs=3.5 * error)
    assert found["recalibrated"] > found["eval"] + 0.15


def rows_of(key):
    return {(row.name.values["network"], what): row.numbers for row, what in _with_keys(key)}


def _with_keys(key):
    return zip(
        card(key).ours.rows,
        (row["what"] for row in STORED[card(key).measured]["rows"]),
        strict=True,
    )


def test_the_verdicts_on_effective_fields_are_what_the_numbers_say():
    growth = {what: numbers for (_, what), numbers in rows_of("effective-growth").items()}
    for what, row in zip(("growth", "share"), card("effective-growth").published, strict=True):
        assert growth[what][0] == pytest.approx(row.numbers[0], abs=0.06)
    plain, residual = growth["shortcuts"]
    assert residual < plain
    assert card("effective-growth").verdict == REPRODUCED
    assert all(after < before for before, after in rows_of("effective-training").values())
    assert card("effective-training").verdict == MISSED


def test_a_chain_of_convolutions_has_the_width_of_a_sum_of_uniform_steps():
    """A 3 x 3 kernel of independent weights adds the variance of a step of -1, 0 or 1 pixel, 2/3
    (Luo, section 2).
    """
    width, _share = _chain_sizes(10)
    assert width == pytest.approx((10 * 2 / 3) ** 0.5, rel=0.08)


def test_the_verdict_on_lesions_is_what_the_numbers_say_and_they_repeat():
    assert card("lesions").verdict == DIRECTION
    again = lesions(Namespace())["lesions"]
    for row, stored in zip(again, STORED["lesions"]["rows"], strict=True):
        assert row["numbers"] == pytest.approx(stored["numbers"], abs=0.6)  # two images of 360
    (whole, one_out), (plain_whole, plain_one_out) = (row["numbers"] for row in again)
    assert whole - one_out < 2
    assert plain_whole - plain_one_out > 70
    assert plain_one_out < 10, "below chance, as the card says"
