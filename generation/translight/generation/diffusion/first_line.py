"""What a library's error says, in one line; drawing.py, video.py, loading.py and lift's depth_model.py tell it."""

from __future__ import annotations

_MAX_CHARS = 300


def first_line(error: BaseException) -> str:
    """The first line that is not empty, cut off; the error's class where it says nothing."""
    said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return said.strip()[:_MAX_CHARS]
