"""The ladder: which layers it has, and the sizes it tells."""

from resviz.models import zoo
from resviz.probes.receptive_field.effective import INPUTS, effective_receptive_field, noise
from resviz.ui.receptive_field import ladder
from tests.app.test_pages import SMALL


def test_the_steps_are_the_first_convolution_and_the_blocks() -> None:
    assert ladder.steps(SMALL, 32) == ("conv1", "layer1.0", "layer2.0", "layer3.0")


def test_a_network_without_blocks_has_its_windows() -> None:
    steps = ladder.steps("torchvision/alexnet?weights=none", 224)
    assert steps == (
        "features.0", "features.2", "features.3", "features.5", "features.6", "features.8",
        "features.10", "features.12",
    )  # fmt: skip


def test_a_deep_network_has_as_many_rungs_as_fit_from_the_first_step_to_the_last() -> None:
    name = "new/residual-110?width=4"
    steps, rungs = ladder.steps(name, 32), ladder.rungs(name, 32)
    assert len(steps) == 55
    assert len(rungs) == ladder.RUNGS
    assert (rungs[0], rungs[-1]) == (steps[0], steps[-1])


def test_the_effective_sizes_are_those_of_the_probe_on_noise() -> None:
    sizes = ladder.effective_sizes(SMALL, 32, ("conv1", "layer2.0"))
    model = zoo.load(SMALL).model
    for layer, size in sizes.items():
        assert size == effective_receptive_field(model, noise(INPUTS, 32), layer).size
