"""The page on gradient flow as a visitor of an address finds it, and its text."""

from streamlit.testing.v1 import AppTest

from tests.app.test_pages import run as visit


def run(**query: str) -> AppTest:
    return visit("gradient_flow", **{"depth": "8", "seeds": "2", **query})


def text(app: AppTest) -> str:
    """All captions, markdown and notes of a page without an error."""
    assert not app.exception
    assert not app.error
    return "\n".join(e.value for kind in (app.caption, app.markdown, app.info) for e in kind)


def board(app: AppTest, key: str) -> str:
    """What the clickable picture of that key draws."""
    return next(
        e.proto.json for e in app.main if key in getattr(getattr(e, "proto", None), "id", "")
    )


def alts(app: AppTest) -> list[str]:
    """What the charts say to those who cannot see them."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]
