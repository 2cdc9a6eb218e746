"""Takes on disk: read back by FFmpeg and OpenEXR, never overwritten, honest about drops, readable after a crash."""

import csv
import json
import logging
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from tests.stream.pictures_to_send import bar_error, chart, header, packed, psnr_db, wait_for

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.recorder import Recorder
from translight.stream.urls import open_receiver, open_sender, parse_url

FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None or FFPROBE is None, reason="ffmpeg and ffprobe are not installed")
WIDTH, HEIGHT = 192, 96
RATE = Fraction(24)
SLOW_MP4 = pytest.param("a.mp4?codec=h264", marks=pytest.mark.slow)
SLOW_MOV = pytest.param("a.mov", marks=pytest.mark.slow)  # ProRes takes its time over noise


def _record(
    url: str,
    frames: range | list[int] = range(6),
    form: PixelFormat = PixelFormat.RGB10A2,
    encoding: str = "srgb",
    picture: np.ndarray | None = None,
) -> Path:
    """Record the chart without a drop; where the take lies."""
    spec = PictureSpec(WIDTH, HEIGHT, form)
    with open_sender(url, spec) as sender:
        assert isinstance(sender, Recorder)
        for number, frame in enumerate(frames):
            np.copyto(sender.acquire(), packed(chart(WIDTH, HEIGHT, frame), form) if picture is None else picture)
            sender.publish(header(frame, spec, encoding, RATE))
            assert wait_for(lambda n=number: sender.counts().sent > n)
        assert sender.counts().dropped == 0
        return sender.path


def _probe(path: Path) -> tuple[dict[str, object], dict[str, object]]:
    """What ffprobe says of the video, and of its tags."""
    fields = (
        "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,"
        "r_frame_rate,nb_read_frames:stream_tags=timecode:format_tags=timecode"
    )
    said = subprocess.run(
        [FFPROBE or "", "-v", "error", "-count_frames", "-show_entries", fields, "-of", "json", path],
        check=True, timeout=60, capture_output=True,
    ).stdout  # fmt: skip
    report = json.loads(said)
    video = report["streams"][0]
    tags = {key.lower(): value for key, value in {**report["format"].get("tags", {}), **video.pop("tags", {})}.items()}
    return video, tags


def _seen(path: Path, number: int) -> np.ndarray:
    """A frame as ffmpeg decodes it (h w 3)."""
    out = path.parent / "seen.png"
    subprocess.run(
        [FFMPEG or "", "-v", "error", "-i", path, "-vf", f"select=eq(n\\,{number})", "-frames:v", "1", "-y", out],
        check=True, timeout=60,
    )  # fmt: skip
    return np.asarray(Image.open(out).convert("RGB"))


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "codec", "profile", "pixels"),
    [
        ("a.mov", "prores", "HQ", "yuv422p10le"),
        ("a.mov?codec=prores4444", "prores", "4444", "yuv444p12le"),
        ("a.mkv", "hevc", "Main 10", "yuv420p10le"),
        ("a.mp4?codec=hevc", "hevc", "Main 10", "yuv420p10le"),
        ("a.mkv?codec=h264", "h264", "Constrained Baseline", "yuv420p"),
    ],
)
def test_ffmpeg_reads_the_movie(name: str, codec: str, profile: str, pixels: str, tmp_path: Path):
    path = _record(f"file://{tmp_path}/{name}", range(86400 * 24 + 5, 86400 * 24 + 11))
    assert path == tmp_path / name.partition("?")[0]
    video, tags = _probe(path)
    assert video == {
        "codec_name": codec,
        "profile": profile,
        "width": WIDTH,
        "height": HEIGHT,
        "pix_fmt": pixels,
        "color_range": "tv",
        "color_space": "bt709",
        "color_transfer": "iec61966-2-1",
        "color_primaries": "bt709",
        "r_frame_rate": "24/1",
        "nb_read_frames": "6",
    }
    assert tags["timecode"] == "00:00:00:05"
    for number in (0, 5):
        seen = _seen(path, number)
        assert bar_error(seen) <= 3
        assert psnr_db(seen, chart(WIDTH, HEIGHT, 86400 * 24 + 5 + number)) > 30


