"""Where in a file of tensors is a residual network, and where is its classifier?

Whoever saves a network saves it inside something: DataParallel, torch.compile, Lightning, a
training checkpoint, an averaged copy, a detector. All of that stands before the names of the
weights. A network is found by the first weight of its first block, and its tensors get
torchvision's names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from resviz.errors import CheckpointError, Sentence
from resviz.models.weights.heads import Layers, chain, layers_of

Tensors = Mapping[str, Tensor]

# no weights: BatchNorm's, AveragedModel's, and those of the profiler thop
COUNTERS = ("num_batches_tracked", "n_averaged", "total_ops", "total_params")
ANCHOR = "layer1.0.conv1.weight"
HEADS = ("fc", "linear", "classifier", "head")
RENAMES = ((r"\.shortcut\.(\d)", r".downsample.\1"),)
_BODY = re.compile(r"(conv1|bn1|layer\d{1,2})\.")


@dataclass(frozen=True)
class Network:
    """The tensors of one network by torchvision's names, and what was decided to find it."""

    tensors: dict[str, Tensor]
    notes: tuple[Sentence, ...] = ()
    head: str = ""  # as in `ModelSpec.head`


def pick(tensors: Tensors, wanted: str | None = None, head: str | None = None) -> Network:
    """The network among these tensors; raises `CheckpointError`.

    Args:
        tensors: what a file holds, by name.
        wanted: which of several networks, by what stands before its names.
        head: "none" leaves out a classifier that cannot be put together.
    """
    usual = {_usual_name(name): t for name, t in tensors.items()}
    prefixes = list(_prefixes(usual))
    if not prefixes:
        return Network(_without_counters(usual))
    prefix = _chosen(prefixes, wanted)
    own = {n.removeprefix(prefix): t for n, t in usual.items() if _owner(n, prefixes) == prefix}
    beside = {n: t for n, t in usual.items() if _owner(n, prefixes) is None and t.ndim}
    network, outside = _with_head(_without_counters(own, keep=_BODY), beside, head)
    several = (_several(prefixes, prefix),) if len(prefixes) > 1 else ()
    return replace(network, notes=(*several, *network.notes, *_left_out(outside)))


def _usual_name(name: str) -> str:
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _prefixes(names: Iterable[str]) -> Iterator[str]:
    """What stands before the names of each network, in the order of the file."""
    for name in names:
        before, anchor, after = name.rpartition(ANCHOR)
        if anchor and not after and (not before or before.endswith(".")):
            yield before


def _owner(name: str, prefixes: Sequence[str]) -> str | None:
    """The longest prefix that a name begins with: of `module.` and `module.ema.` the second."""
    return max((p for p in prefixes if name.startswith(p)), key=len, default=None)


def _chosen(prefixes: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return prefixes[0]
    by_title = {_title(prefix): prefix for prefix in prefixes}
    if wanted not in by_title:
        raise CheckpointError(
            "the file has no network {wanted!r}; ?weights= may be {titles}",
            wanted=wanted,
            titles=", ".join(by_title),
        )
    return by_title[wanted]


def _title(prefix: str) -> str:
    """How a network of a file is called; the one whose names have nothing before them is `main`."""
    return prefix.rstrip(".") or "main"


def _several(prefixes: Sequence[str], chosen: str) -> Sentence:
    others = ", ".join(_title(prefix) for prefix in prefixes if prefix != chosen)
    return Sentence(
        "The file holds {count} networks; this is {chosen}. ?weights= opens another: {others}.",
        count=len(prefixes),
        chosen=_title(chosen),
        others=others,
    )


def _left_out(outside: Tensors) -> Iterator[Sentence]:
    """A note on what the file holds besides its networks."""
    names = [name for name in outside if name.rpartition(".")[2] not in COUNTERS]
    if names:
        yield Sentence(
            "Tensors that do not belong to this network were left out, such as {name}.",
            name=names[0],
        )


def _with_head(own: Tensors, outside: Tensors, head: str | None) -> tuple[Network, Tensors]:
    """Body and classifier under their usual names, and what remains outside.

    What cannot be put together stays under its own name, for a refusal to name it.
    """
    body = {name: t for name, t in own.items() if _BODY.match(name)}
    rest = {name: t for name, t in own.items() if name not in body}
    groups = layers_of(rest)
    inner = {top: group for top, group in groups.items() if group.has_kernels or top in HEADS}
    features = _features(body)
    if head == "none":
        return _headless({**body, **_except(rest, inner)}, features), outside
    if inner:
        return _with_inner_head(body, rest, inner, features), outside
    outer = {top: group for top, group in layers_of(outside).items() if chain(group, features)}
    if len(outer) == 1 and not rest:
        (layers,) = outer.values()
        return _joined(body, layers, features), _except(outside, outer)
    if rest:
        return Network({**body, **rest}), outside
    return _headless(body, features), outside


def _with_inner_head(
    body: Tensors, rest: Tensors, inner: Mapping[str, Layers], features: int
) -> Network:
    """The body with a head that stands beside the stages, if there is one and only one."""
    if len(inner) == 1:
        (layers,) = inner.values()
        if chain(layers, features) or layers.is_one_linear:
            joined = _joined(body, layers, features)
            return replace(joined, tensors={**joined.tensors, **_except(rest, inner)})
    return Network({**body, **rest})


def _joined(body: Tensors, layers: Layers, features: int) -> Network:
    """The body with its classifier as `fc`, or as `fc.0`, `fc.2` and so on."""
    tensors = {**body, **layers.renamed()}
    hidden = chain(layers, features)[:-1]
    if not hidden:
        return Network(tensors)
    note = Sentence(
        "The file does not tell what stands between the layers of its head: taken for ReLU."
    )
    return Network(tensors, (note,), ",".join(map(str, hidden)))


def _headless(tensors: dict[str, Tensor], features: int) -> Network:
    note = Sentence(
        "Without a classifier, the network answers with the {count} features of its last stage.",
        count=features,
    )
    return Network(tensors, (note,), "none")


def _except(tensors: Tensors, heads: Iterable[str]) -> dict[str, Tensor]:
    tops = set(heads)
    return {name: t for name, t in tensors.items() if name.partition(".")[0] not in tops}


def _features(body: Tensors) -> int:
    """Channels of the last stage: outputs of the last convolution of its first block."""
    stages = [int(m[1]) for name in body if (m := re.match(r"layer(\d+)\.0\.", name))]
    for conv in ("conv3", "conv2"):
        weight = body.get(f"layer{max(stages, default=0)}.0.{conv}.weight")
        if weight is not None and weight.ndim == 4:
            return weight.shape[0]
    return 0


def _without_counters(tensors: Tensors, keep: re.Pattern[str] | None = None) -> dict[str, Tensor]:
    return {
        name: t
        for name, t in tensors.items()
        if (keep and keep.match(name)) or name.rpartition(".")[2] not in COUNTERS
    }
