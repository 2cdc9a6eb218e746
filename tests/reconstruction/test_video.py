import shutil
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.reconstruction.photographs import texture

from translight.core.errors import FormatError, ReconstructionError
from translight.reconstruction.stills import load_still
from translight.reconstruction.video import read_video

WIDTH, HEIGHT = 384, 216


def encode(path, frames, *, turn_deg=0, codec="mpeg4", rate=30, stretch=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        if stretch is not None:
            stream.codec_context.sample_aspect_ratio = stretch
        if turn_deg:
            stream.set_display_rotation(turn_deg)
        for pixels in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def blurred(pixels, radius=3):
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def pan(count, step_px, *, blur=lambda _: False):
    """A camera that turns over a texture, ``step_px`` a frame; some frames blurred."""
    wall = texture(HEIGHT, WIDTH + int(count * step_px) + 1, 5)
    frames = [wall[:, round(i * step_px) : round(i * step_px) + WIDTH] for i in range(count)]
    return [blurred(frame) if blur(i) else frame for i, frame in enumerate(frames)]


def numbers(capture):
    return [int(still.name.removeprefix("frame_").removesuffix(".jpg")) for still in capture.stills]


def test_frames_follow_the_motion_and_are_sharp(tmp_path):
    # 4 px a frame of 384: a twelfth of the width is 8 frames; every third frame is sharp
    video = encode(tmp_path / "pan.mp4", pan(90, 4, blur=lambda i: i % 3 != 1))
    told = []
    capture = read_video(video, tmp_path / "work", count=12, progress=lambda what, share: told.append((what, share)))
    assert capture.sequential
    assert len(capture.stills) == 12
    chosen = numbers(capture)
    assert all(number % 3 == 1 for number in chosen[1:])
    gaps = np.diff(chosen)
    assert gaps.min() >= 4
    assert gaps.max() <= 12
    first = capture.stills[0]
    assert (first.width_px, first.height_px, first.camera) == (WIDTH, HEIGHT, "pan.mp4 384x216")
    assert first.focal_px is first.geo is None
    assert [still.taken_s for still in capture.stills] == pytest.approx([number / 30 for number in chosen])
    assert [what for what, _ in told] == sorted(what for what, _ in told)
    assert told[-1] == ("writing frames", 1.0)
    found = load_still(capture.stills[3].file) * 255
    errors = [np.abs(found - frame).mean() for frame in pan(90, 4)]
    assert np.argmin(errors) == chosen[3]
    assert min(errors) < 10


def test_frames_are_taken_where_the_camera_moves(tmp_path):
    moving = pan(40, 6)
    video = encode(tmp_path / "a.mkv", [moving[0]] * 30 + moving + [moving[-1]] * 30)
    chosen = np.array(numbers(read_video(video, tmp_path, count=10)))
    assert ((chosen >= 30) & (chosen <= 71)).sum() >= 9


def test_a_camera_that_walks_forward_moves(tmp_path):
    wall = Image.fromarray(texture(2 * HEIGHT, 2 * WIDTH, 3))
    frames = []
    for i in range(60):
        scale = np.exp(-0.012 * min(i, 40))  # and stands still at the end
        size = (2 * WIDTH * scale, 2 * HEIGHT * scale)
        box = (WIDTH - size[0] / 2, HEIGHT - size[1] / 2, WIDTH + size[0] / 2, HEIGHT + size[1] / 2)
        frames.append(np.asarray(wall.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box)))
    chosen = np.array(numbers(read_video(encode(tmp_path / "a.mp4", frames), tmp_path, count=8)))
    assert (chosen <= 44).sum() >= 7


def test_a_still_camera_and_more_frames_than_there_are(tmp_path):
    video = encode(tmp_path / "a.mp4", [texture(HEIGHT, WIDTH)] * 10)
    assert np.allclose(numbers(read_video(video, tmp_path, count=3)), [0, 4, 9], atol=1)
    assert numbers(read_video(video, tmp_path, count=50)) == list(range(10))
    assert numbers(read_video(video, tmp_path)) == list(range(10))


