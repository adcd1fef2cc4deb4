"""How much gradient reaches each layer, and how alike it is at neighbouring inputs."""

import argparse
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, progress
from resviz.cli.parsing import add, whole, with_batch, with_model, with_seeds

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.norms import Gradients
    from resviz.probes.gradient_flow.over_seeds import Batch, Profile

MAX_SEEDS = 1000
LAYERS = 24
FOR_PEOPLE = ("model", "ratio_first_last", "verdict", "precision")


def gradients(options: argparse.Namespace) -> Result:
    """Measure how much gradient reaches each layer in training mode: mean and std over seeds."""
    from resviz.probes.gradient_flow.over_seeds import Batch, Profile

    batch = Batch(source=options.images, size=options.batch)
    profiles = []
    for i, name in enumerate(options.model):
        seeds = []
        for seed in range(options.seeds):
            share = (i + seed / options.seeds) / len(options.model)
            progress(share, f"{name}, seed {seed}")
            seeds.append(_measure(name, seed, batch, options.double))
        profiles.append(Profile(name, tuple(seeds)))
    records = [_record(profile) for profile in profiles]
    head = {"batch": f"{batch.size} images of {batch.source}", "seeds": options.seeds}
    if options.json:
        return {**head, "models": records}
    short = [{key: record[key] for key in FOR_PEOPLE} for record in records]
    return {**head, "models": short, "layers": _by_layer(profiles)}


def _measure(name: str, seed: int, batch: "Batch", double: bool) -> "Gradients":
    from resviz.probes.gradient_flow.over_seeds import measure

    return measure(name, seed, batch, double=double)


def _by_layer(profiles: "list[Profile]") -> list[Result]:
    """For a person: the mean of the norms with a line for each layer."""
    nothing = dict.fromkeys(profile.model for profile in profiles)
    rows: dict[str, Result] = {}
    for profile in profiles:
        for layer, norm in zip(profile.layers, profile.mean("weight_gradient"), strict=True):
            row = rows.setdefault(layer, {"layer": layer, **nothing})
            row[profile.model] = float(norm)
    return list(rows.values())


def _record(profile: "Profile") -> Result:
    """Everything that is known of one network; `first` and `last` are what the ratio compares."""
    from resviz.probes.gradient_flow.over_seeds import verdict

    first = profile.seeds[0]
    ratio = profile.ratio()
    ends = profile.ends() or (int(first.compared[0]), first.last_convolution)
    return {
        "model": profile.model,
        "layers": list(profile.layers),
        "norms_mean": profile.mean("weight_gradient").tolist(),
        "norms_std": profile.std("weight_gradient").tolist(),
        "ratio_first_last": ratio,
        "first": profile.layers[ends[0]],
        "last": profile.layers[ends[1]],
        "ratios": list(profile.ratios()),
        "verdict": verdict(ratio),
        "approximate": profile.approximate,
        "layers_without_gradient": list(profile.without_gradient),
        "why_without_gradient": profile.why_without or None,
        "relative_mean": profile.mean("relative").tolist(),
        "loss": [flow.loss for flow in profile.seeds],
        "precision": list(profile.precisions),
        "blocks": list(profile.blocks),
        "block_gradient_mean": profile.mean("block_gradient").tolist(),
        "deviation_mean": profile.mean("deviation").tolist(),
        "residual_blocks": list(first.backward.blocks),
        "gradient_share_shortcut": profile.share_shortcut("backward").mean(0).tolist(),
        "signal_share_shortcut": profile.share_shortcut("forward").mean(0).tolist(),
    }


def shattering(options: argparse.Namespace) -> Result:
    """Tell how alike the derivatives of deep random networks are at neighbouring inputs."""
    from resviz.probes.gradient_flow.shattering import KINDS, NOISES, lag_table, noise
    from resviz.probes.gradient_flow.shattering import shattering as probe

    curves = {}
    for i, kind in enumerate(KINDS):
        progress(i / len(KINDS), f"{kind}, {options.layers} layers")
        curves[kind] = probe(kind, options.layers, options.seeds, options.beta)
    curves |= {kind: noise(kind, options.seeds) for kind in NOISES}
    return {
        "layers": options.layers,
        "beta": options.beta,
        "seeds": options.seeds,
        "neighbours": {kind: float(curve.mean[1]) for kind, curve in curves.items()},
        "autocorrelation": lag_table(curves).records(),
    }


def _weight(text: str) -> float:
    """A reader of the weight of a branch."""
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 10:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 10, got {text}")
    return weight


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    _add_gradients(commands)
    _add_shattering(commands)


def _add_gradients(commands: Any) -> None:
    several = "a name that `models` lists; may be given again"
    command = with_model(add(commands, gradients), action="append", help=several)
    seeds = "how many draws of weights and batch (%(default)s)"
    with_seeds(command, type=whole(1, MAX_SEEDS), default=3, help=seeds)
    with_batch(command, type=whole(2, 1024), default=32, help="images (default: %(default)s)")
    command.add_argument(
        "--images",
        choices=("noise", "photos"),
        default="noise",
        metavar="NAME",
        help="noise: normal numbers, or photos: squares of the sample photos; random targets "
        "(default: noise)",
    )
    double = "compute in float64 (else only where float32 would lose digits)"
    command.add_argument("--double", action="store_true", help=double)


def _add_shattering(commands: Any) -> None:
    command = add(commands, shattering)
    deep = "layers of both networks (default: %(default)s)"
    command.add_argument("--layers", type=whole(1, 1000), default=LAYERS, metavar="N", help=deep)
    beta = "weight of the branch in the residual one (default: %(default)s)"
    command.add_argument("--beta", type=_weight, default=1.0, metavar="B", help=beta)
    seeds = "random networks of each kind (default: %(default)s)"
    with_seeds(command, type=whole(1, MAX_SEEDS), default=5, help=seeds)
