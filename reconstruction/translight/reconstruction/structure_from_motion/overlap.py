"""What a capture's stills share, found quickly on small pictures: for ``inspect``, before any long work."""

from __future__ import annotations

from pathlib import Path

from translight.core.errors import ReconstructionError
from translight.core.progress import Progress
from translight.reconstruction.capture import Capture
from translight.reconstruction.structure_from_motion.jobs import FeatureSettings
from translight.reconstruction.structure_from_motion.matching import capture_fingerprint, find_matches
from translight.reconstruction.structure_from_motion.view_graph import Overlap

QUICK = FeatureSettings(longest_px=640, features=2048)
"""Enough to see what hangs together; stills that share little may still be matched by the larger pictures of a run."""


def overlap(capture: Capture, work: Path, progress: Progress) -> Overlap:
    """Features of each still, and verified matches of pairs, on pictures of 640 px.

    ``work`` is a folder to keep them in: a second call with the same stills costs nothing. Raises FormatError on a
    still that cannot be read, ReconstructionError without stills or when COLMAP fails, MissingExtra without it.
    """
    if not capture.stills:
        raise ReconstructionError(f"{capture.source}: no stills to compare")
    folder = work / f"overlap-{capture_fingerprint(capture)}"
    return find_matches(capture, folder, QUICK, progress)[1]
