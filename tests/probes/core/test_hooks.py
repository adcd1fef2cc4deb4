import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.hooks import capture, eval_mode, intercept, observe, once, outputs, resolve
from tests.probes.example_nets import Breaks, Functional, cifar, left_as_found, picture, seeded


def test_captured_outputs_are_those_of_the_submodules_run_by_hand():
    model, x = cifar(), picture(32)
    block = model.layer2[0]
    with torch.no_grad():
        stem = model.relu(model.bn1(model.conv1(x)))
        entering = model.layer1(stem)
        branch = block.bn2(block.conv2(block.relu1(block.bn1(block.conv1(entering)))))
        total = branch + block.downsample(entering)
        scores = model(x)
    by_hand = {
        "relu": stem,
        "layer1": entering,
        "layer2.0.branch": branch,
        "layer2.0.add": total,
        "fc": scores,
    }
    with torch.no_grad(), capture(model, by_hand) as seen:
        model(x)
    assert seen.keys() == by_hand.keys()
    assert all(torch.equal(seen[layer], output) for layer, output in by_hand.items())


def test_a_copy_is_what_the_layer_gave_even_if_the_next_one_works_in_place():
    model, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)), picture(4)
    with torch.no_grad():
        before = model[0](x)
        with capture(model, ["0"]) as copied:
            model(x)
        with capture(model, ["0"], keep=False) as taken:
            model(x)
    assert torch.equal(copied["0"], before)
    assert torch.equal(taken["0"], before.relu())
    assert not torch.equal(before, before.relu())


def test_captured_outputs_have_no_graph():
    model = nn.Sequential(nn.Conv2d(3, 4, 1))
    with capture(model, ["0"]) as copied, capture(model, ["0"], keep=False) as taken:
        assert model(picture(4)).requires_grad
    assert not copied["0"].requires_grad
    assert not taken["0"].requires_grad


def test_a_module_that_runs_twice_keeps_its_last_output_and_counts():
    model, x = seeded(Functional), picture(8)
    with torch.no_grad(), capture(model, ["twice", "head"]) as seen:
        model(x)
    with torch.no_grad():
        second = model.twice(model.twice(model.first(x).relu()).relu())
    assert seen.calls == {"twice": 2, "head": 1}
    assert torch.equal(seen["twice"], second)


def test_layers_that_hand_on_one_tensor_share_one_copy():
    model, x, layers = (
        cifar(),
        picture(32),
        ["layer1", "layer1.0", "layer1.0.relu2", "layer1.0.add"],
    )
    with torch.no_grad(), capture(model, layers) as copied:
        model(x)
    for seen in (copied, outputs(model, x, layers)):
        places = [seen[layer].data_ptr() for layer in layers]
        assert places[0] == places[1] == places[2] != places[3]


def test_layers_without_a_tensor_and_layers_that_do_not_run_are_absent():
    seen = outputs(seeded(Functional), picture(8), ["pair", "unused", "first"])
    assert set(seen) == {"first"}


