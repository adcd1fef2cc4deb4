"""The page on BatchNorm in a real browser.

A click opens a layer, a step reveals the next, the bias moves nothing.
"""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server

Settle = Callable[[Page], None]
Shot = Callable[[Page, str], None]


@pytest.fixture(autouse=True)
def _patience(page: Page) -> None:
    page.set_default_timeout(90_000)
    expect.set_options(timeout=90_000)


def test_a_layer_opens_by_click_and_a_photo_is_answered_in_three_ways(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/batchnorm?model=bundled/resnet20-cifar10")
    rows = page.locator(".drift [data-pick]")
    expect(rows).to_have_count(19)
    rows.nth(4).click()
    expect(page.locator(".drift .on .label")).to_have_text("layer1.1.bn2")
    settle(page)
    assert "bn=layer1.1.bn2" in page.url
    overflow = page.locator(".stMainBlockContainer .board").evaluate_all(
        "all => all.map(e => Math.max(e.scrollWidth - e.clientWidth, "
        "e.getBoundingClientRect().right - innerWidth))"
    )
    assert max(overflow) <= 1, overflow
    shot(page, "batchnorm")
    page.get_by_text("Other statistics", exact=True).click()
    expect(page.locator(".batch [data-pick]")).to_have_count(1)
    page.get_by_test_id("stMain").get_by_text("Samples", exact=True).click()
    page.locator(".batch [data-pick='3']").click()
    expect(page.locator(".batch .on")).to_have_attribute("data-pick", "3")
    settle(page)
    assert "image=3" in page.url
    expect(page.get_by_test_id("stMain").locator(".bars.tight")).to_have_count(3)


def test_by_hand_steps_are_revealed_by_click_and_the_example_travels_in_the_address(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(
        f"{server.url}/batchnorm?model=bundled/resnet20-cifar10&aspect=hand&hand_batch=1,3/5,5"
    )
    formulas = page.get_by_test_id("stMain").locator(".katex-display")
    expect(formulas).to_have_count(3)
    page.get_by_test_id("stMain").get_by_text("3 variance").click()
    expect(formulas).to_have_count(5)
    settle(page)
    assert "step=3" in page.url
    batch = page.get_by_label("The batch: one line for each channel")
    expect(batch).to_have_value("1, 3\n5, 5")
    batch.fill("2, 4")
    batch.press("Control+Enter")
    expect(formulas.first).to_contain_text("2+4")
    settle(page)
    assert "hand_batch=2%2C4" in page.url


def test_a_link_to_the_training_page_brings_its_choices_along(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/batchnorm?model=new/residual-20%3Fnorm=none&aspect=drift")
    page.get_by_text("Race networks with BatchNorm against networks without").click()
    expect(page.locator("h1")).to_have_text("Training")
    settle(page)
    page.wait_for_url("**/training?*preset=race*")
    assert "norms=batch%2Cnone" in page.url
    assert "aspect=drift" in page.url, "what was chosen before is kept"


@pytest.mark.parametrize("part", ["drift", "answers", "size", "fold", "hand"])
def test_headings_leave_out_no_level_and_rows_tell_which_one_is_chosen(
    page: Page, server: Server, settle: Settle, part: str
) -> None:
    page.goto(f"{server.url}/batchnorm?model=bundled/resnet20-digits&aspect={part}")
    settle(page)
    headings = page.get_by_test_id("stMain").locator("h1, h2, h3, h4")
    expect(headings.nth(1)).to_be_visible()
    levels = headings.evaluate_all("all => all.map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    if part == "drift":
        chosen = page.locator(".drift [data-pick][aria-pressed=true]")
        expect(chosen).to_have_count(1)
        expect(chosen).to_contain_text("bn1")
        expect(page.get_by_test_id("stMain").get_by_text("Dataset", exact=True)).to_be_visible()
        expect(page.get_by_test_id("stMain").get_by_text("Samples", exact=True)).to_have_count(0)
