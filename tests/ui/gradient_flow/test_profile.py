"""The part over depth says and offers the probe's numbers."""

import pytest

from resviz.models.spec import FAMILIES
from resviz.probes.gradient_flow.over_seeds import Batch, Profile, measure
from resviz.ui.base.numbers import times
from tests.ui.gradient_flow.pages import alts, run, text


def test_the_page_says_what_the_probe_measures():
    page = text(run())
    for family, colour in (("plain", "orange"), ("residual", "blue")):
        measured = Profile("", tuple(measure(f"new/{family}-8", s, Batch()) for s in (0, 1)))
        assert (
            f":{colour}[**{family.title()}-8**]: the first layer's gradient is "
            f"{times(measured.ratio())} the" in page
        )
    assert "within a factor of 10" in page


@pytest.mark.parametrize("quantity", ["relative", "block_gradient", "deviation"])
def test_every_quantity_has_a_sentence_and_a_table(quantity):
    app = run(quantity=quantity)
    assert "**stays level**" in text(app)
    assert len(app.get("download_button")) == 1


def test_all_families_stand_side_by_side_and_one_without_a_gradient_says_why():
    page = text(run(families=",".join(FAMILIES), seeds="1"))
    assert page.count("-8**]: ") == len(FAMILIES)
    assert "Fixup-8**]: 7 of 8 layers get no gradient in the first step" in page
    for family in ("ReZero", "Weighted"):
        assert f"{family}-8**]: 6 of 8 layers get no gradient in the first step" in page
    assert "infinite" not in page


def test_a_chart_says_in_plain_words_what_it_shows():
    (alt,) = alts(run())
    assert "Plain-8: the first layer's gradient is" in alt
    assert "It stays level." in alt
    assert not set("*[]") & set(alt)


@pytest.mark.parametrize(
    "query", [{"families": "<script>,,"}, {"depth": "9"}, {"norm": "layer", "part": "x"}]
)
def test_nonsense_in_the_address_is_ignored(query, monkeypatch):
    from resviz.ui.gradient_flow import network_choice

    monkeypatch.setitem(network_choice.USUAL, "depth", "14")
    assert f"Plain-{14 if 'depth' in query else 8}" in text(run(**query))
