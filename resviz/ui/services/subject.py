"""What a page is about: a model and a photo. Results of both are cached by it."""

from dataclasses import dataclass, field

from resviz.data.images import Picture


@dataclass(frozen=True, slots=True)
class Subject:
    """A model by name and a decoded photo; equal where the name and the photo's bytes are."""

    model: str
    photo: Picture = field(compare=False, repr=False)
    title: str = field(default="", compare=False)  # of the photo
    sha256: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", self.photo.sha256)
