"""The app in a real browser: what a visitor sees first, and what happens at each kind of click."""

import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Server, Traffic

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
# a page's picture
SOMETHING = ".stMainBlockContainer :is(.board img, .js-plotly-plot, [data-testid=stAlert])"
BOARDS = ".stMainBlockContainer .board"
OVERFLOW = """all => all.map(e =>
    Math.max(e.scrollWidth - e.clientWidth, e.getBoundingClientRect().right - innerWidth))"""
PATIENCE = 90_000  # milliseconds; the first visitor of a server waits for torch
Shot = Callable[[Page, str], None]
Settle = Callable[[Page], None]

NETWORK = ".drawings:not(.inside) > .network:visible"


@pytest.fixture(autouse=True)
def _patience(page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "PNG")
    return file.getvalue()


def test_first_paint_has_photo_answer_and_network(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator(".bars .first .label")).to_be_visible()
    expect(page.locator(f"{NETWORK} .box[data-pick]")).to_have_count(9)  # the stem, eight blocks
    expect(page.locator(f"{NETWORK} .arc")).to_have_count(8)
    settle(page)
    shot(page, "overview")


def test_opacity_changes_in_the_browser_alone_and_a_click_on_a_class_moves_the_overlay_to_it(
    page: Page, server: Server, settle: Settle, traffic: Traffic
) -> None:
    page.goto(server.url)
    slider = page.locator("input[data-opacity]").first
    expect(slider).to_be_visible()
    settle(page)
    frames = len(traffic.requests)
    slider.fill("0.25")
    assert page.locator(".heat").first.evaluate("e => e.style.opacity") == "0.25"
    page.wait_for_timeout(300)
    assert len(traffic.requests) == frames
    second = page.locator(".bars [data-pick]").nth(1)
    label = second.locator(".label").inner_text()
    before = page.locator(".heat").first.get_attribute("src")
    second.click()
    expect(
        page.get_by_text(re.compile(rf"Grad-CAM at .* evidence for {re.escape(label)}"))
    ).to_be_visible()
    settle(page)
    assert page.locator(".heat").first.get_attribute("src") != before
    assert "target=" in page.url


def test_a_block_of_the_drawing_leads_to_its_channels(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(server.url)
    page.locator(f"{NETWORK} [data-pick='layer3.0']").click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.locator(f"{NETWORK} .on")).to_have_attribute("data-pick", "layer3.0")
    expect(page.get_by_role("heading", name="Inside layer3.0")).to_be_visible()
    settle(page)
    assert "layer=layer3.0" in page.url
    shot(page, "feature-maps")


def test_layer_and_channel_change_by_click_and_by_arrow_key(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/feature_maps")
    page.locator(f"{NETWORK} [data-pick='layer2.1']").click()
    expect(page.get_by_role("heading", name="Inside layer2.1")).to_be_visible()
    page.locator(".grid [data-pick='5']").click()
    expect(page.get_by_text("Channel 5 ·")).to_be_visible()
    settle(page)
    page.locator(".grid [data-pick='5']").focus()
    for channel in (6, 7, 8):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"Channel {channel} ·")).to_be_visible()
        settle(page)
    assert "channel=8" in page.url


