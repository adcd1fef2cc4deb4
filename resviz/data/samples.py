"""Sample photos that come with resviz: classes of the bundled models, and some to mislead them.

Origins, licences and changes are listed in `assets/LICENSES.md`.
"""

import io
from dataclasses import dataclass
from importlib import resources

from PIL import Image

from resviz.data.builtin import arrays
from resviz.errors import ImageError, Sentence


@dataclass(frozen=True, slots=True)
class Sample:
    """One bundled photo."""

    key: str
    title: Sentence
    file: str
    licence: str
    credit: str


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "church",
        Sentence("St. Basil's Cathedral, Moscow"),
        "church.jpg",
        "CC0 1.0",
        "Artem Beliaikin",
    ),
    Sample("dog", Sentence("Beagle puppy on a wall"), "dog.jpg", "CC0 1.0", "Pexels, photo 452772"),
    Sample("cat", Sentence("Chelsea the cat"), "cat.jpg", "CC0 1.0", "Stéfan van der Walt"),
    Sample(
        "airplane",
        Sentence("T-45A Goshawk above the clouds"),
        "airplane.jpg",
        "public domain",
        "John A. Ivancic, U.S. Navy",
    ),
    Sample(
        "horse",
        Sentence("Race horse at full gallop"),
        "horse.jpg",
        "CC0 1.0",
        "Pexels, photo 158976",
    ),
    Sample(
        "ship",
        Sentence("Boats in Nagasaki, about 1865"),
        "ship.jpg",
        "CC0 1.0",
        "Felice Beato, Getty Open Content",
    ),
    Sample(
        "taxi", Sentence("Yellow cabs in New York"), "taxi.jpg", "CC0 1.0", "Pexels, photo 8247"
    ),
    Sample(
        "moose",
        Sentence("Bull moose in a meadow"),
        "moose.jpg",
        "public domain",
        "Ryan Hagerty, USFWS",
    ),
    Sample(
        "perch",
        Sentence("Two yellow perch"),
        "perch.jpg",
        "public domain",
        "Hadal, Wikimedia Commons",
    ),
    Sample(
        "shuttle",
        Sentence("Launch of a space shuttle"),
        "shuttle.jpg",
        "CC0 1.0",
        "Pexels, photo 2166",
    ),
    Sample(
        "coffee",
        Sentence("Cup of coffee"),
        "coffee.jpg",
        "CC0 1.0",
        "Rachel Michetti, Pikolo Espresso Bar",
    ),
    Sample(
        "pagoda",
        Sentence("Pagoda above a lake"),
        "pagoda.jpg",
        "CC BY 2.0",
        "danielbuechele, Flickr",
    ),
)


# test image of the bundled digits -> its digit; one of each that both bundled networks for digits
# know well
_TEST_IMAGES = {302: 0, 194: 1, 188: 2, 61: 3, 88: 4, 98: 5, 45: 6, 237: 7, 283: 8, 355: 9}
DIGITS = tuple(
    Sample(
        f"digit-{digit}",
        Sentence("Handwritten {digit}, 8×8 pixels", digit=digit),
        "digits.npz",
        "CC BY 4.0",
        "E. Alpaydin and C. Kaynak",
    )
    for digit in _TEST_IMAGES.values()
)
_ENLARGED = 16  # times: a picture for people, too


def offered(side: int) -> tuple[Sample, ...]:
    """The samples for a network that sees `side` pixels: digits too for one that sees very few."""
    return (*DIGITS, *SAMPLES) if side < 16 else SAMPLES


def find(key: str) -> Sample:
    """The sample of this key; raises `ImageError` naming the keys there are."""
    for sample in (*SAMPLES, *DIGITS):
        if sample.key == key:
            return sample
    raise ImageError(
        "There is no sample photo {key!r}; choose one of {keys}.",
        key=key,
        keys=", ".join(sample.key for sample in SAMPLES),
    )


def read(key: str) -> bytes:
    """The JPEG of this sample, a digit as a PNG; raises `ImageError` for an unknown key."""
    if find(key) in DIGITS:
        return _digit(list(_TEST_IMAGES)[DIGITS.index(find(key))])
    return (resources.files("resviz.data") / "assets" / "photos" / find(key).file).read_bytes()


def _digit(index: int) -> bytes:
    """A test image of the bundled digits, each of its pixels a square."""
    image = arrays("digits").test[0][index]
    file = io.BytesIO()
    Image.fromarray(image.repeat(_ENLARGED, 0).repeat(_ENLARGED, 1)).save(file, "PNG")
    return file.getvalue()
