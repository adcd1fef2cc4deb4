"""`gradients` on the command line: the contract's fields, and the numbers of the probe."""

import pytest

from resviz import cli
from resviz.probes.gradient_flow.over_seeds import Batch, Profile, measure
from resviz.probes.gradient_flow.shattering import shattering

NETS = ("new/plain-8?width=4", "new/residual-8?width=4")


def ask_for_text(capsys, *arguments: str) -> str:
    assert cli.main(["gradients", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_several_models_over_seeds_give_the_probes_numbers(ask):
    models = [part for name in NETS for part in ("--model", name)]
    found = ask("gradients", *models, "--seeds", "2", "--batch", "4")
    assert found["batch"] == "4 images of noise"
    assert [record["model"] for record in found["models"]] == list(NETS)
    for record in found["models"]:
        expected = Profile(
            record["model"], tuple(measure(record["model"], s, Batch(size=4)) for s in (0, 1))
        )
        assert record["layers"] == list(expected.layers)
        assert record["norms_mean"] == pytest.approx(expected.mean("weight_gradient"))
        assert record["norms_std"] == pytest.approx(expected.std("weight_gradient"))
        assert record["ratio_first_last"] == pytest.approx(
            record["norms_mean"][0] / record["norms_mean"][-2]
        )
        assert record["verdict"] == "level"
    plain, residual = found["models"]
    assert plain["gradient_share_shortcut"] == []
    assert len(residual["gradient_share_shortcut"]) == len(residual["residual_blocks"]) == 3


def test_without_json_a_line_for_each_model_and_layer(capsys):
    lines = ask_for_text(capsys, "--model", NETS[0], "--seeds", "1", "--batch", "4").splitlines()
    assert lines[3].split()[0] == NETS[0]
    assert [line.split()[0] for line in lines[5:]] == [
        "conv1",
        *(f"layer{s}.0.conv{c}" for s in (1, 2, 3) for c in (1, 2)),
        "fc",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "new/plain-9"], "6n + 2"),
        (["--model", NETS[0], "--seeds", "0"], "from 1 to 1000"),
        (["--model", NETS[0], "--images", "movies"], "movies"),
    ],
)
def test_a_mistake_is_one_line(capsys, arguments, says):
    assert cli.main(["gradients", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("resviz: ")
    assert err.count("\n") == 1
    assert says in err


def test_a_silent_start_is_told_and_no_ratio_is_made_of_it(ask):
    found = ask("gradients", "--model", "new/rezero-8?width=4", "--seeds", "1", "--batch", "4")
    (record,) = found["models"]
    assert record["verdict"] == "undefined"
    assert record["ratio_first_last"] is None
    assert len(record["layers_without_gradient"]) == 6
    assert record["why_without_gradient"] == "branches"


def test_shattering_gives_the_probes_correlations(ask):
    found = ask("shattering", "--layers", "6", "--beta", "0.3", "--seeds", "2")
    for kind in ("plain", "residual"):
        expected = shattering(kind, 6, 2, 0.3).mean
        assert found["neighbours"][kind] == pytest.approx(expected[1])
        assert [row[kind] for row in found["autocorrelation"]] == pytest.approx(expected.tolist())
    assert found["neighbours"]["brown"] > 0.9 > found["neighbours"]["white"]


@pytest.mark.parametrize("beta", ["-1", "nan", "much"])
def test_a_weight_that_is_none_is_one_line(capsys, beta):
    assert cli.main(["shattering", "--beta", beta]) == 2
    assert "from 0 to 10" in capsys.readouterr().err
