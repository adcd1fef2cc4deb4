import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.attribution.grad_cam import grad_cam
from resviz.probes.core.prediction import Guess, check_target, predict
from tests.probes.example_nets import Breaks, cifar, left_as_found, picture

LABELS = tuple("abcdefghij")


class Says(nn.Module):
    """Answers every image with the same output."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor) -> object:
        return self.output


def test_scores_are_the_models_and_probabilities_their_softmax():
    model, x = cifar(), picture(32)
    with torch.no_grad():
        scores = model(x)[0].numpy()
    shares = np.exp(scores.astype(float)) / np.exp(scores.astype(float)).sum()
    found = predict(model, x, LABELS)
    np.testing.assert_array_equal(found.scores, scores)
    np.testing.assert_allclose(found.probabilities, shares, rtol=1e-12)
    order = sorted(range(10), key=lambda i: -shares[i])[:5]
    assert [guess.index for guess in found.top] == order
    assert [guess.label for guess in found.top] == [LABELS[i] for i in order]
    assert [guess.probability for guess in found.top] == [found.probabilities[i] for i in order]


def test_scores_of_hundreds_overflow_nothing():
    found = predict(Says(torch.tensor([[900.0, 899.0, -900.0]])), picture(4), LABELS)
    np.testing.assert_allclose(
        found.probabilities, [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0], atol=1e-15
    )


def test_of_equal_scores_the_lower_index_comes_first():
    scores = torch.ones(1, 100)
    scores[0, 90:] = 2
    found = predict(Says(scores), picture(4), LABELS, k=30)
    assert [guess.index for guess in found.top] == [*range(90, 100), *range(20)]


def test_classes_without_a_label_are_numbered_and_spare_labels_do_no_harm():
    says = Says(torch.tensor([[0.0, 3.0, 1.0]]))
    assert [guess.label for guess in predict(says, picture(4), ["cat"]).top] == [
        "class 1",
        "class 2",
        "cat",
    ]
    (best,) = predict(says, picture(4), LABELS, k=1).top
    assert best == Guess("b", best.probability, 1)


def test_prediction_is_made_in_evaluation_mode_and_leaves_the_model_alone():
    model, x = cifar(), picture(32)
    expected = predict(model, x, LABELS).scores
    model.train()
    with left_as_found(model):
        np.testing.assert_array_equal(predict(model, x, LABELS).scores, expected)


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_a_failing_forward_leaves_the_model_alone(error: BaseException):
    model = nn.Sequential(nn.BatchNorm2d(3), Breaks(error)).train()
    with left_as_found(model), pytest.raises(type(error)):
        predict(model, picture(4), LABELS)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            torch.zeros(1, 5, 2, 2),
            "this model gives no class scores for one image: its output is 1 x 5 x 2 x 2",
        ),
        (torch.zeros(2, 5), "its output is 2 x 5, not 1 x classes"),
        (torch.zeros(()), "its output is a single number, not 1 x classes"),
        (torch.zeros(1, 5, dtype=torch.int64), "this model gives no class scores"),
        ({"out": torch.zeros(1, 5)}, "this model is no classifier: it returns a dict"),
        (torch.tensor([[1.0, float("nan")]]), "the class scores are not finite numbers"),
        (torch.tensor([[1.0, float("inf")]]), "the class scores are not finite numbers"),
    ],
)
def test_what_is_no_row_of_class_scores_is_refused(output: object, sentence: str):
    with pytest.raises(ProbeError) as refusal:
        predict(Says(output), picture(4), LABELS)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("target", [-1, 10, 1000])
def test_a_class_out_of_range_names_the_range(target: int):
    with pytest.raises(ProbeError, match=f"there is no class {target}; choose one from 0 to 9"):
        check_target(target, 10)


def test_classes_in_range_pass():
    for target in (0, 9):
        check_target(target, 10)


@pytest.mark.parametrize("score", [-5.0, 0.0, 3.0, 80.0])
def test_a_single_output_is_judged_by_its_sigmoid(score: float):
    answer = predict(Says(torch.tensor([[score]])), picture(4), ["disease"])
    assert answer.activation == "sigmoid"
    assert answer.top[0].probability == pytest.approx(1 / (1 + np.exp(-score)))


def test_each_class_of_a_multi_label_head_is_judged_alone():
    scores = [2.0, -1.0, 0.5]
    answer = predict(Says(torch.tensor([scores])), picture(4), LABELS, activation="sigmoid")
    np.testing.assert_allclose(answer.probabilities, [1 / (1 + np.exp(-s)) for s in scores])
    assert [guess.index for guess in answer.top] == [0, 2, 1]
    assert answer.activation == "sigmoid"


def test_an_unknown_activation_is_refused():
    with pytest.raises(ProbeError, match="there is no activation 'relu'; choose softmax or"):
        predict(Says(torch.zeros(1, 3)), picture(4), LABELS, activation="relu")


def test_grad_cam_says_the_sigmoid_of_a_single_output():
    model = cifar()
    model.fc = torch.nn.Linear(64, 1)
    x = picture(32)
    with torch.no_grad():
        expected = model(x).sigmoid().item()
    assert grad_cam(model, x, "layer3", 0).probability == pytest.approx(expected)


def test_an_untrained_network_whose_signal_overflows_is_not_simply_called_damaged():
    """Without trained statistics each of its 600 blocks adds to the signal until float32 ends."""
    with pytest.raises(ProbeError, match="the signal leaves float32"):
        predict(build(ModelSpec(depth=1202, norm="none")), picture(16), LABELS)
