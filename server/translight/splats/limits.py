"""What a decoder may take: counts and bytes are checked here before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from translight.core.errors import FormatError

BLOCK = 1 << 15
"""Splats that a codec turns at a time: the working set stays in the cache, and progress is seen to move."""

_ALWAYS_ALLOWED = 16 << 20
_MOST_TEXT = 120

Progress = Callable[[float], None]
"""Told how far a long read or write is, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Security: the most that a file may hold or unpack to. Every decoder takes one."""

    max_splats: int = 50_000_000
    """Splats in one cloud."""
    max_bytes: int = 8 << 30
    """Bytes of a file, and of what it unpacks to."""
    max_ratio: int = 1024
    """Unpacked over packed bytes of the positions, beyond 16 MiB; those of real scenes stay below 10."""

    def check_count(self, count: int, what: str) -> None:
        """Raise FormatError when ``what`` claims more splats than the limit."""
        if count > self.max_splats:
            raise FormatError(f"{what} claims {count:,} splats; the limit is {self.max_splats:,}")

    def check_bytes(self, size: int, what: str) -> None:
        """Raise FormatError when ``what`` is, or unpacks to, more bytes than the limit."""
        if size > self.max_bytes:
            raise FormatError(f"{what} is {size:,} bytes; the limit is {self.max_bytes:,}")

    def check_ratio(self, unpacked: int, packed: int, what: str) -> None:
        """Raise FormatError when so few packed bytes cannot honestly hold so many unpacked ones."""
        if unpacked > max(_ALWAYS_ALLOWED, self.max_ratio * packed):
            raise FormatError(f"{what}: {packed:,} bytes cannot hold the {unpacked:,} bytes that are claimed")


DEFAULT_LIMITS = Limits()


def brief(text: object) -> str:
    """Text from a file or a library's error, made printable and cut to what fits in a line of ours."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= _MOST_TEXT else words[:_MOST_TEXT] + "…"


def blocks(count: int, progress: Progress | None = None) -> Iterator[slice]:
    """Slices of up to ``BLOCK`` rows that cover ``count``; tells ``progress`` after each."""
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        yield slice(start, stop)
        if progress is not None:
            progress(stop / count)
