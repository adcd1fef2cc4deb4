"""Every visible string passes through the catalogue.

In a made-up language in which ⟦each translation stands so⟧, what is left without brackets is data
(class labels, layers, names of networks), never a word of ours.
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from resviz.models import zoo
from resviz.ui.base import i18n
from resviz.ui.base.bounded_cache import clear_all
from tests.app.test_pages import run

CIFAR = "bundled/resnet20-cifar10"
UNSEEN = {
    "id",
    "form_id",
    "page_script_hash",
    "url",
    "deferred_file_id",
    "element_id",
    "theme",
    "icon",
    "mime",
    "type",
    "format",
    "config",
}
UNSEEN |= {
    "css_content",
    "js_content",
    "html_content",
    "component_name",
    "group_id",
    "mime_type",
    "selection_mode",
}
UNSEEN |= {
    "query_param_key",
    "element_type",
    "language",
    "width",
    "height",
    "raw_value",
    "ids",
    "default",
}
UNSEEN |= {"page", "query", "query_string"}  # where a link leads, and what the address says
TOLD = ("alt", "title", "aria-label", "placeholder")  # attributes that are read out or shown


@pytest.fixture(autouse=True)
def brackets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget results before and after, for Streamlit keeps them across visitors."""
    monkeypatch.setattr(i18n, "languages", lambda: frozenset({"en"}))
    monkeypatch.setattr(
        i18n, "_catalogue", lambda language: lambda text: f"⟦{text}⟧" if text else text
    )
    st.cache_data.clear()
    clear_all()
    yield
    st.cache_data.clear()
    clear_all()


def seen(app: AppTest) -> Iterator[str]:
    """All that a visitor reads or hears, piece by piece."""
    for root in (app.main, app.sidebar):
        for element in root:
            proto = getattr(element, "proto", None)
            if hasattr(proto, "ListFields"):
                yield from _of_message(proto)


def _of_message(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name in UNSEEN:
            continue
        for item in value if field.is_repeated and field.type != field.TYPE_BYTES else [value]:
            if hasattr(item, "ListFields"):
                yield from _of_message(item)
            elif isinstance(item, str):
                yield from _of_json(item) if field.name in ("json", "spec") else _of_html(item)


def _of_json(text: str) -> Iterator[str]:
    found = json.loads(text)
    if isinstance(found, str):
        yield from _of_html(found)
    elif isinstance(found, dict) and "data" in found and "layout" in found:
        yield from _of_chart(found)
    else:
        yield from _strings(found)


def _of_chart(chart: dict[str, Any]) -> Iterator[str]:
    """Titles, names in the legend, notes, and what stands beside the pointer."""
    chart["layout"].pop("template", None)
    for key, value in _leaves(chart):
        if key in (
            "text",
            "name",
            "hovertext",
            "ticktext",
            "legendgroup",
            "hovertemplate",
            "texttemplate",
        ):
            yield from _of_html(re.sub(r"%\{[^}]*\}|<[^>]*>", " ", value))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key)
    elif isinstance(value, str):
        yield key, value


def _strings(value: Any) -> Iterator[str]:
    for key, text in _leaves(value):
        if key not in UNSEEN:
            yield from _of_html(text)


def _of_html(text: str) -> Iterator[str]:
    if not text.startswith("<"):
        yield text
        return
    reader = _Reader()
    reader.feed(text)
    yield from reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.style = tag == "style"
        self.found += [value for name, value in attrs if name in TOLD and value]

    def handle_data(self, data: str) -> None:
        if not self.style:
            self.found.append(data)


# What may stand without brackets: modules, layers, networks by their names, products, and who wrote
# a paper
DATA = re.compile(
    r"""\b(layer|conv|bn|relu|fc|avgpool|maxpool|downsample)[\w.]*
    |([\w.]+\.)?\b(branch|shortcut|add)\b
    |\b(Residual|Plain|Tap|Add|Identity|Sequential|PadShortcut|[A-Z]\w+\dd|ReLU)\b
    |\b(Wide\ )?(ResNet|ResNeXt|VGG|AlexNet|DenseNet|MobileNet|Plain)[-\w]*
    |\b(EfficientNet|ConvNeXt|ViT|Swin)[-\w]*
    |\b(bundled|torchvision|new|run|file)\b(/[\w./?&=-]+)?|imagenette128|cifar10
    |\b(elu|gelu|leaky_relu|silu|tanh)\b|with\ BatchNorm|nats|CIFAR-100?|Fashion-MNIST
    |:(orange|blue)(?=\[)
    """,
    re.VERBOSE,
)
AUTHORS = re.compile(r"[A-Z]\w+( (et al\.|and [A-Z]\w+))? \d{4}, section [\d.]+")

FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)


def bare(text: str, labels: frozenset[str]) -> str:
    """Return what stands outside all brackets and is no data: nothing, if all was translated."""
    depth, outside = 0, ""
    for sign in (
        FORMULA.sub("", AUTHORS.sub("", text)).replace("\N{WORD JOINER}", "").replace("\\", "")
    ):
        depth += (sign == "⟦") - (sign == "⟧")
        outside += sign if not depth and sign != "⟧" else ""
    for label in sorted(labels, key=len, reverse=True):
        outside = outside.replace(label, "")
    return text if re.search(r"[A-Za-z]{3}", DATA.sub("", outside)) else ""


@pytest.fixture(scope="module")
def labels() -> frozenset[str]:
    return frozenset(zoo.load("bundled/resnet18-imagenette").labels + zoo.load(CIFAR).labels)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("overview", {}),
        ("overview", {"model": "bundled/nothing"}),
        ("feature_maps", {}),
        ("attribution", {"method": "saliency"}),
        (
            "receptive_field",
            {"model": CIFAR},
        ),  # small networks: they say the same and take less time
        ("gradient_flow", {"depth": "8"}),
        ("gradient_flow", {"part": "lesions"}),
        ("gradient_flow", {"part": "lesions", "whose": "mine", "model": CIFAR}),
        ("gradient_flow", {"part": "shattered", "layers": "4"}),
        ("batchnorm", {}),
        ("batchnorm", {"aspect": "answers", "batch": "noise"}),
        ("batchnorm", {"aspect": "size", "batch": "noise"}),
        ("batchnorm", {"aspect": "fold", "batch": "photo"}),
        ("batchnorm", {"aspect": "hand", "hand_batch": "x", "hand_gamma": "y"}),
        ("batchnorm", {"aspect": "training"}),
        ("batchnorm", {"model": "new/residual-8?norm=none"}),
        ("training", {}),
    ],
)
def test_every_word_is_translated(page: str, query: dict[str, str], labels: frozenset[str]) -> None:
    app = run(page, **query)
    assert not app.exception
    assert [text for text in seen(app) if bare(text, labels)] == []


@pytest.mark.parametrize("text", ["Layer", "⟦Layer⟧ this", "⟦a ⟦b⟧ c⟧ this", "⟦The photo⟧ Beagle"])
def test_a_word_outside_the_brackets_is_found(text: str, labels: frozenset[str]) -> None:
    assert bare(text, labels) == text


@pytest.mark.parametrize(
    "text",
    ["⟦Layer⟧ layer4.1.conv1", "⟦a ⟦b⟧ c⟧ 12 px", "Residual · 64×32×32", "⟦Right⟧: church"],
)
def test_data_needs_no_translation(text: str, labels: frozenset[str]) -> None:
    assert bare(text, labels) == ""
