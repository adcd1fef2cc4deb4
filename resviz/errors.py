"""The only errors a user sees: one sentence each, with the way out.

Everything that is not a `ResvizError` is a bug and is allowed to show as one.
"""


class ResvizError(Exception):
    """Root of the family; the message is a whole sentence meant for a person."""


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
