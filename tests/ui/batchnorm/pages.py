"""The page on BatchNorm as a visitor finds it, without a browser."""

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from resviz import cli
from resviz.training.runs import reader
from tests.app.test_pages import SMALL, run
from tests.training.squares import folder


def page(**query: str) -> AppTest:
    app = run("batchnorm", **{"model": SMALL, **query})
    assert not app.exception
    return app


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def drawn(app: AppTest) -> list[dict[str, Any]]:
    """The plotly charts of the page."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def trained(home: Path, *models: str, batch: int = 8) -> list[str]:
    """Ids of finished runs of these networks on squares."""
    data = folder(home / "squares")
    for model in models:
        request = f"train --model {model} --dataset {data} --epochs 3 --side 8"
        options = f"--record full --batch-size {batch} --threads 1"
        assert cli.main([*request.split(), *options.split()]) == 0
    return [info.id for info in reader.runs()]
