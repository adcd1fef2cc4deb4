"""The Training page: choose networks and data, start one run or a race, and watch."""

import uuid
from collections.abc import Sequence

import streamlit as st

from resviz.data.known import KNOWN
from resviz.errors import ResvizError
from resviz.models.spec import ModelSpec
from resviz.training import jobs
from resviz.training.config import TrainConfig
from resviz.training.presets import PRESETS, Preset
from resviz.training.request import MEASURE, Request
from resviz.ui import cache, view
from resviz.ui.i18n import translate as _
from resviz.ui.layout import escaped

DEPTHS = (8, 20, 32, 56, 110)
EPOCHS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 164)
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
MOST = 8  # runs of a race
_ERROR = "training-error"


def choose_and_start() -> None:
    """The choices of a training, and the button that starts it."""
    chosen = _preset()
    families = view.pick_some(_("Family"), ("plain", "residual"), chosen.families, "racers", or_none=True)
    depths = view.pick_some(
        _("Depth"), [str(depth) for depth in DEPTHS], [str(depth) for depth in chosen.depths], "depths", or_none=True
    )
    dataset = view.pick(
        st.selectbox, _("Data"), list(KNOWN), chosen.dataset, "data", format_func=lambda name: KNOWN[name].title
    )
    epochs = view.pick(st.select_slider, _("Epochs"), EPOCHS, chosen.config.epochs, "epochs")
    with st.expander(_("More")):
        rate = view.pick(st.select_slider, _("Largest learning rate"), RATES, chosen.config.lr, "rate")
        record = view.pick(
            st.segmented_control,
            _("Record"),
            ("off", "light", "full"),
            chosen.record,
            "record",
            required=True,
            help=_("light: weights and their gradients at every step. full: blocks, branches and BatchNorm too."),
        )
        seed = view.pick(st.selectbox, _("Seed"), range(10), 0, "seed")
    settings = {**chosen.config.as_dict(), **dict(KNOWN[dataset].usual), "epochs": epochs, "lr": rate, "seed": seed}
    if dataset != chosen.dataset:
        settings = {**settings, "side": KNOWN[dataset].side, "side_first": 0, "side_last": 0}
        settings["augmentation"] = KNOWN[dataset].usual.get("augmentation", "crop")
    models = [f"new/{family}-{depth}{_classes(dataset)}" for depth in depths for family in families][:MOST]
    _say_size(models)
    if st.button(_("Start") if len(models) < 2 else _("Start the race"), type="primary", disabled=not models):
        _start(models, dataset, TrainConfig(**settings), record)
    if sentence := st.session_state.pop(_ERROR, None):
        st.error(escaped(sentence))


def session() -> str:
    """Who this visitor is to the queue: one job at a time."""
    return str(st.session_state.setdefault("training-session", uuid.uuid4().hex))


def shown() -> list[str]:
    """Ids of the runs that are shown, as the address names them."""
    return [name for name in (view.chosen("runs") or "").split(",") if name]


def show(ids: Sequence[str]) -> None:
    """Show these runs, and put them into the address."""
    view.choose("runs", ",".join(ids))


def _preset() -> Preset:
    """What to begin with; choosing it takes all other choices back."""
    titles = {"race": _("One-minute race"), "he2015": _("He et al. 2015"), "quick": _("Quick CIFAR-10")}
    told = view.chosen("preset") or ""
    st.session_state["preset"] = told if told in PRESETS else "race"

    def changed() -> None:
        view.forget("racers", "depths", "data", "epochs", "rate", "record", "seed")
        view.choose("preset", st.session_state["preset"])

    name = st.selectbox(_("Begin with"), list(PRESETS), key="preset", format_func=titles.__getitem__, on_change=changed)
    return PRESETS[name]


def _classes(dataset: str) -> str:
    return "" if KNOWN[dataset].classes == 10 else f"?classes={KNOWN[dataset].classes}"


def _say_size(models: Sequence[str]) -> None:
    if not models:
        st.caption(_("Choose a family and a depth."))
        return
    deepest = ModelSpec.parse(models[-1].removeprefix("new/"))
    st.caption(
        _("{count} runs; the deepest network has {layers} layers and {weights:,} weights in its kernels.").format(
            count=len(models), layers=deepest.depth, weights=deepest.kernel_weights
        )
        if len(models) > 1
        else _("{layers} layers, {weights:,} weights in the kernels.").format(
            layers=deepest.depth, weights=deepest.kernel_weights
        )
    )


def _start(models: Sequence[str], dataset: str, config: TrainConfig, record: str) -> None:
    cache.warm_up()
    try:
        requests = [
            Request(model=model, dataset=dataset, config=config, record=record, threads=MEASURE) for model in models
        ]
        show(jobs.start(requests, session()))
    except ResvizError as refusal:
        st.session_state[_ERROR] = str(refusal)
    st.rerun()
