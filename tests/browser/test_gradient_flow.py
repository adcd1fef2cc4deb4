"""The page on gradient flow in a real browser.

Pictures in every part, stories, blocks taken out by a click.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from resviz import cli
from resviz.training.runs import reader
from tests.browser.conftest import Server

PATIENCE = 90_000  # milliseconds; the first visitor of a server waits for torch
Shot = Callable[[Page, str], None]
Settle = Callable[[Page], None]
SMALL = "depth=8&seeds=2&layers=4"
SMALL_MODEL = "new/residual-8?width=4".replace("?", "%3F")
PARTS = (
    ("shares", "Shortcut and branch", "Gradient, in the backward pass"),
    ("shattered", "Shattered gradients", "Plain, 4 layers"),
)


@pytest.fixture(autouse=True)
def _patience(page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)


def test_every_part_has_its_picture_and_switches_stand_in_the_address(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/gradient_flow?{SMALL}")
    names = page.locator(".js-plotly-plot .legendtext")
    expect(names).to_have_text(["Plain-8", "Residual-8"])
    expect(page.get_by_text("stays level").first).to_be_visible()
    settle(page)
    shot(page, "gradient-flow-profile")
    page.get_by_text("Group", exact=True).click()
    page.wait_for_url("**norm=group**")
    settle(page)
    page.get_by_text("Fixup", exact=True).click()
    expect(names).to_have_text(["Plain-8", "Residual-8", "Fixup-8"])
    settle(page)
    assert "fixup" in page.url
    for part, button, shown in PARTS:
        page.get_by_test_id("stMain").get_by_text(button, exact=True).click()
        expect(page.locator(".js-plotly-plot").get_by_text(shown).first).to_be_visible()
        settle(page)
        assert f"part={part}" in page.url
        shot(page, f"gradient-flow-{part}")


def test_a_click_takes_a_block_out_and_another_puts_it_back(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/gradient_flow?part=lesions&whose=mine&model=bundled/resnet20-cifar10")
    block = page.locator(".net [data-pick='layer2.1']")
    block.click()
    expect(page.get_by_text("1 out.")).to_be_visible()
    expect(page.locator(".net [data-pick='layer2.1'][aria-checked=false]")).to_be_visible()
    settle(page)
    assert "off=layer2.1" in page.url
    shot(page, "gradient-flow-lesions")
    block.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("0 out.")).to_be_visible()
    settle(page)
    expect(block).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 out.")).to_be_visible()


def test_a_click_takes_a_block_out_of_both_networks(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/gradient_flow?part=lesions")
    blocks = page.locator(".net [data-pick='layer2.1']")
    blocks.first.click()
    expect(page.locator(".net [data-pick='layer2.1'][aria-checked=false]")).to_have_count(2)
    expect(
        page.locator(".answered .wrong").first
    ).to_be_visible()  # the plain network is wrong about some digit
    settle(page)
    assert "out=layer2.1" in page.url
    shot(page, "gradient-flow-lesion-pair")
    blocks.nth(1).focus()
    page.keyboard.press(" ")
    expect(page.locator(".net [data-pick='layer2.1'][aria-checked=true]")).to_have_count(2)
    settle(page)
    expect(blocks.nth(1)).to_be_focused()


def test_arrows_move_between_switches_and_enter_turns_them(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/gradient_flow?part=lesions&whose=mine&model={SMALL_MODEL}")
    blocks = [page.locator(f".net [data-pick='layer{stage}.0']") for stage in (1, 2, 3)]
    expect(page.get_by_text("0 out.")).to_be_visible()
    settle(page)
    blocks[0].focus()
    page.keyboard.press("ArrowRight")
    expect(blocks[1]).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(blocks[2]).to_be_focused()
    settle(page)
    expect(page.get_by_text("0 out.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 out.")).to_be_visible()
    settle(page)
    expect(blocks[2]).to_have_attribute("aria-checked", "false")


def test_a_chosen_family_has_the_colour_of_its_line_and_the_picture_says_what_it_shows(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/gradient_flow?{SMALL}")
    expect(page.get_by_text("stays level").first).to_be_visible()
    settle(page)
    for family, colour in (("Plain", "rgb(213, 94, 0)"), ("Residual", "rgb(0, 114, 178)")):
        pill = page.locator(".st-key-families button[data-selected]", has_text=family).first
        expect(pill).to_have_css("border-top-color", colour)
    spoken = page.get_by_label("Plain-8: the first layer's gradient is")
    assert "**" not in (spoken.first.get_attribute("aria-label") or "")
    titles = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => one.tagName)")
    assert titles == ["H1"]


def test_a_cursor_over_one_run_reads_the_same_place_in_both_and_a_click_draws_the_step(
    page: Page, training_server: Server, settle: Settle, shot: Shot
) -> None:
    for family in ("plain", "residual"):
        command = (
            f"train --model new/{family}-8?width=4 --dataset digits --epochs 1 --record "
            "full --threads 1"
        )
        assert cli.main(command.split()) == 0
    films = ",".join(info.id for info in reader.runs() if "width=4" in info.model)
    page.goto(f"{training_server.url}/gradient_flow?part=training&films={films}")
    fields = page.locator(".films .field")
    expect(fields).to_have_count(2)
    settle(page)
    fields.first.scroll_into_view_if_needed()
    box = fields.first.bounding_box()
    assert box is not None
    # not where two columns meet: half a pixel would decide
    page.mouse.move(
        box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.99
    )  # the first layer, in the middle
    reading = page.locator(".films .reading")
    expect(reading.first).to_contain_text("conv1 at step")
    first, second = (text.rpartition(":")[0] for text in reading.all_text_contents())
    assert first == second
    shot(page, "gradient-flow-training")
    page.mouse.click(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.5)
    step = first.rpartition(" ")[2]
    expect(page.get_by_text(f"at step {step}: the first is").first).to_be_visible()
