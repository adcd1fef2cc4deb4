"""What is printed: tables and lines for people, progress on a terminal only."""

import re

from tests.training.squares import MODEL

NET = "new/residual-8?width=4"


def test_the_text_of_receptive_field_is_a_table(read):
    lines = read("receptive-field", "--model", NET).splitlines()
    usual = ["name", "size", "stride", "start", "aligned", "whole_image", "smallest", "largest"]
    assert [line.split() for line in lines if line.startswith(("name ", "conv1 ", "avgpool "))] == [
        [*usual, "through", "local_size", "local_start"],
        ["conv1", "3", "1", "-1", "yes", "no", "3", "3", "-", "-", "-"],
        ["avgpool", "32", "32", "0", "yes", "yes", "32", "32", "map", "53", "-12"],
    ]


def test_the_text_of_features_and_attribute_has_no_brackets(read, photo, tmp_path):
    text = read("features", photo, "--model", NET, "--layer", "conv1", "--out", str(tmp_path))
    assert "shape: 4×32×32\n" in text
    assert "dead_channels: -\n" in text
    assert f"files: {tmp_path}/conv1.npy, {tmp_path}/conv1.png\n" in text
    text = read(
        "attribute",
        photo,
        "--model",
        NET,
        "--method",
        "saliency",
        "--target",
        "1",
        "--out",
        str(tmp_path),
    )
    assert "layer: -\n" in text
    assert "shape: 32×32\n" in text
    assert not set("[]{}()'") & set(text)


def test_the_text_of_evaluate_and_train_indents_what_belongs_together(read, home, squares):
    text = read("train", "--model", MODEL, "--dataset", squares, "--epochs", "1", "--side", "8")
    assert "metrics:\n  epoch: 0\n" in text
    assert re.search(
        r"  test:\n    loss: \d[\d.]*\n    accuracy: \d[\d.]*\n    by_class:\n      green: \d", text
    )
    (run,) = (home / "runs").iterdir()
    text = read("evaluate", "--model", f"run/{run.name}", "--dataset", squares)
    assert re.search(
        r"images: 6\naccuracy: \d[\d.]*\nloss: \d[\d.]*\nby_class:\n  green: \d[\d.]*\n  red: \d",
        text,
    )
