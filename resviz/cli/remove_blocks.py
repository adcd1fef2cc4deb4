"""What a network still knows without some of its blocks, and which paths carry its gradient."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, counter, progress
from resviz.cli.parsing import (
    add,
    load,
    subject,
    whole,
    with_dataset,
    with_image,
    with_model,
    with_sample,
    with_seed,
    with_target,
)
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.core.prediction import Prediction

SAMPLE = 200  # test images that accuracy is counted on
MAX_SAMPLES = 1000


def remove_blocks(options: argparse.Namespace) -> Result:
    """Take blocks out of a network, or swap two, and tell what it still knows."""
    from resviz.probes.gradient_flow.lesions import each_block

    loaded = load(options.model)
    removed, swapped = options.block or [], tuple(options.swap) if options.swap else None
    result: Result = {"model": loaded.name, "removed": removed, "swapped": swapped}
    if options.image:
        result |= _answers_to_photo(options.image, loaded, removed, swapped)
    dataset = options.dataset or (None if options.image and not options.each else _own(loaded))
    if dataset is None:
        return result
    x, targets = _test_images(dataset, loaded, options.sample)
    result |= {"dataset": dataset, "images": len(targets)}
    result |= _scores(loaded, x, targets, removed, swapped)
    if options.each:
        single = each_block(loaded.model, x, targets, counter("single blocks"))
        result["each"] = single.table().records()
    return result


def _answers_to_photo(
    path: str, loaded: "LoadedModel", removed: list[str], swapped: tuple[str, str] | None
) -> Result:
    """The likeliest classes of a picture with all blocks and with what is left."""
    from resviz.data.images import open_file
    from resviz.device import best
    from resviz.probes.core.prediction import predict
    from resviz.probes.gradient_flow.lesions import lesioned

    x = loaded.preprocess(open_file(Path(path)).image)[None].to(best().type)
    before = predict(loaded.model, x, loaded.labels)
    with lesioned(loaded.model, removed, swapped):
        after = predict(loaded.model, x, loaded.labels)
    return {"before": _guesses(before), "after": _guesses(after)}


def _guesses(prediction: "Prediction") -> list[Result]:
    return [
        {"label": guess.label, "probability": guess.probability, "index": guess.index}
        for guess in prediction.top
    ]


def _own(loaded: "LoadedModel") -> str:
    """The dataset that the model was trained on; raises `ResvizError` where it names none."""
    dataset = loaded.card.get("dataset")
    if not isinstance(dataset, dict) or "name" not in dataset:
        raise ResvizError(
            "{model} does not say what it was trained on: name an IMAGE or a --dataset.",
            model=loaded.name,
        )
    return str(dataset["name"])


def _test_images(dataset: str, loaded: "LoadedModel", count: int) -> "tuple[Tensor, Tensor]":
    """So many test images as the network receives them, and their classes."""
    from resviz.data import datasets
    from resviz.device import best

    view, side = loaded.preprocess.view, loaded.input_size
    split = datasets.load(dataset, side, progress, view, few=count).test
    device = best().type
    return loaded.normalise(split.images).to(device), split.targets.to(device)


def _scores(
    loaded: "LoadedModel",
    x: "Tensor",
    targets: "Tensor",
    removed: list[str],
    swapped: tuple[str, str] | None,
) -> Result:
    from resviz.probes.gradient_flow.lesions import answers

    whole = answers(loaded.model, x, targets)
    left = answers(loaded.model, x, targets, removed, swapped)
    return {
        "accuracy_before": whole.accuracy,
        "accuracy_after": left.accuracy,
        "loss_before": whole.loss,
        "loss_after": left.loss,
        "same_answers": float((whole.classes == left.classes).mean()),
    }


def paths(options: argparse.Namespace) -> Result:
    """Tell how many paths of each length a residual network has, and which carry its gradient."""
    from resviz.probes.core.prediction import predict
    from resviz.probes.gradient_flow.paths import paths as probe

    loaded, _picture, x = subject(options)
    target = options.target
    if target is None:
        target = predict(loaded.model, x, loaded.labels).top[0].index
    sampled = probe(loaded.model, x, target, options.samples, options.seed)
    low, high = sampled.most
    return {
        "model": loaded.name,
        "target": target,
        "blocks": len(sampled.blocks),
        "samples": sampled.samples,
        "shortest_of_95_percent": low,
        "longest_of_95_percent": high,
        "lengths": sampled.table().records(),
    }


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    _add_remove_blocks(commands)
    _add_paths(commands)


def _add_remove_blocks(commands: Any) -> None:
    command = with_model(add(commands, remove_blocks))
    with_image(command, nargs="?", help="a picture file to answer")
    out = "a block to take out; may be given again"
    command.add_argument("--block", action="append", metavar="B", help=out)
    swap = "two blocks of one stage that change places"
    command.add_argument("--swap", nargs=2, metavar=("A", "B"), help=swap)
    own = "test images to count on (default: the data that the model was trained on)"
    with_dataset(command, required=False, help=own)
    count = "how many of them (default: %(default)s)"
    with_sample(command, type=whole(1, 10000), default=SAMPLE, help=count)
    each = "measure each block alone, too"
    command.add_argument("--each", action="store_true", help=each)


def _add_paths(commands: Any) -> None:
    command = with_image(with_model(add(commands, paths)))
    with_target(command)
    samples = "random paths of each length (default: %(default)s)"
    command.add_argument(
        "--samples", type=whole(1, MAX_SAMPLES), default=16, metavar="K", help=samples
    )
    seed = "of the random paths (default: %(default)s)"
    with_seed(command, help=seed)
