"""Gradient norms by layer, of several networks and over seeds."""

import argparse
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, progress
from resviz.cli.parsing import add, whole, with_batch, with_model

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.over_seeds import Profile

MAX_SEEDS = 1000


def gradients(options: argparse.Namespace) -> Result:
    """Measure how much gradient reaches each layer, in training mode, as mean and deviation over seeds."""
    from resviz.probes.gradient_flow.over_seeds import Batch, Profile, measure

    batch = Batch(source=options.images, size=options.batch)
    profiles = []
    for i, name in enumerate(options.model):
        found = []
        for seed in range(options.seeds):
            progress((i + seed / options.seeds) / len(options.model), f"{name}, seed {seed}")
            found.append(measure(name, seed, batch, double=options.double))
        profiles.append(Profile(name, tuple(found)))
    head = {"batch": f"{batch.size} images of {batch.source}", "seeds": options.seeds}
    return {**head, **(_everything if options.json else _short)(profiles)}


def _everything(profiles: "list[Profile]") -> Result:
    return {"models": [_record(profile) for profile in profiles]}


def _short(profiles: "list[Profile]") -> Result:
    """For a person: a line for each model, and the mean of the norms with a line for each layer."""
    kept = ("model", "ratio_first_last", "verdict", "precision")
    models = [{key: record[key] for key in kept} for record in map(_record, profiles)]
    layers: dict[str, Result] = {}
    for profile in profiles:
        for layer, norm in zip(profile.layers, profile.mean("weight_gradient"), strict=True):
            row = layers.setdefault(
                layer, {"layer": layer, **dict.fromkeys((p.model for p in profiles), None)}
            )
            row[profile.model] = float(norm)
    return {"models": models, "layers": list(layers.values())}


def _record(profile: "Profile") -> Result:
    from resviz.probes.gradient_flow.over_seeds import verdict

    first = profile.seeds[0]
    ratio = profile.ratio()
    return {
        "model": profile.model,
        "layers": list(profile.layers),
        "norms_mean": profile.mean("weight_gradient").tolist(),
        "norms_std": profile.std("weight_gradient").tolist(),
        "ratio_first_last": ratio,
        "last": profile.layers[first.last_convolution],
        "ratios": list(profile.ratios()),
        "verdict": verdict(ratio),
        "relative_mean": profile.mean("relative").tolist(),
        "loss": [found.loss for found in profile.seeds],
        "precision": list(profile.precisions),
        "blocks": list(profile.blocks),
        "block_gradient_mean": profile.mean("block_gradient").tolist(),
        "deviation_mean": profile.mean("deviation").tolist(),
        "residual_blocks": list(first.backward.blocks),
        "gradient_share_shortcut": profile.share_shortcut("backward").mean(0).tolist(),
        "signal_share_shortcut": profile.share_shortcut("forward").mean(0).tolist(),
    }


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    command = with_model(
        add(commands, gradients),
        action="append",
        help="a name that `models` lists; may be given again",
    )
    command.add_argument(
        "--seeds",
        type=whole(1, MAX_SEEDS),
        default=3,
        metavar="K",
        help="how many draws of weights and batch (3)",
    )
    with_batch(command, type=whole(2, 1024), default=32, help="images (default: %(default)s)")
    command.add_argument(
        "--images",
        choices=("noise", "photos"),
        default="noise",
        metavar="NAME",
        help="noise: normal numbers, or photos: squares of the sample photos; random targets (default: noise)",
    )
    command.add_argument(
        "--double", action="store_true", help="compute in float64 (else only where float32 fails)"
    )
