from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.render.movie import film

PATCHES = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128]], np.uint8)


def bars(shift: int) -> np.ndarray:
    """Six bars of 16 px, moved on by ``shift`` bars."""
    return np.ascontiguousarray(np.broadcast_to(np.roll(PATCHES, shift, axis=0).repeat(16, axis=0), (32, 96, 3)))


def test_film_holds_its_pictures(tmp_path: Path):
    path = tmp_path / "a.mp4"
    with film(path, 96, 32, Fraction(24000, 1001)) as write:
        for i in range(5):
            write(bars(i))
        assert not path.exists()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == Fraction(24000, 1001)
        assert stream.codec_context.pix_fmt == "yuv420p"
        context = stream.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 13, 1, 1)
        frames = list(container.decode(stream))
    assert len(frames) == 5
    for i, frame in enumerate(frames):
        assert float(frame.time) == pytest.approx(i * 1001 / 24000, abs=1e-4)
        # BT.709 limited range, undone here by its own formula (ITU-R BT.709-6, items 3.3 to 3.5)
        y, cb, cr = (plane.astype(float) for plane in (frame.to_ndarray()[:32, :96], *_chroma(frame)))
        luma = (y[16, 8::16] - 16) / 219
        b = luma + 1.8556 * (cb[8, 4::8] - 128) / 224
        r = luma + 1.5748 * (cr[8, 4::8] - 128) / 224
        g = (luma - 0.2126 * r - 0.0722 * b) / 0.7152
        np.testing.assert_allclose(np.stack([r, g, b], -1) * 255, np.roll(PATCHES, i, axis=0), atol=6)


def _chroma(frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray]:
    planes = frame.to_ndarray()[32:].reshape(2, 16, 48)
    return planes[0], planes[1]


def interrupted(path: Path) -> None:
    with film(path, 96, 32, Fraction(24)) as write:
        write(bars(0))
        raise KeyboardInterrupt


def test_interrupted_film_leaves_nothing(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_film_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder_is_one_line(tmp_path: Path):
    with pytest.raises(FormatError, match="cannot be written"), film(tmp_path / "no" / "a.mp4", 96, 32, Fraction(24)):
        pytest.fail("opened")


def test_refusals(tmp_path: Path):
    with pytest.raises(ValueError, match="even, got 95x32"), film(tmp_path / "a.mp4", 95, 32, Fraction(24)):
        pytest.fail("opened")
    with pytest.raises(ValueError, match="film takes uint8"), film(tmp_path / "a.mp4", 96, 32, Fraction(24)) as write:
        write(bars(0)[:, :90])
    assert list(tmp_path.iterdir()) == []
