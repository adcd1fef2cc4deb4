"""A race in a real browser.

Curves grow, a run is stopped, the address finds it again, every page shows its moments.
"""

import re

from playwright.sync_api import Locator, Page, expect

from resviz.training.launch import queue
from resviz.training.runs import reader
from tests.browser.conftest import Server
from tests.browser.test_app import PATIENCE, Settle, Shot, _patience  # noqa: F401

SMALL = "racers=plain,residual&depths=8&record=light"


def points(page: Page) -> list[int]:
    """How many points each growing line has."""
    lines = page.locator(".curves polyline").evaluate_all(
        "all => all.map(e => e.getAttribute('points'))"
    )
    return [len(line.split()) for line in lines]


def row(page: Page, name: str) -> Locator:
    """The line of a run: the one horizontal block with its name and a bar."""
    blocks = page.get_by_test_id("stHorizontalBlock").filter(has=page.get_by_role("progressbar"))
    return blocks.filter(has=page.get_by_text(name, exact=True))


def test_a_race_is_watched_stopped_and_found_again_by_its_address(
    page: Page, training_server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{training_server.url}/training?{SMALL}&epochs=100")
    page.get_by_role("button", name="Start the race").click()
    try:
        lines = page.locator(".curves polyline")
        expect(lines).to_have_count(2)
        for i in range(2):
            expect(lines.nth(i)).to_have_attribute("points", re.compile(r"\S+ \S+"))
        for i, count in enumerate(points(page)):
            expect(lines.nth(i)).to_have_attribute(
                "points", re.compile(rf"^(\S+ ){{{count},}}\S+$")
            )  # it grows
        shot(page, "training-live")
        frame = page.locator(".curves").bounding_box()
        for name in ("Plain-8", "Residual-8"):
            row(page, name).get_by_role("button", name="Stop", exact=True).click()
        expect(page.locator(".run-state", has_text=re.compile("^stopped"))).to_have_count(2)
    finally:
        for info in reader.runs():
            if info.status in ("queued", "running"):
                queue.stop(info.id)
    chart = page.locator(".js-plotly-plot")
    expect(chart).to_be_visible()
    settle(page)
    assert frame is not None
    after = chart.bounding_box()
    assert after is not None
    assert (after["x"], after["height"]) == (frame["x"], frame["height"]), (
        "nothing jumps when the chart takes its place"
    )
    address = page.url
    assert "runs=plain-8" in address
    other = page.context.browser.new_page() if page.context.browser else page
    other.goto(address)
    expect(row(other, "Plain-8")).to_be_visible(timeout=PATIENCE)
    expect(other.locator(".run-state", has_text=re.compile("^stopped"))).to_have_count(
        2, timeout=PATIENCE
    )
    other.close()


def test_a_race_runs_to_its_end_and_every_page_is_scrubbed_through_it(
    page: Page, training_server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{training_server.url}/training?{SMALL}&epochs=2")
    page.get_by_role("button", name="Start the race").click()
    expect(page.locator(".run-state", has_text=re.compile("^finished"))).to_have_count(
        2, timeout=PATIENCE
    )
    expect(page.locator(".js-plotly-plot").get_by_text("Residual-8")).to_be_visible()
    settle(page)
    shot(page, "training-finished")
    page.set_viewport_size({"width": 900, "height": 900})
    menu = page.get_by_role("button", name="More about Plain-8")
    expect(menu).to_be_visible()
    menu.click()
    expect(page.get_by_role("button", name="Look inside")).to_be_visible()
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1440, "height": 900})
    for name, colour in (("Plain", "rgb(213, 94, 0)"), ("Residual", "rgb(0, 114, 178)")):
        bar = page.get_by_role("progressbar", name=f"{name}-8")
        expect(bar.locator("div").last).to_have_css("background-color", colour)
        chips = page.locator(f'[data-tag][aria-label^="{name}"]')
        expect(chips).to_have_count(2)
        for chip in chips.all():
            expect(chip).to_have_css("background-color", colour)
    run = next(
        info.id
        for info in reader.runs()
        if (info.model, info.status) == ("new/residual-8", "finished")
    )
    page.goto(f"{training_server.url}/?model=run/{run}")
    slider = page.get_by_role("slider", name="Checkpoint")
    value = page.get_by_test_id("stSidebar").get_by_test_id("stSliderThumbValue")
    expect(value).to_have_text("final")
    settle(page)
    slider.press("ArrowLeft")
    expect(value).to_have_text("epoch 2")
    page.wait_for_url("**checkpoint**epoch-2**")
    settle(page)
    page.keyboard.press("ArrowLeft")  # the slider has kept the focus
    page.wait_for_url("**checkpoint**epoch-1**")
    settle(page)
    page.get_by_test_id("stSidebarNavLink").nth(1).click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(value).to_have_text("epoch 1")
