"""The Training page's choices: networks, data and how to train; one run or a race."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import streamlit as st

from resviz.data.builtin import KNOWN
from resviz.errors import ResvizError
from resviz.models.spec import FAMILIES, INITS, NORMS
from resviz.training import schema
from resviz.training.config import SCHEDULES, TrainConfig
from resviz.training.presets import PRESETS, Preset, config_for, networks_for, preset_of
from resviz.training.request import Request
from resviz.training.runs import reader
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import training_data
from resviz.ui.services.network_names import family_title, init_title
from resviz.ui.services.run_names import run_title, schedule_title, when
from resviz.ui.training.start import RUN, Race, start_button
from resviz.ui.widgets.segmented import segmented

DEPTHS = (8, 20, 32, 56, 110)
EPOCHS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 164)
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512)
# choices that need not be seen at first
MORE = ("norms", "inits", "rate", "schedule", "minibatch", "record", "seed")
CHOICES = ("racers", "depths", "data", "epochs", *MORE)
N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class _Networks:
    """The choices that are combined with each other."""

    families: list[str]
    depths: list[int]
    norms: list[str]
    inits: list[str]


def choose_and_start() -> None:
    """The choices of a training, and the button that starts it."""
    preset = _choose_preset()
    families, depths = _choose_family(preset), _choose_depth(preset)
    dataset, epochs = _choose_data(preset), _choose_epochs(preset)
    starting = st.container()
    with st.expander(_("More choices"), expanded=any(url_state.chosen(key) for key in MORE)):
        chosen = _Networks(families, depths, _choose_norms(preset), _choose_inits(preset))
        config = _choose_config(preset, dataset, epochs)
        record = _choose_record(preset)
        config = _with_seed(config, preset)
    with starting:
        _offer(preset, chosen, dataset, config, record)


def begin_with(name: str) -> None:
    """Take all choices back and begin with a preset, or with what `run/ID` was started with."""
    url_state.forget(*CHOICES)
    url_state.choose("preset", name)


def _choose_preset() -> Preset:
    """What to begin with; choosing it takes all other choices back."""
    name = url_state.chosen("preset") or ""
    of_run = _preset_of_run(name)
    options = {**PRESETS, **({name: of_run} if of_run else {})}
    st.session_state["preset"] = name if name in options else "race"
    picked = st.selectbox(
        _("Begin with"),
        list(options),
        key="preset",
        format_func=_preset_title,
        on_change=lambda: begin_with(st.session_state["preset"]),
    )
    return options[picked]


def _preset_of_run(name: str) -> Preset | None:
    """What `run/ID` was started with; None where there is no such run, or it cannot be repeated."""
    if not name.startswith(RUN):
        return None
    try:
        config = reader.read(name.removeprefix(RUN)).config
        return preset_of(Request.from_dict(config.get("request", {})))
    except ResvizError:
        return None


def _preset_title(name: str) -> str:
    if name.startswith(RUN):
        info = reader.read(name.removeprefix(RUN)).info()
        return _("{network} of {time}").format(network=run_title(info), time=when(info))
    titles = {
        "race": _("One-minute race"),
        "he2015": _("He et al. 2015"),
        "quick": _("Quick CIFAR-10"),
    }
    return titles[name]


def _choose_family(preset: Preset) -> list[str]:
    return url_state.pick_some(
        _("Family"),
        list(FAMILIES),
        preset.families,
        "racers",
        or_none=True,
        widget=st.multiselect,
        format_func=family_title,
    )


def _choose_depth(preset: Preset) -> list[int]:
    options = [str(depth) for depth in _with(DEPTHS, preset.depths)]
    usual = [str(depth) for depth in preset.depths]
    depths = url_state.pick_some(_("Depth"), options, usual, "depths", or_none=True)
    return [int(depth) for depth in depths]


def _choose_data(preset: Preset) -> str:
    options = list(dict.fromkeys([*KNOWN, preset.dataset]))
    return url_state.pick(
        st.selectbox,
        _("Data"),
        options,
        preset.dataset,
        "data",
        format_func=training_data.title,
    )


def _choose_epochs(preset: Preset) -> int:
    usual = preset.config.epochs
    options = _with(EPOCHS, [usual])
    return url_state.pick(st.select_slider, _("Epochs"), options, usual, "epochs")


def _choose_norms(preset: Preset) -> list[str]:
    titles = {"batch": _("Batch"), "group": _("Group"), "none": _("None")}
    return url_state.pick_some(
        _("Normalisation"), NORMS, preset.norms, "norms", format_func=titles.__getitem__
    )


def _choose_inits(preset: Preset) -> list[str]:
    return url_state.pick_some(
        _("Initialisation"), INITS, preset.inits, "inits", format_func=init_title
    )


def _choose_config(preset: Preset, dataset: str, epochs: int) -> TrainConfig:
    config = preset.config
    suited = config_for(preset, dataset)
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
    batches = _with(BATCHES, [config.batch_size])
    batch = url_state.pick(
        st.select_slider, _("Images in a batch"), batches, config.batch_size, "minibatch"
    )
    return replace(suited, epochs=epochs, lr=rate, schedule=schedule, batch_size=batch)


def _choose_record(preset: Preset) -> str:
    titles = {"off": _("off"), "light": _("light"), "full": _("full")}
    return segmented(
        _("Record"),
        {name: titles[name] for name in schema.PRESETS},
        preset.record,
        "record",
        help=_(
            "light: weights and their gradients at every step. "
            "full: blocks, branches and BatchNorm too."
        ),
    )


def _with_seed(config: TrainConfig, preset: Preset) -> TrainConfig:
    usual = preset.config.seed
    options = _with(range(10), [usual])
    seed = url_state.pick(st.selectbox, _("Seed"), options, usual, "seed")
    return replace(config, seed=seed)


def _offer(
    preset: Preset, chosen: _Networks, dataset: str, config: TrainConfig, record: str
) -> None:
    """Say what would be started, how long it takes, and offer to start it."""
    seed = _seed_of_weights(preset, config.seed)
    wanted = replace(
        preset,
        families=tuple(chosen.families),
        depths=tuple(chosen.depths),
        norms=tuple(chosen.norms),
        inits=tuple(chosen.inits),
        network={**preset.network, "seed": seed},
    )
    try:
        specs = networks_for(wanted, dataset)
    except ResvizError as refusal:
        st.error(escaped(whole(refusal)))
        return
    start_button(Race(specs, dataset, config, record))


def _seed_of_weights(preset: Preset, seed: int) -> int:
    """One seed decides weights and order of the data, unless a run is repeated that had two."""
    return int(preset.network.get("seed", seed)) if seed == preset.config.seed else seed


def _with(usual: Iterable[N], more: Iterable[N]) -> list[N]:
    """The usual choices, and those of the preset in their places."""
    return sorted(set(usual) | set(more))
