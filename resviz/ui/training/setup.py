"""The Training page's choices: networks, data and how to train; one run or a race."""

from collections.abc import Iterable
from typing import Any, TypeVar

import streamlit as st

from resviz.data.builtin import KNOWN
from resviz.errors import ResvizError
from resviz.models.spec import FAMILIES, INITS, NORMS
from resviz.training.config import SCHEDULES, TrainConfig
from resviz.training.presets import PRESETS, Preset, networks, preset_of
from resviz.training.request import Request
from resviz.training.runs import reader
from resviz.ui.base import url_state
from resviz.ui.base.i18n import said, whole
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services.network_names import family_title, init_title
from resviz.ui.services.run_names import run_title, schedule_title, when
from resviz.ui.training.start import RUN, Race, offer

DEPTHS = (8, 20, 32, 56, 110)
EPOCHS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 164)
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512)
MORE = (
    "norms",
    "inits",
    "rate",
    "schedule",
    "minibatch",
    "record",
    "seed",
)  # choices that need not be seen at first
CHOICES = ("racers", "depths", "data", "epochs", *MORE)
N = TypeVar("N", int, float)


def choose_and_start() -> None:
    """The choices of a training, and the button that starts it."""
    begun = _preset()
    families = url_state.pick_some(
        _("Family"),
        list(FAMILIES),
        begun.families,
        "racers",
        or_none=True,
        widget=st.multiselect,
        format_func=family_title,
    )
    depths = url_state.pick_some(
        _("Depth"),
        [str(depth) for depth in _with(DEPTHS, begun.depths)],
        [*map(str, begun.depths)],
        "depths",
        or_none=True,
    )
    datasets = list(dict.fromkeys([*KNOWN, begun.dataset]))
    dataset = url_state.pick(
        st.selectbox, _("Data"), datasets, begun.dataset, "data", format_func=dataset_title
    )
    epochs = url_state.pick(
        st.select_slider,
        _("Epochs"),
        _with(EPOCHS, [begun.config.epochs]),
        begun.config.epochs,
        "epochs",
    )
    starting = st.container()
    with st.expander(_("More"), expanded=any(url_state.chosen(key) for key in MORE)):
        norms, inits = _variants(begun)
        config, record = _settings(begun, dataset, epochs)
    with starting:
        _offer(begun, (families, [*map(int, depths)], norms, inits), dataset, config, record)


def begin_with(name: str) -> None:
    """Take all choices back and begin with a preset, or with what `run/ID` was started with."""
    url_state.forget(*CHOICES)
    url_state.choose("preset", name)


def dataset_title(name: str) -> str:
    """A dataset's name for people."""
    return said(KNOWN[name].title) if name in KNOWN else name.rpartition("/")[2]


def _preset() -> Preset:
    """What to begin with; choosing it takes all other choices back."""
    told = url_state.chosen("preset") or ""
    found = _of_run(told)
    options = {**PRESETS, **({told: found} if found else {})}
    st.session_state["preset"] = told if told in options else "race"
    name = st.selectbox(
        _("Begin with"),
        list(options),
        key="preset",
        format_func=_preset_title,
        on_change=lambda: begin_with(st.session_state["preset"]),
    )
    return options[name]


def _of_run(name: str) -> Preset | None:
    """What `run/ID` was started with; None where there is no such run, or its file tells no training."""
    if not name.startswith(RUN):
        return None
    try:
        return preset_of(
            Request.from_dict(reader.read(name.removeprefix(RUN)).config.get("request", {}))
        )
    except ResvizError:
        return None


def _preset_title(name: str) -> str:
    if name.startswith(RUN):
        info = reader.read(name.removeprefix(RUN)).info()
        return _("{network} of {time}").format(network=run_title(info), time=when(info))
    return {
        "race": _("One-minute race"),
        "he2015": _("He et al. 2015"),
        "quick": _("Quick CIFAR-10"),
    }[name]


def _variants(begun: Preset) -> tuple[list[str], list[str]]:
    """Normalisation and initialisation, each of them also several at once."""
    titles = {"batch": _("Batch"), "group": _("Group"), "none": _("None")}
    norms = url_state.pick_some(
        _("Normalisation"), NORMS, begun.norms, "norms", format_func=titles.__getitem__
    )
    return norms, url_state.pick_some(
        _("Initialisation"), INITS, begun.inits, "inits", format_func=init_title
    )


def _settings(begun: Preset, dataset: str, epochs: int) -> tuple[TrainConfig, str]:
    """The configuration, and what is recorded."""
    config = begun.config
    rate = url_state.pick(
        st.select_slider, _("Largest learning rate"), _with(RATES, [config.lr]), config.lr, "rate"
    )
    schedule = url_state.pick(
        st.selectbox,
        _("Schedule"),
        SCHEDULES,
        config.schedule,
        "schedule",
        format_func=schedule_title,
    )
    batch = url_state.pick(
        st.select_slider,
        _("Images in a batch"),
        _with(BATCHES, [config.batch_size]),
        config.batch_size,
        "minibatch",
    )
    record = url_state.pick(
        st.segmented_control,
        _("Record"),
        ("off", "light", "full"),
        begun.record,
        "record",
        required=True,
        format_func=_record_title,
        help=_(
            "light: weights and their gradients at every step. full: blocks, branches and BatchNorm too."
        ),
    )
    seed = url_state.pick(
        st.selectbox, _("Seed"), _with(range(10), [config.seed]), config.seed, "seed"
    )
    chosen = {"epochs": epochs, "lr": rate, "schedule": schedule, "batch_size": batch, "seed": seed}
    settings = {**config.as_dict(), **chosen}
    if dataset != begun.dataset:
        settings |= {
            "side": KNOWN[dataset].side,
            "side_first": 0,
            "side_last": 0,
            "augmentation": "crop",
        }
        settings |= KNOWN[dataset].usual
    return TrainConfig(**settings), record  # type: ignore[arg-type]


def _offer(
    begun: Preset,
    crossed: tuple[Any, Any, Any, Any],
    dataset: str,
    config: TrainConfig,
    record: str,
) -> None:
    """Say what would be started, how long it takes, and offer to start it."""
    rest = {**begun.network, "seed": _seed_of_weights(begun, config.seed)}
    rest["classes"] = (
        KNOWN[dataset].classes if dataset in KNOWN else begun.network.get("classes", 10)
    )
    try:
        race = Race(networks(*crossed, rest), dataset, config, record)
    except ResvizError as refusal:
        st.error(escaped(whole(refusal)))
        return
    offer(race)


def _seed_of_weights(begun: Preset, seed: int) -> int:
    """One seed decides weights and order of the data, unless a run is repeated that had two."""
    return int(begun.network.get("seed", seed)) if seed == begun.config.seed else seed


def _with(usual: Iterable[N], more: Iterable[N]) -> list[N]:
    """The usual choices, and those of the preset in their places."""
    return sorted(set(usual) | set(more))


def _record_title(preset: str) -> str:
    return {"off": _("off"), "light": _("light"), "full": _("full")}[preset]
