"""The choices of a training, on the page and by the address."""

import pytest

from resviz.models.spec import ModelSpec
from resviz.training.runs import reader
from tests.app.test_pages import words
from tests.ui.training.pages import button, page


def test_a_race_of_too_many_says_how_many_and_is_not_cut():
    app = page(racers="plain,residual", depths="8,20,32,56,110", norms="batch,none")
    assert "20 networks are chosen, at most 8" in app.sidebar.warning[0].value
    assert button(app, "Start the race").disabled
    app = page(racers="plain,residual", depths="8,20", norms="batch,none")
    assert "8 runs" in words(app)
    assert not button(app, "Start the race").disabled


@pytest.mark.parametrize(
    "key", ["minibatch", "rate", "schedule", "record", "seed", "norms", "inits"]
)
def test_a_choice_in_the_address_opens_more(key):
    values = {
        "minibatch": "4",
        "rate": "0.2",
        "schedule": "cosine",
        "record": "light",
        "seed": "3",
        "norms": "none",
    }
    opened = {True: page(**{key: values.get(key, "torch")}), False: page(epochs="2")}
    for expected, app in opened.items():
        (more,) = [found for found in app.expander if found.label == "More choices"]
        assert more.proto.expanded is expected


def test_a_choice_changes_what_is_started():
    app = page(racers="residual", depths="8", epochs="2")
    assert "8 layers" in words(app)
    button(app, "Start").click().run()
    (info,) = reader.runs()
    assert info.model == "new/residual-8"
    assert reader.read(info.id).config["config"]["epochs"] == 2


def test_without_a_depth_there_is_nothing_to_start():
    app = page(depths="")
    assert "Choose a family and a depth" in words(app)
    assert button(app, "Start").disabled


def test_a_preset_takes_the_other_choices_back():
    app = page(epochs="2")
    app.selectbox(key="preset").set_value("he2015").run()
    assert app.select_slider(key="epochs").value == 164
    assert app.selectbox(key="data").value == "cifar10"
    assert "4 runs" in words(app)


def test_norms_and_initialisations_make_a_race_by_the_address():
    app = page(
        preset="race", racers="plain", depths="20", norms="batch,none", inits="he,torch", epochs="3"
    )
    assert "4 runs" in words(app)
    button(app, "Start the race").click().run()
    specs = {str(ModelSpec.parse(info.model.removeprefix("new/"))) for info in reader.runs()}
    assert specs == {
        "plain-20",
        "plain-20?norm=none",
        "plain-20?init=torch",
        "plain-20?norm=none&init=torch",
    }
    assert "**Plain-20, no norm, PyTorch init**" in words(app)


def test_other_families_race_too_and_one_without_norm_only_once():
    app = page(racers="fixup,rezero", depths="8", norms="batch,group")
    button(app, "Start the race").click().run()
    names = {info.model for info in reader.runs()}
    assert names == {"new/fixup-8", "new/rezero-8", "new/rezero-8?norm=group"}


@pytest.mark.parametrize(
    "query",
    [
        {"racers": "<b>", "depths": "x,9", "epochs": "-1"},
        {"preset": "x", "data": "y", "curve": "z"},
        {
            "preset": "run/../..",
            "norms": "x,,",
            "inits": "<i>",
            "minibatch": "0",
            "schedule": "never",
        },
    ],
)
def test_nonsense_in_the_address_is_ignored(query):
    assert not page(**query).error
