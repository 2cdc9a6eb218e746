"""What a file:// URL may say: where the take goes, as what, how well; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from translight.core.url_options import Options

OPTIONS = ("codec", "quality", "queue", "threads", "reserve", "compression", "reference_white")
CODECS = ("prores", "prores4444", "hevc", "h264", "exr")
COMPRESSIONS = ("none", "rle", "zips", "zip", "piz", "dwaa")
_BY_SUFFIX = {
    ".mov": ("prores", "prores4444", "hevc", "h264"),
    ".mkv": ("hevc", "h264", "prores", "prores4444"),
    ".mp4": ("hevc", "h264"),
    ".exr": ("exr",),
}
"""What each kind of file holds, the first being taken where the URL names no codec."""
_FOLDER_SUFFIX = {"prores": ".mov", "prores4444": ".mov", "hevc": ".mkv", "h264": ".mkv"}


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """A take to record: ``path`` is the movie's, or the folder of an EXR sequence."""

    path: Path
    codec: str
    numbered: bool
    """The first take has a number too (where the URL names a folder)."""
    digits: int = 6
    """Of an EXR's number."""
    quality: int = 16
    """x264's and x265's constant rate factor: 0 is lossless, each 6 more halve the bits."""
    queue: int = 8
    """Pictures that may wait for the writer."""
    threads: int = 2
    reserve_bytes: int = 64 << 20
    """The take ends when the disk has no more than this left."""
    compression: str = "zips"
    """Of EXRs."""
    reference_white_nits: float = 100.0
    """What 1.0 in an EXR is on a PQ wall."""


def read_record_options(place: str, options: Options) -> RecordOptions | str:
    """The take that a URL describes, or what would be right. Raises the options' error on one that is not allowed."""
    if not place or "\0" in place:
        return "give a file like takes/wall.mov, an EXR sequence like takes/wall/%06d.exr, or a folder like takes/"
    codec = options.one_of("codec", CODECS, "") if options.given("codec") else ""
    path = Path(place)
    digits, numbered = 6, False
    if path.suffix == ".exr":
        pattern = path.name.removesuffix(".exr")
        if not (len(pattern) == 4 and pattern.startswith("%0") and pattern[2] in "456789" and pattern[3] == "d"):
            return "an EXR sequence is named like takes/wall/%06d.exr, with 4 to 9 digits"
        if path.parent == Path():
            return "an EXR sequence has a folder of its own, like takes/wall/%06d.exr"
        digits, path, allowed = int(pattern[2]), path.parent, _BY_SUFFIX[".exr"]
    elif path.suffix in _BY_SUFFIX:
        allowed = _BY_SUFFIX[path.suffix]
        if place.endswith("/"):
            return f"{place} has a movie's suffix and a folder's slash: give one of them"
    elif codec == "exr":
        allowed, numbered = ("exr",), place.endswith("/")
        path = path / "take" if numbered else path
    elif place.endswith("/"):
        allowed, numbered = ("hevc", "h264", "prores", "prores4444"), True
        path = path / f"take{_FOLDER_SUFFIX[codec or 'hevc']}"
    else:
        return f"give a file ending in {', '.join(_BY_SUFFIX)}, or a folder ending in /"
    codec = codec or allowed[0]
    if codec not in allowed:
        return f"{path.suffix} holds {', '.join(allowed)}, not {codec}"
    return RecordOptions(
        path,
        codec,
        numbered,
        digits,
        quality=options.integer("quality", 16, 0, 51),
        queue=options.integer("queue", 8, 1, 240),
        threads=options.integer("threads", 2, 1, 64),
        reserve_bytes=options.integer("reserve", 64, 0, 1_000_000) << 20,
        compression=options.one_of("compression", COMPRESSIONS, "zips"),
        reference_white_nits=options.number("reference_white", 100.0, 1.0, 10_000.0),
    )


def check_place(place: str, options: Options) -> str | None:
    """For ``transports.Transport.check``."""
    wrong = read_record_options(place, options)
    return wrong if isinstance(wrong, str) else None
