"""A run's menu: its settings in words, and the same once more with one thing changed."""

from resviz.training.runs import reader
from tests.ui.training.pages import button, menu, page


def test_a_run_can_be_repeated_with_one_thing_changed(finished):
    app = page(runs=finished)
    opened = menu(app)
    button(app, "Run again with …").click().run()
    assert app.session_state["view"]["preset"] == f"run/{finished}"
    assert menu(app) != opened, "it is another one, which is closed"
    assert app.select_slider(key="rate").value == 0.1
    app.select_slider(key="epochs").set_value(5).run()
    button(app, "Start").click().run()
    assert not app.exception
    assert app.session_state["view"]["runs"].split(",") == [finished, reader.runs()[0].id], (
        "side by side"
    )
    again, before = (reader.read(info.id).config["request"] for info in reader.runs())
    assert again["config"].pop("epochs") == 5
    assert before["config"].pop("epochs") == 3
    assert (again["model"], again["dataset"], again["config"]) == (
        before["model"],
        before["dataset"],
        before["config"],
    )


def test_a_run_s_settings_are_told_in_words(finished):
    table = next(m.value for m in page(runs=finished).markdown if m.value.startswith("| network"))
    rows = dict(line.strip("| ").split(" | ") for line in table.splitlines() if "---" not in line)
    assert rows["network"] == "Residual-8, width 4"
    assert (rows["epochs"], rows["batch"], rows["rate"], rows["seed"]) == ("3", "8", "0.1", "0")
    assert rows["recorded"] == "light"
