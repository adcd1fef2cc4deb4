"""Which untrained networks are compared: switches, and stories that set them all at one click."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from resviz.figures.families import Style, style
from resviz.models.spec import ACTIVATIONS, FAMILIES, INITS, WITHOUT_NORM, ModelSpec
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.gradient_flow.sweep import Sweep
from resviz.ui.services.network_names import family_title, init_title
from resviz.ui.widgets.family_pills import family_pills
from resviz.ui.widgets.segmented import segmented

DEPTHS = (8, 14, 20, 32, 44, 56, 80, 110, 164, 1202)
SEEDS = (1, 2, 3, 5, 10, 20)

USUAL = {
    "families": "plain,residual",
    "depth": "56",
    "norm": "batch",
    "init": "he",
    "activation": "relu",
    "images": "noise",
    "seeds": "3",
    "quantity": "weight_gradient",
}
# story -> the choices that tell it, where they are not the usual ones
STORIES: Mapping[str, Mapping[str, str]] = {
    "explodes": {},
    "folklore": {"norm": "none", "init": "torch"},
    "holds": {"norm": "none", "families": "plain"},
    "blows-up": {"norm": "none", "depth": "110", "quantity": "deviation"},
    "1202": {"depth": "1202", "families": "residual", "seeds": "1"},
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Networks of some families that differ in nothing else; how many seeds, and what they see."""

    families: tuple[str, ...]
    depth: int
    norm: str
    init: str
    activation: str
    images: str
    seeds: int

    @property
    def models(self) -> dict[str, str]:
        """Family -> name of its network."""
        return {family: f"new/{self._spec(family)}" for family in self.families}

    def _spec(self, family: str) -> ModelSpec:
        norm = "none" if family in WITHOUT_NORM else self.norm
        return ModelSpec(
            family=family, depth=self.depth, norm=norm, init=self.init, activation=self.activation
        )

    def family(self, model: str) -> str:
        """The family of one of `models`."""
        return next(family for family, name in self.models.items() if name == model)

    def title(self, model: str) -> str:
        """What the network is called in a legend."""
        return f"{family_title(self.family(model))}-{self.depth}"

    def style(self, model: str) -> Style:
        """How the network's family is drawn."""
        return style(self.family(model), tuple(FAMILIES))


def sweep_of(choice: Choice) -> Sweep:
    """The measurements that a choice asks for."""
    from resviz.probes.gradient_flow.over_seeds import Batch

    return Sweep(tuple(choice.models.values()), choice.seeds, Batch(source=choice.images))


def depth_title() -> str:
    """What the horizontal axis counts."""
    return _("weighted layers passed, from the input")


def story_buttons() -> None:
    """A button for each story; the one that is told is filled."""
    with st.container(horizontal=True, gap="small"):
        for story in STORIES:
            kind: Literal["primary", "secondary"] = "primary" if _is_told(story) else "secondary"
            st.button(
                _story_title(story), key=f"story-{story}", on_click=_tell, args=(story,), type=kind
            )


def _is_told(story: str) -> bool:
    wanted = {**USUAL, **STORIES[story]}
    return all((url_state.chosen(key) or USUAL[key]) == value for key, value in wanted.items())


def _tell(story: str) -> None:
    for key, value in {**USUAL, **STORIES[story]}.items():
        url_state.choose(key, value)


def _story_title(story: str) -> str:
    return {
        "explodes": _("BatchNorm explodes at start"),
        "folklore": _("The folklore"),
        "holds": _("He initialisation holds"),
        "blows-up": _("Residual without BatchNorm blows up"),
        "1202": _("1202 layers"),
    }[story]


def network_switches() -> Choice:
    """The switches, one below the other."""
    return Choice(
        families=tuple(family_pills(USUAL["families"].split(","), "families")),
        depth=_slider(_("Depth"), DEPTHS, "depth"),
        norm=_segments(_("Normalisation"), "norm", _norm_titles()),
        init=url_state.pick(
            st.selectbox, _("Initialisation"), INITS, USUAL["init"], "init", format_func=init_title
        ),
        activation=url_state.pick(
            st.selectbox, _("Activation"), list(ACTIVATIONS), USUAL["activation"], "activation"
        ),
        images=_segments(_("Batch of 32"), "images", _image_titles()),
        seeds=_slider(_("Seeds"), SEEDS, "seeds"),
    )


def _slider(label: str, values: tuple[int, ...], key: str) -> int:
    return url_state.pick(st.select_slider, label, values, int(USUAL[key]), key)


def _segments(label: str, key: str, titles: Mapping[str, str]) -> str:
    return segmented(label, titles, USUAL[key], key, stretch=True)


def _norm_titles() -> dict[str, str]:
    return {"batch": _("Batch"), "group": _("Group"), "none": _("None")}


def _image_titles() -> dict[str, str]:
    return {"noise": _("Noise"), "photos": _("Photos")}
