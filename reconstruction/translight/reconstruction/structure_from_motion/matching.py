"""Features and matches of a capture, found by COLMAP (``worker.py``) and kept in a folder: none is found twice."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from translight.core.files import whole_file
from translight.core.progress import Progress
from translight.reconstruction.capture import Capture
from translight.reconstruction.structure_from_motion import pairing
from translight.reconstruction.structure_from_motion.geodesy import local_positions_m
from translight.reconstruction.structure_from_motion.jobs import (
    Counts,
    Extract,
    FeatureSettings,
    Match,
    Matched,
    Pairs,
    Retrieve,
)
from translight.reconstruction.structure_from_motion.pairing import Pair
from translight.reconstruction.structure_from_motion.pictures import Pictures, prepare_pictures
from translight.reconstruction.structure_from_motion.view_graph import Overlap, PairOverlap
from translight.reconstruction.structure_from_motion.worker import fingerprint, run_job

DATABASE = "matches.db"
_FINISHED = "overlap.json"
_GPS_SPREAD_M = 30.0
"""GPS tells who stands near whom only where the capture is some times larger than its error of about 5 m."""
_GPS_SHARE = 0.9
_LOOP_NEIGHBOURS = 6


def capture_fingerprint(capture: Capture) -> str:
    """Equal for equal stills: files, their sizes and times, and what the capture says of them."""

    def file(path: Path | None) -> list[str | int] | None:
        return None if path is None else [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]

    stills = [
        [s.name, file(s.file), file(s.mask), s.camera, s.width_px, s.height_px, s.focal_px] for s in capture.stills
    ]
    return fingerprint([stills, capture.sequential])


def find_matches(
    capture: Capture, folder: Path, settings: FeatureSettings, progress: Progress, limit_s: float | None = None
) -> tuple[Pictures, Overlap]:
    """The reduced pictures, and what they share; ``folder`` keeps both, and a second call goes on where one stopped.

    The folder is for this capture and these settings alone. Progress runs from 0 to 1 over all of it. ``limit_s`` is
    the longest that features and matches may each take. Raises FormatError on a still that cannot be read,
    ReconstructionError when COLMAP fails.
    """
    pictures = prepare_pictures(capture, folder, settings.longest_px, _part(progress, 0.0, 0.1))
    finished = folder / _FINISHED
    if finished.exists():
        progress("matching photographs", 1.0)
        return pictures, msgspec.json.decode(finished.read_bytes(), type=Overlap)
    database = str(folder / DATABASE)
    masks = None if pictures.masks is None else str(pictures.masks)
    extract = Extract(database, str(pictures.folder), masks, list(pictures.cameras), list(pictures.entries), settings)
    counts = run_job(extract, Counts, folder, "finding features", _part(progress, 0.1, 0.5), seconds=limit_s)
    pairs, how = _pairs(capture, pictures, database, folder, _part(progress, 0.5, 0.55))
    files = [entry.file for entry in pictures.entries]
    named = [(files[i], files[j]) for i, j in pairs]
    match = Match(database, str(folder / "pairs.txt"), named, settings)
    found = run_job(match, Matched, folder, "matching photographs", _part(progress, 0.55, 1.0), seconds=limit_s)
    names = {file: still.name for file, still in zip(files, capture.stills, strict=True)}
    features = {names[file]: counts.features.get(file, 0) for file in files}
    overlaps = tuple(PairOverlap(names[p.a], names[p.b], p.matches, p.inliers, p.planar) for p in found.pairs)
    overlap = Overlap(features, overlaps, how)
    with whole_file(finished) as aside:
        aside.write_bytes(msgspec.json.encode(overlap))
    return pictures, overlap


def _pairs(
    capture: Capture, pictures: Pictures, database: str, folder: Path, progress: Progress
) -> tuple[list[Pair], str]:
    """The pairs to match, and by what they were chosen, in words."""
    count = len(capture.stills)
    if count <= pairing.EXHAUSTIVE_STILLS:
        return pairing.every_pair(count), "every pair"
    places = {entry.file: place for place, entry in enumerate(pictures.entries)}

    def look_alikes(neighbours: int) -> list[Pair]:
        job = Retrieve(database, str(folder / "words.bin"), neighbours)
        found = run_job(job, Pairs, folder, "finding look-alikes", progress)
        return [(min(places[a], places[b]), max(places[a], places[b])) for a, b in found.pairs]

    if capture.sequential:
        pairs = {*pairing.following_pairs(count), *look_alikes(_LOOP_NEIGHBOURS)}
        return sorted(pairs), "those that follow one another, and look-alikes"
    positions = local_positions_m(capture)
    known = np.isfinite(positions).all(axis=1)
    if known.mean() >= _GPS_SHARE and np.ptp(positions[known], axis=0).max() >= _GPS_SPREAD_M:
        pairs = {*pairing.near_pairs(positions), *look_alikes(_LOOP_NEIGHBOURS)}
        return sorted(pairs), "neighbours by GPS, and look-alikes"
    pairs = {*look_alikes(pairing.NEIGHBOURS), *pairing.following_pairs(count, 2)}
    return sorted(pairs), "look-alikes, and those that follow one another by name"


def _part(progress: Progress, first: float, last: float) -> Progress:
    return lambda what, share: progress(what, first + (last - first) * share)
