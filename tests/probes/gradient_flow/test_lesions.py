"""A network without a block is the network that never had it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.models.spec import FAMILIES
from resviz.probes.gradient_flow.lesions import answers, each_block, lesioned, removable, swappable
from tests.probes.example_nets import cifar, left_as_found, picture

X = picture(16, batch=4)


def shorter(model, *left_out):
    """The network by hand without some blocks that keep the shape."""
    h = model.relu(model.bn1(model.conv1(X)))
    for name in (f"layer{s}.{b}" for s in (1, 2, 3) for b in range(2)):
        h = h if name in left_out else model.get_submodule(name)(h)
    return model.fc(h.mean((2, 3)))


@pytest.mark.parametrize("family", ["plain", "residual"])
def test_without_blocks_the_network_is_the_shorter_one(family):
    model = cifar(14, width=4, family=family)
    with torch.no_grad(), left_as_found(model):
        with lesioned(model, ["layer1.1", "layer3.1"]):
            found = model(X)
        torch.testing.assert_close(found, shorter(model, "layer1.1", "layer3.1"))
        torch.testing.assert_close(model(X), shorter(model))
        assert not torch.allclose(found, shorter(model))


def test_a_block_that_changes_the_shape_leaves_its_shortcut():
    model = cifar(8, width=4, shortcut="B")
    with torch.no_grad():
        h = model.layer1(model.relu(model.bn1(model.conv1(X))))
        expected = F.relu(model.layer2[0].downsample(h))
        with lesioned(model, ["layer2.0"]):
            torch.testing.assert_close(model.layer2(h), expected)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"plain"}))
def test_every_residual_family_can_do_without_every_block(family):
    model = cifar(8, width=4, family=family)
    with torch.no_grad(), lesioned(model, list(removable(model))):
        assert model(X).isfinite().all()


def test_two_blocks_swapped_run_in_each_others_place():
    model = cifar(14, width=4)
    with torch.no_grad(), left_as_found(model):
        with lesioned(model, swapped=("layer1.0", "layer1.1")):
            found = model(X)
        h = model.relu(model.bn1(model.conv1(X)))
        h = model.layer3(model.layer2(model.layer1[0](model.layer1[1](h))))
        torch.testing.assert_close(found, model.fc(h.mean((2, 3))))


@pytest.mark.parametrize(
    ("family", "what", "says"),
    [
        ("plain", {"removed": ["layer2.0"]}, "changes the shape and has no shortcut"),
        ("residual", {"removed": ["conv1"]}, "no block"),
        ("residual", {"removed": ["layer9"]}, "no layer 'layer9'"),
        ("residual", {"swapped": ("layer1.0", "layer2.1")}, "different shapes"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_the_model(family, what, says):
    model = cifar(14, width=4, family=family)
    with left_as_found(model), pytest.raises(ProbeError, match=says), lesioned(model, **what):
        pass


def test_an_error_inside_brings_the_blocks_back():
    model = cifar(8, width=4)
    with left_as_found(model), pytest.raises(KeyError), lesioned(model, ["layer1.0"]):
        raise KeyError


def test_each_block_alone_gives_loss_hits_and_answers_by_hand():
    model, targets, told = cifar(14, width=4), torch.tensor([1, 2, 3, 4]), []
    with left_as_found(model):
        found = each_block(model, X, targets, told.append)
    with torch.no_grad():
        whole = model(X)
        with lesioned(model, ["layer2.1"]):
            scores = model(X)
    at = found.blocks.index("layer2.1")
    assert found.loss[at] == pytest.approx(F.cross_entropy(scores, targets).item(), rel=1e-5)
    assert found.accuracy[at] == (scores.argmax(1) == targets).float().mean()
    assert found.same[at] == (scores.argmax(1) == whole.argmax(1)).float().mean()
    assert found.whole_loss == pytest.approx(F.cross_entropy(whole, targets).item(), rel=1e-5)
    assert told[-1] == 1
    assert cifar(14, family="plain").get_submodule("layer2.0")  # which cannot be removed
    assert "layer2.0" not in each_block(cifar(14, width=4, family="plain"), X, targets).blocks


def test_a_trained_residual_network_keeps_most_of_its_answers_without_a_single_block():
    """Veit et al. 2016, section 4.1: deleting one block barely hurts.

    First blocks of a stage hurt most.
    """
    loaded = zoo.load("bundled/resnet18-imagenette")
    photos = [decode(samples.read(s.key)).image for s in samples.SAMPLES]
    x = torch.stack([loaded.preprocess(photo) for photo in photos])
    found = each_block(loaded.model, x, torch.zeros(len(x), dtype=torch.long))
    inner = [i for i, name in enumerate(found.blocks) if not name.endswith(".0")]
    assert np.median(found.same[inner]) >= 0.7
    assert len(found.blocks) == 8


def test_answers_of_what_is_left_are_those_of_the_shorter_network():
    model, targets = cifar(14, width=4).eval(), torch.tensor([0, 1, 2, 3])
    with torch.no_grad(), left_as_found(model):
        scores = shorter(model, "layer1.1", "layer3.1")
        found = answers(model, X, targets, ["layer1.1", "layer3.1"])
    np.testing.assert_array_equal(found.classes, scores.argmax(1).numpy())
    assert found.loss == pytest.approx(float(F.cross_entropy(scores, targets)), rel=1e-6)
    assert found.accuracy == float((scores.argmax(1) == targets).float().mean())


def test_blocks_of_one_stage_can_be_swapped_and_no_others():
    model = cifar(20, width=4)
    found = swappable(model)
    assert found == (
        ("layer1.0", "layer1.1"),
        ("layer1.0", "layer1.2"),
        ("layer1.1", "layer1.2"),
        ("layer2.1", "layer2.2"),
        ("layer3.1", "layer3.2"),
    )
    for pair in found:
        with lesioned(model, swapped=pair):
            assert model(X).shape == (4, 10)


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits", 8, test_only=True).test


def test_trained_without_a_block_residual_networks_go_on_and_plain_ones_are_lost(digits):
    """Veit et al. 2016, section 4.1, on our bundled pair.

    Both make no mistake on their training images.
    """
    hits = {}
    for name in ("resnet20-digits", "plain20-digits"):
        loaded = zoo.load(f"bundled/{name}")
        mean, std = (
            torch.tensor(values)[:, None, None]
            for values in (loaded.preprocess.mean, loaded.preprocess.std)
        )
        found = each_block(loaded.model, (digits.images / 255 - mean) / std, digits.targets)
        assert found.whole_accuracy > 0.94
        hits[loaded.spec.family] = dict(zip(found.blocks, found.accuracy, strict=True))
    assert np.median(list(hits["residual"].values())) > 0.94
    assert max(hits["plain"].values()) < 0.3
    assert all(hits["residual"][block] > hits["plain"][block] + 0.3 for block in hits["plain"])