def test_buttons_of_layers_and_channels_tell_which_one_is_chosen(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/feature_maps?model=new/residual-8&layer=layer2.0&channel=5")
    settle(page)
    for board, chosen in ((NETWORK, "layer2.0"), (".grid", "5")):
        picks = page.locator(f"{board} [data-pick][role=button]")
        expect(picks.first).to_have_attribute("aria-pressed", re.compile("true|false"))
        pressed = page.locator(f"{board} [data-pick][aria-pressed=true]")
        assert chosen in [pick.get_attribute("data-pick") for pick in pressed.all()]
        assert picks.count() > pressed.count()


CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_and_headings_leave_out_no_level(
    page: Page, server: Server, settle: Settle, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for address in ("overview", "feature_maps", "gradient_flow?depth=8&seeds=1", "training"):
        page.goto(f"{server.url}/{address}")
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        settle(page)
        assert page.evaluate(CONTRAST) == [], address
        levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(e => +e.tagName[1])")
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_network_is_walked_by_arrow_keys_and_a_step_of_a_block_is_chosen(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/feature_maps?layer=layer2.0")
    settle(page)
    network = page.locator(NETWORK)
    expect(network.locator("g.arc")).to_have_count(8)  # two blocks in each of four stages
    box = network.locator(".box[data-pick='layer2.0']")
    expect(box).to_have_attribute("aria-pressed", "true")
    box.focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
        if page.locator("[data-pick]:focus").get_attribute("data-pick") == "layer3.0":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Inside layer3.0")).to_be_visible()
    settle(page)
    page.locator(".drawings.inside > .network:visible [data-pick='layer3.0.conv2']").click()
    expect(page.locator(".drawings.inside > .network:visible .on")).to_have_attribute(
        "data-pick", "layer3.0.conv2"
    )
    settle(page)
    assert "layer=layer3.0.conv2" in page.url
    shot(page, "network")


def test_the_back_button_takes_back_the_last_choice(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/feature_maps")
    for layer in ("layer2.1", "layer3.1"):
        page.locator(f"{NETWORK} [data-pick='{layer}']").click()
        expect(page.get_by_role("heading", name=f"Inside {layer}")).to_be_visible()
        settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Inside layer2.1")).to_be_visible()


WALK = [1, 2, 0, 1, 4, 2, 1, 5, 0, 2]  # ten pages by their place in the sidebar


def test_a_walk_over_ten_pages_and_back_and_forth_loses_no_choice(
    page: Page, server: Server, settle: Settle
) -> None:
    choices = "depth=8&layer=layer2.0&method=saliency&model=new/residual-8&sample=dog&seeds=1"
    page.goto(f"{server.url}/attribution?{choices}")
    settle(page)
    heading = page.get_by_role("heading", level=1)
    visited, steps = [("Attribution", asked(page.url))], page.evaluate("history.length")
    for link in map(page.get_by_test_id("stSidebarNavLink").nth, WALK):
        link.click()
        expect(heading).to_have_text(link.inner_text())
        settle(page)
        expect(page).to_have_url(re.compile("sample=dog"))
        visited.append((link.inner_text(), asked(page.url)))
    assert page.evaluate("history.length") == steps + len(WALK), "one step a page"
    assert len({query for _title, (_path, query) in visited}) == 1
    for go, pages in ((page.go_back, visited[-2::-1]), (page.go_forward, visited[1:])):
        for title, address in pages:
            go()
            expect(heading).to_have_text(title)
            settle(page)
            assert asked(page.url) == address
    expect(page.get_by_role("combobox", name="Model")).to_have_value("new/residual-8")


def asked(url: str) -> tuple[str, str]:
    """The page and what was chosen, whatever the order in which an address names it."""
    parts = urlsplit(url)
    return parts.path, "&".join(sorted(unquote(parts.query).split("&")))


def test_the_first_page_can_be_asked_for_by_its_name(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/overview?sample=dog")
    settle(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PAGES))


def test_a_hostile_address_asks_no_other_machine(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(
        f"{server.url}/?model="
        "foo/![a](http://picture.example/a.png)%20[click](http://click.example)"
    )
    expect(page.get_by_test_id("stAlert")).to_contain_text("![a](http:")
    settle(page)
    expect(page.get_by_test_id("stMain").locator("img, a[href*=example]")).to_have_count(0)
    expect(page.get_by_test_id("stProgress")).to_have_count(0)


def test_deep_link_on_a_freshly_started_server(
    page: Page, training_server: Server, settle: Settle
) -> None:
    training_server.stop()
    training_server.start()
    page.goto(f"{training_server.url}/attribution?layer=layer3.1&sample=church&other=7")
    expect(page.get_by_role("heading", name="Attribution")).to_be_visible()
    expect(page.get_by_text("map of 8×8 cells").first).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PAGES))
    settle(page)
    assert "layer=layer3.1" in page.url


def test_upload_is_recognised_and_a_refused_file_loses_nothing(
    page: Page, server: Server, settle: Settle, shot: Shot
) -> None:
    page.goto(f"{server.url}/?source=upload")
    settle(page)
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "blue.png", "mimeType": "image/png", "buffer": png("blue")})
    expect(page.get_by_alt_text("The photo blue.png")).to_be_visible()
    settle(page)
    chooser.set_input_files(
        {"name": "paper.png", "mimeType": "image/png", "buffer": b"%PDF-1.7 paper"}
    )
    expect(page.get_by_test_id("stAlert")).to_contain_text("PDF")
    expect(page.get_by_alt_text("The photo blue.png")).to_be_visible()
    settle(page)
    shot(page, "refused")
    chooser.set_input_files({"name": "red.png", "mimeType": "image/png", "buffer": png("red")})
    expect(page.get_by_alt_text("The photo red.png")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").nth(1).click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").locator(".named")).to_have_text("red.png")
    page.get_by_test_id("stSidebarNavLink").nth(0).click()
    expect(page.get_by_alt_text("The photo red.png")).to_be_visible()
    page.locator("[data-testid=stSidebar]").get_by_text("Sample", exact=True).click()
    expect(page.locator(".bars .first .label")).to_be_visible()


def test_a_photo_beyond_the_limit_is_refused_in_words_beside_the_uploader(
    page: Page, server: Server, settle: Settle
) -> None:
    page.goto(f"{server.url}/?source=upload&model=new/residual-8")
    settle(page)
    large = {"name": "large.png", "mimeType": "image/png", "buffer": png("red") + bytes(26 << 20)}
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_test_id("stSidebar")).to_contain_text(re.compile("25.{0,4}MB or smaller"))


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 900)])
def test_every_page_fits_both_themes_and_a_narrow_window_and_asks_no_other_machine(
    page: Page,
    server: Server,
    settle: Settle,
    shot: Shot,
    traffic: Traffic,
    scheme: str,
    width: int,
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server.url}/?depth=8&seeds=2")
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(PAGES))
    seen = set()
    for link in links.all():
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(link.inner_text())
        settle(page)
        expect(page.locator(SOMETHING).first).to_be_visible()
        settle(page)
        background = page.evaluate(
            "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
        )
        assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 120) is (scheme == "dark")
        assert max(page.locator(BOARDS).evaluate_all(OVERFLOW), default=0) <= 1, page.url
        name = urlsplit(page.url).path.strip("/") or "overview"
        if name == "gradient_flow":
            box = page.locator(".js-plotly-plot").bounding_box()
            assert box is not None
            assert box["width"] > 450
            assert box["x"] + box["width"] <= width
        shot(page, f"{name}-{scheme}-{width}")
        seen.add(name)
    assert seen == set(PAGES)
    assert traffic.requests
    assert not traffic.foreign()
