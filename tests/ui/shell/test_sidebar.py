"""The sidebar: the model's card, where it runs, and the way out of a model that cannot be had."""

from resviz.models import zoo
from resviz.ui.shell import sidebar
from tests.app.test_pages import MODEL, SMALL, run


def captions(model: str) -> str:
    return "\n".join(caption.value for caption in run(model=model).sidebar.caption)


def test_the_card_of_a_bundled_model_tells_its_accuracy_and_data() -> None:
    card = zoo.load(MODEL).card
    text = captions(MODEL)
    assert f"{card['accuracy']:.1%}" in text
    assert f"{card['images']['train']:,} images of {card['dataset']['name']}" in text


def test_a_network_without_a_record_says_so_and_where_it_runs() -> None:
    text = captions(SMALL)
    assert "10 classes. No record of its training." in text
    assert "Runs on" in text


def test_a_name_that_was_meant_is_a_button() -> None:
    app = run(model="bundled/resnet18-imagenete")
    (refusal,) = app.error
    assert "did you mean" in refusal.value
    (use,) = [button for button in app.button if button.label == f"Use {MODEL}"]
    use.click().run()
    assert not app.error
    assert app.selectbox(key="model").value == MODEL


def test_a_model_that_cannot_be_had_leaves_a_button_to_one_that_can() -> None:
    app = run(model="bundled/nothing")
    assert len(app.error) == 1
    app.button[-1].click().run()
    assert not app.error
    assert app.selectbox(key="model").value == MODEL


def test_files_that_were_no_pictures_are_counted_and_three_of_them_named():
    entries = [{"file": f"cat/{i}.svg", "reason": "drawing"} for i in range(20)]
    sentence = sidebar._left_out({"skipped": 31, "left_out": entries})
    assert sentence.startswith(
        "31 files of the dataset were left out, such as cat/0.svg, cat/1.svg"
    )
    assert "cat/3.svg" not in sentence
    assert sidebar._left_out({"skipped": 0}) == ""
    assert sidebar._left_out({"skipped": 3, "left_out": "nonsense"}) == ""
