"""Sample photos that come with resviz: some show a class of the bundled models, others fail in a telling way.

Origins, licences and changes are listed in `assets/LICENSES.md`.
"""

from dataclasses import dataclass
from importlib import resources

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
    Sample("church", Sentence("St. Basil's Cathedral, Moscow"), "church.jpg", "CC0 1.0", "Artem Beliaikin"),
    Sample("dog", Sentence("Beagle puppy on a wall"), "dog.jpg", "CC0 1.0", "Pexels, photo 452772"),
    Sample("cat", Sentence("Chelsea the cat"), "cat.jpg", "CC0 1.0", "Stéfan van der Walt"),
    Sample(
        "airplane",
        Sentence("T-45A Goshawk above the clouds"),
        "airplane.jpg",
        "public domain",
        "John A. Ivancic, U.S. Navy",
    ),
    Sample("horse", Sentence("Race horse at full gallop"), "horse.jpg", "CC0 1.0", "Pexels, photo 158976"),
    Sample(
        "ship", Sentence("Boats in Nagasaki, about 1865"), "ship.jpg", "CC0 1.0", "Felice Beato, Getty Open Content"
    ),
    Sample("taxi", Sentence("Yellow cabs in New York"), "taxi.jpg", "CC0 1.0", "Pexels, photo 8247"),
    Sample("moose", Sentence("Bull moose in a meadow"), "moose.jpg", "public domain", "Ryan Hagerty, USFWS"),
    Sample("perch", Sentence("Two yellow perch"), "perch.jpg", "public domain", "Hadal, Wikimedia Commons"),
    Sample("shuttle", Sentence("Launch of a space shuttle"), "shuttle.jpg", "CC0 1.0", "Pexels, photo 2166"),
    Sample("coffee", Sentence("Cup of coffee"), "coffee.jpg", "CC0 1.0", "Rachel Michetti, Pikolo Espresso Bar"),
    Sample("pagoda", Sentence("Pagoda above a lake"), "pagoda.jpg", "CC BY 2.0", "danielbuechele, Flickr"),
)


def find(key: str) -> Sample:
    """The sample of this key; raises `ImageError` naming the keys there are."""
    for sample in SAMPLES:
        if sample.key == key:
            return sample
    raise ImageError(
        "There is no sample photo {key!r}; choose one of {keys}.",
        key=key,
        keys=", ".join(sample.key for sample in SAMPLES),
    )


def read(key: str) -> bytes:
    """The JPEG of this sample; raises `ImageError` for an unknown key."""
    return (resources.files("resviz.data") / "assets" / "photos" / find(key).file).read_bytes()
