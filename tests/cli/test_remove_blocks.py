"""`remove-blocks` and `paths`: the numbers are the probes'."""

import pytest

from resviz import cli
from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.probes.core.prediction import predict
from resviz.probes.gradient_flow.lesions import answers, each_block, lesioned
from resviz.probes.gradient_flow.paths import paths

DIGITS = "bundled/plain20-digits"
SMALL = "new/residual-8?width=4"


def test_what_is_left_is_counted_on_the_models_own_data(ask):
    found = ask("remove-blocks", "--model", DIGITS, "--block", "layer1.1", "--each")
    loaded = zoo.load(DIGITS)
    test = datasets.load("digits", 8, few=200).test
    x = loaded.normalise(test.images)
    whole, left = (answers(loaded.model, x, test.targets, out) for out in ([], ["layer1.1"]))
    assert (found["dataset"], found["images"]) == ("digits", 200)
    assert (found["accuracy_before"], found["accuracy_after"]) == (whole.accuracy, left.accuracy)
    assert (found["loss_before"], found["loss_after"]) == pytest.approx((whole.loss, left.loss))
    single = each_block(loaded.model, x, test.targets)
    assert [row["block out"] for row in found["each"]] == list(single.blocks)
    assert [row["accuracy"] for row in found["each"]] == single.accuracy.tolist()


def test_two_blocks_change_places(ask):
    pair = ("layer1.0", "layer1.1")
    found = ask("remove-blocks", "--model", DIGITS, "--swap", *pair, "--sample", "50")
    loaded = zoo.load(DIGITS)
    test = datasets.load("digits", 8, few=50).test
    left = answers(loaded.model, loaded.normalise(test.images), test.targets, swapped=pair)
    assert found["swapped"] == list(pair)
    assert found["accuracy_after"] == left.accuracy


def test_a_photo_gets_an_answer_before_and_after(ask, photo):
    found = ask("remove-blocks", photo, "--model", SMALL, "--block", "layer2.0")
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read("dog")).image)[None]
    before = predict(loaded.model, x, loaded.labels)
    with lesioned(loaded.model, ["layer2.0"]):
        after = predict(loaded.model, x, loaded.labels)
    for name, prediction in (("before", before), ("after", after)):
        expected = [guess.probability for guess in prediction.top]
        assert [guess["probability"] for guess in found[name]] == pytest.approx(expected)
    assert "dataset" not in found


def test_paths_are_the_probes(ask, photo):
    found = ask("paths", photo, "--model", SMALL, "--target", "3", "--samples", "4", "--seed", "1")
    loaded = zoo.load(SMALL)
    x = loaded.preprocess(decode(samples.read("dog")).image)[None]
    expected = paths(loaded.model, x, 3, samples=4, seed=1)
    assert found["blocks"] == 3
    assert [row["length"] for row in found["lengths"]] == [0, 1, 2, 3]
    shares = [row["share of gradient"] for row in found["lengths"]]
    assert shares == pytest.approx(expected.contribution.tolist())
    ends = (found["shortest_of_95_percent"], found["longest_of_95_percent"])
    assert ends == expected.most


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", SMALL], "name an IMAGE or a --dataset"),
        (["--model", DIGITS, "--block", "layer2.0"], "cannot do without it"),
        (["--model", DIGITS, "--block", "conv1"], "no block"),
        (["--model", DIGITS, "--swap", "layer1.0", "layer2.1"], "different shapes"),
        (["--model", DIGITS, "--sample", "0"], "from 1 to 10000"),
    ],
)
def test_what_cannot_be_done_is_one_line(capsys, arguments, says):
    assert cli.main(["remove-blocks", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("resviz: ")
    assert err.count("\n") == 1
    assert says in err


def test_a_plain_network_has_no_paths(capsys, photo):
    assert cli.main(["paths", photo, "--model", "new/plain-8?width=4"]) == 2
    assert "one path only" in capsys.readouterr().err
