"""The part on lesions: the numbers of the probe, for the chosen model and photo."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.lesions import lesioned
from resviz.probes.prediction import predict

APP = str(Path(__file__).parents[2] / "app.py")
CIFAR = "bundled/resnet20-cifar10"


def run(**query: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=240)
    for key, value in {"part": "lesions", **query}.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page("pages/gradient_flow.py").run()


def words(app: AppTest) -> str:
    assert not app.exception
    assert not app.error
    return "\n".join(e.value for kind in (app.caption, app.markdown, app.info) for e in kind)


def test_blocks_taken_out_change_the_answer_as_the_probe_says():
    off = ["layer1.0", "layer2.0", "layer3.0", "layer3.1"]
    loaded = zoo.load(CIFAR)
    x = loaded.preprocess(decode(samples.read(samples.SAMPLES[0].key)).image)[None]
    whole = predict(loaded.model, x, loaded.labels).top[0]
    with lesioned(loaded.model, off):
        left = predict(loaded.model, x, loaded.labels).top[0]
    said = words(run(model=CIFAR, off=",".join(off)))
    assert "4 out." in said
    assert f"**{left.label}**" in said
    assert ("stays" if left.index == whole.index else "changes from") in said
    assert "9 blocks make 2^9 paths" in said


def test_all_blocks_come_back_at_a_click():
    app = run(model="new/residual-8?width=4", off="layer1.0,nonsense,layer2.0")
    assert "2 out." in words(app)
    next(button for button in app.button if button.label == "Put all back").click().run()
    assert "0 out." in words(app)
    assert "Its answer stays" in words(app)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("new/plain-14?width=4", "one path only"),
        ("new/residual-374?width=1", "at most 60 blocks"),
        ("torchvision/alexnet?weights=none", "resviz's own networks only"),
    ],
)
def test_what_cannot_be_shown_says_why(model, says):
    assert says in words(run(model=model))
