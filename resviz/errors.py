"""The only errors a user sees: one sentence each, with the way out, in any language.

    ResvizError             root of the family
    ├── ImageError          the bytes are no picture that resviz can show
    ├── SpecError           the description of a network contradicts itself
    ├── ModelError          there is no such model, or it cannot be had here
    │   ├── CheckpointError     a file of weights is damaged, unsafe, or fits no known network
    │   └── DownloadError       weights could not be fetched
    ├── ProbeError          the question makes no sense for this model, layer, class or image
    ├── DataError           a dataset is missing or unreadable
    └── TrainingError       a training run cannot start or cannot go on

Everything that is not a `ResvizError` is a bug and is allowed to show as one.
"""

import re
from collections.abc import Callable, Mapping


class Sentence(str):
    """English text that remembers its template and values, so that it can be translated later.

    Without values the template stands as it is, braces and all.

    Example:
        >>> sentence = Sentence("{n} pictures", n=3)
        >>> sentence
        '3 pictures'
        >>> sentence.said({"{n} pictures": "{n} Bilder"}.get)
        '3 Bilder'
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> "Sentence":
        text = super().__new__(cls, template.format_map(values) if values else template)
        text.template, text.values = str(template), values
        return text

    def as_plain(self) -> dict[str, object]:
        """Template and values for JSON; numbers stay numbers, for templates may format them."""
        return {
            "template": self.template,
            "values": {name: _plain(value) for name, value in self.values.items()},
        }

    @classmethod
    def from_plain(cls, plain: object) -> "Sentence":
        """Read what `as_plain` gave; other text stands as it is.

        The file may be foreign: only simple templates are filled in, for a format such as
        `{x:>999999999}` would take the memory of the machine.
        """
        match plain:
            case {"template": str(template), "values": dict(values)} if _SIMPLE.fullmatch(template):
                return cls._filled(template, values)
        return cls(str(plain))

    @classmethod
    def _filled(cls, template: str, values: Mapping[object, object]) -> "Sentence":
        inner = {
            str(name): cls.from_plain(value) if isinstance(value, dict) else value
            for name, value in values.items()
        }
        try:
            return cls(template, **inner)
        except (KeyError, ValueError, TypeError):
            return cls(template)

    def with_values(self, change: Callable[[object], object]) -> "Sentence":
        """The same sentence with each value changed, in sentences among the values too."""
        values = {
            name: value.with_values(change)
            if isinstance(value, Sentence) and value.values
            else change(value)
            for name, value in self.values.items()
        }
        return Sentence(self.template, **values)

    def said(self, translate: Callable[[str], str]) -> str:
        """Translate the template, and each sentence or error among the values."""
        template = translate(self.template)
        if not self.values:
            return template
        values = {name: _translated(value, translate) for name, value in self.values.items()}
        return template.format_map(values)


class Suggestion(Sentence):
    """A question that names what may have been meant; a page offers each name as a button.

    Example:
        >>> Suggestion("new/plain-8", "new/plain-20")
        'did you mean new/plain-8, new/plain-20?'
        >>> ResvizError("There is no model a; {hint}", hint=Suggestion("b")).suggestions
        ('b',)
    """

    names: tuple[str, ...]

    def __new__(cls, *names: str) -> "Suggestion":
        text = super().__new__(cls, "did you mean {names}?", names=", ".join(names))
        assert isinstance(text, Suggestion)
        text.names = names
        return text


_SIMPLE = re.compile(r"(?:[^{}]|\{[a-z_]+(?:![rs])?(?::,?(?:\.\d)?[dfge]?)?\})*")


class ResvizError(Exception):
    """Root of the family; the message is a whole sentence meant for a person.

    The template is a literal wherever an error is raised, so that the catalogue of translations
    finds it.

    Args:
        template: the sentence, with `{name}` where a value stands; or a `Sentence`.
        values: what is filled in.

    Example:
        >>> str(ResvizError("There is no model {name!r}.", name="x"))
        "There is no model 'x'."
    """

    def __init__(self, template: str, /, **values: object) -> None:
        self.sentence = template if isinstance(template, Sentence) else Sentence(template, **values)
        super().__init__(self.sentence)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The names that may have been meant; empty where the sentence names none."""
        hints = [hint for hint in self.sentence.values.values() if isinstance(hint, Suggestion)]
        return hints[0].names if hints else ()


class ImageError(ResvizError):
    """The bytes are not a picture that resviz can show."""


class SpecError(ResvizError):
    """The description of a network contradicts itself."""


class ModelError(ResvizError):
    """There is no such model, or it cannot be had here."""


class CheckpointError(ModelError):
    """A file of weights is damaged, unsafe, or fits no known network."""


class DownloadError(ModelError):
    """Weights could not be fetched."""


class ProbeError(ResvizError):
    """The question makes no sense for this model, layer, class or image."""


class DataError(ResvizError):
    """A dataset is missing or unreadable."""


class TrainingError(ResvizError):
    """A training run cannot start or cannot go on."""


def first_line(reason: Exception) -> str:
    """What another library says, short enough for a place inside one of our sentences."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return lines[0].rstrip(".")[:160]


def _translated(value: object, translate: Callable[[str], str]) -> object:
    sentence = value.sentence if isinstance(value, ResvizError) else value
    return sentence.said(translate) if isinstance(sentence, Sentence) else value


def _plain(value: object) -> object:
    sentence = value.sentence if isinstance(value, ResvizError) else value
    if isinstance(sentence, Sentence):
        return sentence.as_plain()
    return value if isinstance(value, int | float) else str(value)
