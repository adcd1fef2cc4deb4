"""Photos as visitors bring them, decoded and made small enough to send, once for everybody."""

from resviz.data.images import Picture, decode
from resviz.figures.raster import photo_jpeg
from resviz.ui.base.bounded_cache import BoundedCache, cached

_jpegs: BoundedCache[bytes] = BoundedCache(64)


@cached(8)
def picture(data: bytes) -> Picture:
    """Decode a photo; raises `ImageError`."""
    return decode(data)


def jpeg(photo: Picture) -> bytes:
    """Encode the photo itself, small enough to send."""
    return _jpegs.get(photo.sha256, lambda: photo_jpeg(photo.image))
