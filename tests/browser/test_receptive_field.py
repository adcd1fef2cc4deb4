"""The linked cursor in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Traffic
from tests.browser.test_app import PATIENCE, Settle, Shot, _patience  # noqa: F401

ADDRESS = "receptive_field?model=new/residual-8%3Fwidth=4&layer=layer2.0&against=%3B&more=stack"


def open_page(page: Page, server: Server, settle: Settle, more: str = "") -> None:
    page.goto(f"{server.url}/{ADDRESS}{more}")
    expect(page.locator(".lattice")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".ladder").first).to_be_visible(timeout=PATIENCE)
    settle(page)


def box(page: Page) -> dict[str, float]:
    return page.locator(".scene .box").evaluate(
        "e => Object.fromEntries(['x', 'y', 'width', 'height'].map(n => [n, +e.getAttribute(n)]))"
    )


def over(page: Page, row: int, column: int, units: int = 16) -> None:
    place = page.locator(".lattice").bounding_box()
    assert place is not None
    page.mouse.move(
        place["x"] + (column + 0.5) / units * place["width"],
        place["y"] + (row + 0.5) / units * place["height"],
    )


def test_the_box_follows_the_pointer_without_the_server_and_a_click_pins_it(
    page: Page, server: Server, settle: Settle, shot: Shot, traffic: Traffic
) -> None:
    open_page(page, server, settle)
    page.locator(".lattice").scroll_into_view_if_needed()
    assert box(page) == {
        "x": 10,
        "y": 10,
        "width": 13,
        "height": 13,
    }  # unit 8, 8: from -6 + 2 * 8 on
    frames: list[object] = []
    page.on("websocket", lambda socket: frames.append(socket))
    asked = len(traffic.requests)
    for row, column in ((0, 0), (3, 12), (15, 15)):
        over(page, row, column)
        assert box(page) == {"x": 2 * column - 6, "y": 2 * row - 6, "width": 13, "height": 13}
    sentence = page.locator(".sees")
    expect(sentence).to_contain_text("Row 15, column 15 can see rows 24 to 36 and columns 24 to 36")
    expect(sentence).to_contain_text("62% of that is padding")  # 8 x 8 of 13 x 13 pixels are inside
    assert len(traffic.requests) == asked
    assert not frames
    over(page, 3, 12)
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("Unit in row 3, column 12")).to_be_visible(timeout=PATIENCE)
    settle(page)
    assert "units=3" in page.url
    page.mouse.move(2, 2)
    assert box(page) == {"x": 18, "y": 0, "width": 13, "height": 13}
    shot(page, "receptive-field")


def test_the_cursor_moves_by_arrow_keys_and_enter_pins(
    page: Page, server: Server, settle: Settle
) -> None:
    open_page(page, server, settle, "&units=3,5&several=True")
    page.locator(".lattice").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert box(page) == {"x": 6, "y": 2, "width": 13, "height": 13}
    page.keyboard.press("Escape")
    assert box(page) == {"x": 4, "y": 0, "width": 13, "height": 13}
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unit in row 2, column 5")).to_be_visible(timeout=PATIENCE)
    settle(page)
    expect(page.locator(".lattice .pin")).to_have_count(2)
    expect(page.locator(".scene .other")).to_have_count(1)
    expect(page.locator(".lattice")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".sees")).to_contain_text("Row 1, column 5")


def test_a_box_that_goes_on_beyond_the_picture_is_dashed_there(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/{ADDRESS.replace('layer2.0', 'layer3.0')}")
    expect(page.locator(".lattice")).to_be_visible(timeout=PATIENCE)
    settle(page)
    cut = page.locator(".scene .cut")
    assert (
        cut.get_attribute("d") == ""
    )  # unit 4, 4 of 8: 25 pixels from 4 on, all in the image of 32
    over(page, 0, 0, units=8)  # from -12 on, and the picture from -6.4 on
    assert [side[0] for side in (cut.get_attribute("d") or "").split("M")[1:]] == ["-", "-"]
    assert page.locator(".scene .middle").get_attribute("cx") == "0.5"