class Scales(nn.Module):
    """Changes its input in place, and nobody can tell from its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.same = nn.Conv2d(3, 4, 1), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.same(self.conv(x)).mul_(2)


@pytest.mark.parametrize(
    ("net", "layers", "runs"),
    [
        (cifar, ["conv1", "layer1"], 1),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)), ["0", "1"], 1),
        (Scales, ["conv", "same"], 2),
    ],
)
def test_outputs_are_right_whether_the_network_works_in_place_or_not(
    net, layers, runs, monkeypatch
):
    model, x, forwards = net(), picture(32), []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda x: forwards.append(1) or forward(x))
    seen = outputs(model, x, layers)
    assert len(forwards) == runs
    with torch.no_grad():
        assert torch.equal(seen[layers[0]], model.get_submodule(layers[0])(x))
        assert seen.keys() == set(layers)


def test_outputs_are_never_the_callers_tensor():
    x = picture(4)
    seen = outputs(nn.Sequential(nn.Identity()), x, ["0"])
    assert torch.equal(seen["0"], x)
    assert seen["0"].data_ptr() != x.data_ptr()


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("layer1.0.conv9", "this model has no layer 'layer1.0.conv9'; did you mean layer1.0.conv"),
        ("layer4", "did you mean layer"),
        ("", "this model has no layer ''; did you mean conv1, bn1, relu?"),
        ("layer1.0.spec", "did you mean layer1.0"),
        ("zzzzzzzz", "did you mean conv1, bn1, relu?"),
    ],
)
def test_an_unknown_layer_names_the_closest_ones_and_leaves_no_hook(layer: str, sentence: str):
    model = cifar()
    with (
        left_as_found(model),
        pytest.raises(ProbeError) as refusal,
        capture(model, ["conv1", layer]),
    ):
        pass
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_model_without_layers_says_so():
    with pytest.raises(ProbeError, match="this model has no layer 'conv1'; it has no layers"):
        resolve(nn.ReLU(), "conv1")


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_hooks_and_flags_come_back_when_the_forward_fails(error: BaseException):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Breaks(error)).train()
    with left_as_found(model), pytest.raises(type(error)):
        outputs(model, picture(4), ["0", "1"])


def test_evaluation_mode_gives_each_module_its_own_flag_back():
    model = cifar().train()
    model.layer1.eval()
    with left_as_found(model), eval_mode(model):
        assert not any(module.training for module in model.modules())
    assert model.layer2[0].bn1.training
    assert not model.layer1[0].bn1.training


def test_what_an_observer_returns_replaces_the_output():
    model, x = nn.Sequential(nn.Identity(), nn.Identity()), picture(4)
    with observe(model, ["0"], lambda layer, inputs, output: output * 2):
        assert torch.equal(model(x), x * 2)
    with observe(model, ["0"], lambda layer, inputs, output: None):
        assert torch.equal(model(x), x)


def test_an_observer_sees_what_the_layer_received():
    model, x = nn.Sequential(nn.ReLU(), nn.Identity()), picture(4)
    received = {}
    with observe(model, ["1"], lambda layer, inputs, output: received.update({layer: inputs})):
        model(x)
    assert torch.equal(received["1"][0], x.relu())


def test_what_an_interceptor_returns_replaces_the_inputs():
    model, x = nn.Sequential(nn.Identity(), nn.ReLU()), picture(4)
    with intercept(model, ["1"], lambda layer, inputs: (inputs[0] - 1,)):
        assert torch.equal(model(x), (x - 1).relu())
    assert torch.equal(model(x), x.relu())


def test_once_works_out_a_tensor_again_only_after_it_changed():
    runs = []
    total = once(lambda tensor: runs.append(1) or float(tensor.sum()))
    tensor = torch.ones(3)
    assert (total(tensor), total(tensor), len(runs)) == (3.0, 3.0, 1)
    tensor += 1
    assert (total(tensor), len(runs)) == (6.0, 2)
    assert (total(tensor.clone()), len(runs)) == (6.0, 3)


def test_once_does_not_take_a_new_tensor_for_a_dead_one_with_its_address():
    total = once(lambda tensor: float(tensor.sum()))
    assert [total(torch.full((1,), float(i))) for i in range(50)] == [float(i) for i in range(50)]


def test_capturing_works_in_inference_mode():
    model, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)), picture(4)
    with torch.inference_mode():
        with capture(model, ["0", "1"]) as seen:
            model(x)
        scaled = outputs(Scales(), x, ["conv", "same"])
    assert (seen["0"] < 0).any()
    assert torch.equal(seen["1"], seen["0"].relu())
    assert torch.equal(scaled["conv"], scaled["same"])


class Named(nn.Module):
    """Hands its input to a module by name."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(input=x)


def test_inputs_that_are_handed_over_by_name_are_seen_and_replaced_like_others():
    model, x = Named().eval(), torch.ones(1, 3, 2, 2)
    seen: list[Tensor] = []
    with (
        observe(model, ["norm"], lambda _, inputs, _output: seen.append(inputs[0])),
        intercept(model, ["norm"], lambda _, inputs: inputs[0] * 5),
    ):
        output = model(x)
    torch.testing.assert_close(seen[0], 5 * x)
    torch.testing.assert_close(output, model(5 * x))
