"""Each page in each of its states, without a browser: its text, numbers and refusals."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.probes.core.prediction import predict
from resviz.ui.services import photo_results
from resviz.ui.services.subject import Subject

APP = str(Path(__file__).parents[2] / "app.py")
FIRST = samples.read(samples.SAMPLES[0].key)
MODEL = "bundled/resnet18-imagenette"
SMALL = "new/residual-8?width=4"


def run(page: str = "overview", **query: str) -> AppTest:
    """The page as a visitor of this address finds it, who has not been on another page before."""
    app = AppTest.from_file(APP, default_timeout=240)
    for key, value in query.items():
        app.query_params[key] = value
    return (app if page == "overview" else app.switch_page(f"pages/{page}.py")).run()


def words(app: AppTest) -> str:
    """All captions, markdown and headings."""
    return "\n".join(
        e.value for kind in (app.title, app.caption, app.markdown, app.header) for e in kind
    )


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("overview", "Grad-CAM at layer4.1"),
        ("feature_maps", "**Channel 0**"),
        ("attribution", "map of 4×4 cells"),
    ],
)
def test_first_visit_shows_something_without_any_choice(page: str, says: str) -> None:
    app = run(page)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="model").value == MODEL
    assert says in words(app)


def test_overview_names_the_class_that_the_probe_names() -> None:
    loaded = zoo.load(MODEL)
    shown = decode(samples.read(samples.SAMPLES[0].key))
    top = predict(loaded.model, loaded.preprocess(shown.image)[None], loaded.labels).top[0]
    assert f"**{top.label}**" in words(run())


@pytest.mark.parametrize("page", ["overview", "feature_maps", "attribution"])
@pytest.mark.parametrize("model", [SMALL, "new/plain-8?width=4&norm=none"])
def test_a_typed_model_works_on_every_page(page: str, model: str) -> None:
    app = run(page, model=model)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="model").value == model


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("bundled/nothing", "nothing"),
        ("new/residual-9", "6n + 2"),
        ("file//etc/passwd", "put the file there"),
        ("torchvision/resnet999", "resnet999"),
    ],
)
def test_an_unknown_model_is_one_sentence_and_the_picker_stays(model: str, says: str) -> None:
    app = run(model=model)
    assert not app.exception
    assert len(app.error) == 1
    assert says in app.error[0].value
    app.selectbox(key="model").set_value("new/residual-20").run()
    assert not app.error


def test_a_layer_chosen_on_one_page_is_kept_on_the_next() -> None:
    app = run("feature_maps", model=SMALL)
    app.selectbox(key="layer").set_value("layer2.0").run()
    app.switch_page("pages/attribution.py").run()
    assert app.selectbox(key="layer").value == "layer2.0"


def test_a_layer_that_the_new_model_lacks_falls_back_to_the_page_s_default() -> None:
    app = run("feature_maps", model=SMALL, layer="layer4.1")
    assert not app.error
    assert app.selectbox(key="layer").value == "layer1.0"


def test_address_names_page_model_layer_order_and_class() -> None:
    app = run(
        "feature_maps", model=SMALL, layer="layer3.0", order="relevance", target="2", shared="True"
    )
    assert app.selectbox(key="layer").value == "layer3.0"
    assert app.selectbox(key="target").value == 2
    assert app.toggle(key="shared").value is True


def test_nonsense_in_the_address_is_ignored() -> None:
    app = run(
        "attribution",
        model=SMALL,
        layer="<script>",
        target="99999",
        method="magic",
        sample="../../etc",
    )
    assert not app.exception
    assert not app.error


def test_residual_block_shows_its_sum_and_a_plain_one_says_that_there_is_none() -> None:
    assert "Inside layer1.0: shortcut plus branch" in words(run("feature_maps", model=SMALL))
    plain = run("feature_maps", model="new/plain-8?width=4")
    assert "Inside" not in words(plain)
    assert "layer1.0" in words(plain)
    assert not plain.error


@pytest.mark.parametrize(
    "method", ["saliency", "integrated-gradients", "guided-grad-cam", "occlusion"]
)
def test_every_method_gives_two_maps_to_download(method: str) -> None:
    app = run("attribution", model=SMALL, method=method, target="1", other="3")
    assert not app.exception
    assert not app.error
    assert "**class 1**" in words(app)
    assert "**class 3**" in words(app)
    assert len(app.get("download_button")) == 4


def png(size: tuple[int, int] = (40, 30), colour: str = "white") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def test_a_hostile_name_in_the_address_is_shown_as_text() -> None:
    app = run(model="foo/![a](http://picture.example/a.png)")
    assert r"!\[a\](http" in app.error[0].value.replace(r"\!", "!").replace(r"\:", ":")


def test_a_language_without_a_catalogue_is_english_and_names_no_path() -> None:
    app = run(model=SMALL, lang="../../../tmp")
    assert not app.exception
    assert app.title[0].value == "Overview"


def test_an_untrained_network_says_that_its_answer_means_nothing() -> None:
    assert "untrained" in words(run(model=SMALL))
    assert "untrained" not in words(run())


def test_six_hundred_blocks_are_sampled_and_the_caption_says_so() -> None:
    assert "24 of 30 blocks" in words(run(model="new/residual-62?width=2"))


def test_a_chosen_channel_brings_its_page_of_the_grid() -> None:
    assert "**Channel 200**" in words(run("feature_maps", layer="layer4.1", channel="200"))


def test_another_model_forgets_layer_and_class() -> None:
    app = run("feature_maps", model=SMALL, layer="layer2.0")
    app.selectbox(key="model").set_value("new/residual-20").run()
    assert app.selectbox(key="layer").value == "layer1.0"


def test_weights_written_over_are_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path))
    path = tmp_path / "models" / "net.safetensors"
    path.parent.mkdir(parents=True)
    for seed in (1, 2):
        spec = ModelSpec(depth=8, width=4, seed=seed)
        checkpoints.save(path, build(spec), {"spec": spec.as_dict()})
        app = run(model=f"file/{path.name}")
        assert not app.exception
        subject = Subject(f"file/{path.name}", decode(FIRST))
        probabilities = photo_results.prediction(subject).probabilities
        loaded = zoo.load(f"file/{path}")
        expected = predict(
            loaded.model, loaded.preprocess(decode(FIRST).image)[None], loaded.labels
        ).probabilities
        np.testing.assert_allclose(probabilities, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("page", "query", "cursors"),
    [
        ("feature_maps", {}, 1),
        ("attribution", {}, 2),
        ("attribution", {"method": "saliency"}, 0),  # a map of pixels has no cells
    ],
)
def test_cells_of_maps_carry_the_cursor(page: str, query: dict[str, str], cursors: int) -> None:
    app = run(page, model=SMALL, **query)
    assert not app.exception
    assert (
        sum("-cursor-" in component.proto.id for component in app.get("bidi_component")) == cursors
    )


@pytest.mark.parametrize(
    ("page", "count"), [("overview", 2), ("feature_maps", 3), ("attribution", 4)]
)
def test_downloads_show_what_they_are(page: str, count: int) -> None:
    icons = [button.proto.icon for button in run(page, model=SMALL).get("download_button")]
    assert icons == [":material/download:"] * count


def test_a_map_that_is_zero_everywhere_has_no_frame_and_says_so() -> None:
    flat = (
        "torchvision/vit_b_16?weights=none"  # its last layer is all zeros: no class has a gradient
    )
    overview = run(model=flat)
    assert not overview.error
    assert (
        "The blocks of this network give no maps. The file has the mean over the channels of 1 of "
        "1 other layers." in words(overview)
    )
    app = run("attribution", model=flat)
    assert not app.error
    for shown in (overview, app):
        assert all(info.value.startswith("The map is zero everywhere") for info in shown.info)
    assert (len(overview.info), len(app.info)) == (1, 2)
    assert not any("-cursor-" in component.proto.id for component in app.get("bidi_component"))


def test_a_channel_that_is_zero_everywhere_has_no_peak_and_no_frame() -> None:
    shown = decode(FIRST)
    dead = photo_results.activation(Subject(MODEL, shown), "layer4.1").dead[0]
    app = run("feature_maps", layer="layer4.1", channel=str(dead))
    assert f"**Channel {dead}** · 0 at every place" in words(app)
    assert not any("-cursor-" in component.proto.id for component in app.get("bidi_component"))