@pytest.mark.parametrize("name", ["a.mov", "a.mov?codec=prores4444", "a.mkv?quality=4"])
def test_ten_bits_in_are_ten_bits_out(name: str, tmp_path: Path):
    """A ramp in steps of one code in 1023, read back by FFmpeg's decoder: eight bits would make stairs of four."""
    grey = np.broadcast_to(300 + np.arange(WIDTH, dtype=np.uint32), (HEIGHT, WIDTH))
    picture = (grey | grey << 10 | grey << 20 | 3 << 30).astype(np.uint32)
    path = _record(f"file://{tmp_path}/{name}", range(1), picture=picture)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    bits = 12 if "12le" in frame.format.name else 10
    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint16).reshape(HEIGHT, -1)[:, :WIDTH] / 2 ** (bits - 10)
    assert np.abs(luma - (64 + grey * 876 / 1023)).mean() < 0.8
    assert len(np.unique(np.round(luma[HEIGHT // 2]))) > 130


@pytest.mark.parametrize("form", [PixelFormat.RGBA8, PixelFormat.RGB10A2])
@pytest.mark.parametrize("encoding", ["srgb", "gamma2.4", "pq"])
def test_exrs_hold_the_light_that_the_wall_makes(form: PixelFormat, encoding: str, tmp_path: Path):
    folder = _record(f"file://{tmp_path}/wall/%04d.exr", [100, 101, 104], form, encoding)
    assert sorted(p.name for p in folder.iterdir()) == ["0001.exr", "0002.exr", "0005.exr"]
    with OpenEXR.File(str(folder / "0005.exr"), separate_channels=True) as file:
        found = {name: file.channels()[name].pixels for name in "RGB"}
        attributes = dict(file.header())
    assert (attributes["framesPerSecond"], attributes["translightFrame"]) == (Fraction(24), "104")
    signal_ = chart(WIDTH, HEIGHT, 104).astype(np.float64) / 255
    if form is PixelFormat.RGB10A2:
        signal_ = np.floor((signal_ * 255 * 1023 + 127) / 255) / 1023
    if encoding == "srgb":  # IEC 61966-2-1
        light = np.where(signal_ <= 0.04045, signal_ / 12.92, ((signal_ + 0.055) / 1.055) ** 2.4)
    elif encoding == "gamma2.4":
        light = signal_**2.4
    else:  # SMPTE ST 2084, in units of 100 nits
        power = signal_ ** (32 / 2523)
        light = 100 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (16384 / 2610)
    for channel, name in enumerate("RGB"):
        assert found[name].dtype == np.float16
        assert np.allclose(found[name], light[..., channel], rtol=2e-3, atol=1e-6)


def test_exrs_of_depth_hold_metres(tmp_path: Path):
    codes = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint32) % 1024
    spec = PictureSpec(WIDTH, HEIGHT, PixelFormat.RGB10A2)
    said = replace(header(5, spec, "depth-log", RATE), encoding="depth-log", carries="depth", near_m=0.5, far_m=80.0)
    with open_sender(f"file://{tmp_path}/z/%04d.exr", spec) as sender:
        np.copyto(sender.acquire(), codes | codes << 10 | codes << 20 | np.uint32(3 << 30))
        sender.publish(said)
        assert wait_for(lambda: sender.counts().sent == 1)
    with OpenEXR.File(str(tmp_path / "z" / "0001.exr"), separate_channels=True) as file:
        found = {name: file.channels()[name].pixels for name in "RGB"}
        assert "chromaticities" not in file.header()
    wanted = np.where(codes > 0, 80 * (0.5 / 80) ** (codes / 1023), 65504)
    for plane in found.values():
        np.testing.assert_allclose(plane, wanted, rtol=6e-4)
    summary = json.loads((tmp_path / "z.json").read_text())
    assert (summary["carries"], summary["encoding"], summary["near_far_m"]) == ("depth", "depth-log", [0.5, 80.0])


def test_a_take_is_never_overwritten(tmp_path: Path):
    url = f"file://{tmp_path}/day 1/wall.mkv?codec=h264"
    paths = [_record(url, range(1)) for _ in range(3)]
    assert [p.name for p in paths] == ["wall.mkv", "wall_002.mkv", "wall_003.mkv"]
    (tmp_path / "day 1" / "wall_004.mov").touch()
    assert _record(url, range(1)).name == "wall_004.mkv"
    assert _record(f"file://{tmp_path}/day 1/?codec=h264", range(1)).name == "take_001.mkv"
    assert _record(f"file://{tmp_path}/day 1/?codec=exr", range(1)).name == "take_002"
    assert _record(f"file://{tmp_path}/s/%06d.exr", range(1)).name == "s"
    assert _record(f"file://{tmp_path}/s?codec=exr", range(1)).name == "s_002"


def test_two_takes_at_once_have_names_of_their_own(tmp_path: Path):
    spec = PictureSpec(WIDTH, HEIGHT)
    with open_sender(f"file://{tmp_path}/a.mkv", spec) as one, open_sender(f"file://{tmp_path}/a.mkv", spec) as two:
        assert isinstance(one, Recorder)
        assert isinstance(two, Recorder)
        assert (one.path.name, two.path.name) == ("a.mkv", "a_002.mkv")
    assert list(tmp_path.iterdir()) == [], "takes without a picture leave nothing"


def test_the_log_and_the_summary_say_what_is_there(tmp_path: Path):
    """A writer held up: the queue keeps its order, and what found no room is named."""
    spec = PictureSpec(WIDTH, HEIGHT)
    pictures = [packed(chart(WIDTH, HEIGHT, frame), spec.format) for frame in range(1000, 1060)]
    with open_sender(f"file://{tmp_path}/a.mkv?codec=hevc&queue=2", spec) as sender:
        for frame, picture in enumerate(pictures, 1000):  # all at once: no encoder is as fast as that
            np.copyto(sender.acquire(), picture)
            sender.publish(header(frame, spec, rate=RATE))
        counts = sender.counts()
    assert counts.dropped > 0
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    recorded = [int(line["frame"]) for line in lines if line["status"] == "recorded"]
    dropped = [int(line["frame"]) for line in lines if line["status"] == "dropped"]
    assert sorted(recorded + dropped) == list(range(1000, 1060))
    assert recorded == sorted(recorded)
    assert all(int(line["sent_ns"]) > 0 and line["captured_ns"] == "" for line in lines)
    summary = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (summary["recorded"], summary["dropped"], summary["ended"]) == (len(recorded), len(dropped), "closed")
    assert [n for first, last in summary["dropped_frames"] for n in range(first, last + 1)] == dropped
    assert (summary["rate"], summary["first_timecode"]) == ("24", "00:00:41:16")
    with av.open(str(tmp_path / "a.mkv")) as container:
        times = [Fraction(f.pts) * f.time_base for f in container.decode(video=0)]
    assert [round(t * 24) for t in times] == [n - 1000 for n in recorded], "a drop leaves its time, not a shorter take"


def test_a_clock_that_jumps_leaves_no_hole(tmp_path: Path):
    path = _record(f"file://{tmp_path}/a.mkv?codec=h264", [10, 11, 10**9, 5, 6])
    with av.open(str(path)) as container:
        times = [round(Fraction(f.pts) * f.time_base * 24) for f in container.decode(video=0)]
    assert times == [0, 1, 2, 3, 4]


SHOW = textwrap.dedent("""
    import sys, resource
    import numpy as np
    from translight.core.image import PixelFormat
    from translight.stream.contract import PictureSpec
    from translight.stream.header import FrameHeader
    from translight.stream.urls import open_sender
    url, limit = sys.argv[1], int(sys.argv[2])
    spec = PictureSpec(192, 96)
    rng = np.random.default_rng(0)
    with open_sender(url, spec) as sender:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        frame = 0
        while sender.counts().dropped < 5 and frame < 4000:
            before = sender.counts().sent
            sender.acquire()[...] = rng.integers(0, 256, (96, 192, 4), dtype=np.uint8)
            sender.publish(FrameHeader(frame, 192, 96, PixelFormat.RGBA8))
            frame += 1
            for _ in range(400):
                if sender.counts().sent > before or sender.counts().dropped:
                    break
                __import__("time").sleep(0.005)
            print(sender.counts().sent, flush=True)
    print("the show went on")
""")


def _readable(path: Path) -> int:
    """Pictures that FFmpeg decodes before the file's end, or before what was cut off."""
    count = 0
    with av.open(str(path)) as container, suppress(av.InvalidDataError):
        for _ in container.decode(video=0):
            count += 1
    return count


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and resource limits are POSIX's")
@pytest.mark.parametrize("name", ["a.mkv?codec=h264", SLOW_MOV, SLOW_MP4])
def test_a_killed_show_leaves_a_readable_take(name: str, tmp_path: Path):
    child = subprocess.Popen([sys.executable, "-c", SHOW, f"file://{tmp_path}/{name}", "0"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        while int(child.stdout.readline()) < 50:
            pass
        child.send_signal(signal.SIGKILL)
        child.wait(20)
    path = tmp_path / name.partition("?")[0]
    assert _readable(path) >= 25
    lines = path.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 45
    assert not path.with_suffix(".json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX's")
@pytest.mark.parametrize("name", ["a.mkv?codec=h264&quality=0", SLOW_MOV, "s/%06d.exr"])
def test_a_disk_that_takes_no_more_ends_the_take_not_the_show(name: str, tmp_path: Path):
    """A file size limit stands in for a full disk: the same calls fail, with EFBIG instead of ENOSPC."""
    limit = "20000" if "exr" in name else "800000"
    run = subprocess.run(
        [sys.executable, "-c", SHOW, f"file://{tmp_path}/{name}", limit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "the show went on"
    ended = [line for line in run.stderr.splitlines() if "recording has ended (" in line]
    assert len(ended) == 1
    assert "File too large" in ended[0]
    if "exr" in name:
        assert list((tmp_path / "s").glob("*.exr")) == [], "no half picture stays"
    else:
        assert _readable(tmp_path / name.partition("?")[0]) > 3


def test_the_take_ends_before_the_disk_is_full(tmp_path: Path, monkeypatch, caplog):
    usage = namedtuple("usage", "total used free")
    free = [500 << 20]
    monkeypatch.setattr("translight.stream.recorder.shutil.disk_usage", lambda _: usage(0, 0, free[0]))
    spec = PictureSpec(WIDTH, HEIGHT)
    url = f"file://{tmp_path}/a.mkv?codec=h264"
    with caplog.at_level(logging.WARNING), open_sender(url, spec) as sender:
        for frame in range(10):
            np.copyto(sender.acquire(), packed(chart(WIDTH, HEIGHT, frame), spec.format))
            sender.publish(header(frame, spec))
            assert wait_for(lambda n=frame: sender.counts().sent > n)
        assert isinstance(sender, Recorder)
        path = sender.path
        free[0] = 63 << 20
        for frame in range(10, 14):
            sender.acquire()
            sender.publish(header(frame, spec))
        assert wait_for(lambda: sender.counts().dropped == 4)
    assert caplog.messages == [
        f"{url}: recording has ended (the disk has 63 MB left, reserve=64) after 10 frames; what was written is in {path}",
        f"{url}: 4 frames were dropped, see {tmp_path}/a.csv",
    ]
    assert _readable(tmp_path / "a.mkv") == 10
    assert (
        json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["ended"] == "the disk has 63 MB left, reserve=64"
    )


def test_publishing_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("translight.stream.movie.Movie.write", lambda *_: time.sleep(0.3))
    spec = PictureSpec(WIDTH, HEIGHT)
    with open_sender(f"file://{tmp_path}/a.mkv?codec=h264&queue=1", spec) as sender:
        for frame in range(200):
            sender.acquire()
            sender.publish(header(frame, spec))
        assert sender.counts().dropped >= 190, "had it waited, most would be in the take"


def test_an_unwritable_place_is_one_clear_line(tmp_path: Path):
    (tmp_path / "file").touch()
    url = f"file://{tmp_path}/file/a.mkv"
    with pytest.raises(StreamError) as caught:
        open_sender(url, PictureSpec(WIDTH, HEIGHT))
    assert str(caught.value) == f"{url}: {tmp_path}/file cannot be written (File exists)"


def test_a_size_that_cannot_be_encoded_leaves_nothing(tmp_path: Path):
    with pytest.raises(StreamError, match=r"101x64: encoded video wants an even width and height of 32 or more"):
        open_sender(f"file://{tmp_path}/a.mkv", PictureSpec(101, 64))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "file://",
            "'file://': give a file like takes/wall.mov, an EXR sequence like takes/wall/%06d.exr, or a folder like takes/",
        ),
        ("file://a.avi", "'file://a.avi': give a file ending in .mov, .mkv, .mp4, .exr, or a folder ending in /"),
        ("file://a.mp4?codec=prores", "'file://a.mp4?codec=prores': .mp4 holds hevc, h264, not prores"),
        ("file://a.mov/", "'file://a.mov/': a.mov/ has a movie's suffix and a folder's slash: give one of them"),
        (
            "file://a/x.exr",
            "'file://a/x.exr': an EXR sequence is named like takes/wall/%06d.exr, with 4 to 9 digits",
        ),
        (
            "file://%06d.exr",
            "'file://%06d.exr': an EXR sequence has a folder of its own, like takes/wall/%06d.exr",
        ),
        ("file://a.mkv?quality=60", "file://a.mkv?quality=60: quality = '60': give a whole number from 0 to 51"),
        (
            "file://a.mkv?codec=vp9",
            "file://a.mkv?codec=vp9: codec = 'vp9': give one of prores, prores4444, hevc, h264, exr",
        ),
    ],
)
def test_a_bad_url_says_what_is_allowed(text: str, message: str):
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == message


def test_files_are_not_received():
    with pytest.raises(StreamError, match=r"^'file://a.mkv': file:// is watched by other programs: give "):
        open_receiver("file://a.mkv")


def test_a_relative_path_starts_where_the_show_lies(tmp_path: Path):
    spec = PictureSpec(WIDTH, HEIGHT)
    with open_sender("file://takes/a.mkv?codec=h264", spec, tmp_path) as sender:
        sender.acquire()
        sender.publish(header(0, spec))
    assert _readable(tmp_path / "takes" / "a.mkv") == 1