@pytest.mark.parametrize("turn_deg", [90, 180, 270])
def test_a_turned_video_is_shown_upright(tmp_path, turn_deg):
    upright = blurred(texture(HEIGHT, WIDTH, 4, cell=16))
    coded = np.rot90(upright, -turn_deg // 90)
    video = encode(tmp_path / "a.mov", [coded] * 3, turn_deg=turn_deg)
    (still,) = read_video(video, tmp_path, count=1).stills
    assert (still.width_px, still.height_px) == (WIDTH, HEIGHT)
    assert np.abs(load_still(still.file) * 255 - upright).mean() < 6


def test_pixels_that_are_not_square_become_so(tmp_path):
    video = encode(tmp_path / "a.mkv", [texture(HEIGHT, WIDTH)] * 3, stretch=Fraction(4, 3))
    (still,) = read_video(video, tmp_path, count=1).stills
    assert (still.width_px, still.height_px) == (512, HEIGHT)
    assert load_still(still.file).shape == (HEIGHT, 512, 3)


def test_hdr_video_is_brought_down_to_srgb(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.colorspace = 18, 9  # HLG, BT.2020
        code = 64 + round(0.5 * 876)  # half of the signal, in limited range
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
        for plane, value in zip(frame.planes, (code, 512, 512), strict=True):
            plane.update(np.full(plane.buffer_size // 2, value, "<u2").tobytes())
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    (still,) = read_video(tmp_path / "a.mkv", tmp_path, count=1).stills
    assert np.abs(load_still(still.file) - 0.537).max() < 0.01  # see test_hdr_video


def test_an_interrupted_run_goes_on_and_another_choice_clears_up(tmp_path):
    video = encode(tmp_path / "a.mp4", pan(40, 4))

    class InterruptedTestError(Exception):
        pass

    def stop(what, share):
        if what == "writing frames" and share > 0.5:
            raise InterruptedTestError

    with pytest.raises(InterruptedTestError):
        read_video(video, tmp_path, count=6, progress=stop)
    folder = tmp_path / "frames"
    written = {file: file.stat().st_mtime_ns for file in folder.glob("*.jpg")}
    assert 3 <= len(written) < 6
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]
    told = []
    capture = read_video(video, tmp_path, count=6, progress=lambda what, _: told.append(what))
    assert len(capture.stills) == 6
    assert set(told) == {"writing frames"}
    assert all(file.stat().st_mtime_ns == time for file, time in written.items())
    told.clear()
    assert read_video(video, tmp_path, count=6, progress=lambda what, _: told.append(what)) == capture
    assert told == []
    kept = folder / "notes.txt"
    kept.touch()
    fewer = read_video(video, tmp_path, count=2)
    assert {file.name for file in folder.glob("*.jpg")} == {still.name for still in fewer.stills}
    assert kept.exists()
    (folder / "frames.json").write_text("{}")
    assert read_video(video, tmp_path, count=2) == fewer
    encode(video, [255 - frame for frame in pan(40, 4)])  # another video; the same frames would be taken of it
    other = read_video(video, tmp_path, count=2)
    assert [still.name for still in other.stills] == [still.name for still in fewer.stills]
    assert np.abs(load_still(other.stills[0].file) * 255 - (255 - pan(40, 4)[numbers(other)[0]])).mean() < 10


def test_what_is_no_video_is_one_line(tmp_path):
    with pytest.raises(FormatError, match=r"a\.mp4: no such file$"):
        read_video(tmp_path / "a.mp4", tmp_path)
    (tmp_path / "a.mp4").write_text("nonsense")
    with pytest.raises(
        FormatError, match=r"a\.mp4: not a readable video \(Invalid data found when processing input\)$"
    ):
        read_video(tmp_path / "a.mp4", tmp_path)
    encode(tmp_path / "tiny.mp4", [texture(64, 64)] * 2)
    with pytest.raises(FormatError, match=r"tiny\.mp4: 64x64 pixels; 192 each way are needed$"):
        read_video(tmp_path / "tiny.mp4", tmp_path)
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        for packet in [*stream.encode(silence), *stream.encode()]:
            container.mux(packet)
    with pytest.raises(FormatError, match=r"sound\.mp4: no video in it$"):
        read_video(tmp_path / "sound.mp4", tmp_path)
    with pytest.raises(ValueError, match="at least one frame is chosen, got 0"):
        read_video(tmp_path / "sound.mp4", tmp_path, count=0)


def test_frames_that_change_their_size_are_told(tmp_path):
    parts = [encode(tmp_path / f"{i}.mpg", pan(3, 4), codec="mpeg2video", rate=25) for i in range(2)]
    encode(parts[1], [texture(240, 320)] * 3, codec="mpeg2video", rate=25)
    (tmp_path / "a.mpg").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(
        FormatError, match=r"a\.mpg: its frames change their size at frame [23]; give each part by itself$"
    ):
        read_video(tmp_path / "a.mpg", tmp_path)


def test_a_playlist_opens_no_other_place(tmp_path):
    (tmp_path / "a.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(FormatError, match="not a readable video"):
        read_video(tmp_path / "a.mp4", tmp_path)


def test_a_folder_that_takes_nothing(tmp_path):
    video = encode(tmp_path / "a.mp4", pan(5, 4))
    (tmp_path / "work").write_text("a file")
    with pytest.raises(ReconstructionError, match=r"work/frames: cannot be made \(Not a directory\)$"):
        read_video(video, tmp_path / "work")


def test_a_full_disk(tmp_path, monkeypatch):
    video = encode(tmp_path / "a.mp4", pan(5, 4))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(ReconstructionError, match=r"frame_\d{6}\.jpg: cannot be written \(No space left on device\)$"):
        read_video(video, tmp_path, count=1)
    assert not list((tmp_path / "frames").glob("*.jpg"))
    shutil.rmtree(tmp_path / "frames")
