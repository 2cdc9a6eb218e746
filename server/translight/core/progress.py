"""How long work tells how far it is: what is being done, and the share of it that is done."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a few words ("matching photographs") and a share from 0 to 1, as often as something is to be told.

What it raises ends the work: an interrupt."""


def silent(what: str, share: float) -> None:
    """Progress that nobody looks at."""
