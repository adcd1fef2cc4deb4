"""Pictures that are encoded once."""

import numpy as np
import pytest
from PIL import Image

from resviz.figures import encoded, raster


def test_the_same_values_are_encoded_once_and_others_again() -> None:
    calls = []

    @encoded.encoded_once
    def encode(values: np.ndarray, scale: raster.Range | None = None, quality: int = 9) -> bytes:
        calls.append(quality)
        return values.tobytes() + bytes([quality])

    values = np.arange(6.0).reshape(2, 3)
    scale = raster.Range(0, 1, False)
    assert encode(values, scale) == encode(values.copy(), scale)
    assert len(calls) == 1
    for changed in (values.T, values.astype(np.float32), values + 1, values.reshape(3, 2)):
        assert encode(changed, scale) == changed.tobytes() + b"\t"
    assert encode(values, scale, quality=5)[-1] == 5
    assert encode(values, raster.Range(0, 2, False)) == values.tobytes() + b"\t"
    assert len(calls) == 7


def test_a_photo_counts_by_its_pixels_and_the_bytes_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoded, "MOST", 10_000)
    monkeypatch.setattr(encoded, "_pictures", encoded._Pictures())
    white, black = (Image.new("RGB", (40, 40), colour) for colour in ("white", "black"))
    assert raster.photo_png(white) != raster.photo_png(black)
    assert raster.photo_png(white) == raster.photo_png(white.copy())
    noise = np.random.default_rng(0)
    for _ in range(20):
        raster.photo_png(Image.fromarray(noise.integers(0, 256, (40, 40, 3), np.uint8)))
    assert encoded._pictures._bytes <= 10_000
