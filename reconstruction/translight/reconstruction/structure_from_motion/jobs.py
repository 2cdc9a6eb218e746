"""What the process that runs COLMAP (``child.py``) is asked to do, as JSON; ``worker.py`` sends it."""

from __future__ import annotations

from typing import Any

import msgspec


class CameraEntry(msgspec.Struct, frozen=True):
    """A camera of the reduced pictures; ``focal_px`` is None where EXIF says nothing."""

    width_px: int
    height_px: int
    focal_px: float | None


class PictureEntry(msgspec.Struct, frozen=True):
    """A reduced picture: its file's name in the folder of pictures, and its camera's place in the list."""

    file: str
    camera: int


class FeatureSettings(msgspec.Struct, frozen=True):
    """How features are found and compared. Defaults are COLMAP's, but for the count.

    ``longest_px`` is the length of the pictures' longer side. ``affine`` estimates each feature's affine shape
    (Mikolajczyk 2002), ``pooled`` pools descriptors over scales (DSP-SIFT, Dong and Soatto 2015): both are several
    times slower, and find matches where the view changes much. ``max_ratio`` is Lowe's ratio.
    """

    longest_px: int
    features: int = 4096
    affine: bool = False
    pooled: bool = False
    max_ratio: float = 0.8
    guided: bool = False


class Extract(msgspec.Struct, frozen=True, tag="extract"):
    """Find features in each picture that the database does not know yet."""

    database: str
    pictures_folder: str
    masks_folder: str | None
    cameras: list[CameraEntry]
    pictures: list[PictureEntry]
    settings: FeatureSettings


class Retrieve(msgspec.Struct, frozen=True, tag="retrieve"):
    """Find for each picture the ``neighbours`` that look most like it, by words learnt from these pictures alone."""

    database: str
    tree: str
    neighbours: int


class Match(msgspec.Struct, frozen=True, tag="match"):
    """Match and verify the pairs (of files' names) that the database does not know yet."""

    database: str
    pairs_file: str
    pairs: list[tuple[str, str]]
    settings: FeatureSettings


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the child's: how far it is, or what came of it, or why nothing did."""

    share: float | None = None
    result: Any = None
    error: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """What extraction came to: the features of each file."""

    features: dict[str, int]


class Pairs(msgspec.Struct, frozen=True):
    """What retrieval came to: pairs of files' names."""

    pairs: list[tuple[str, str]]


class PairFacts(msgspec.Struct, frozen=True, array_like=True):
    """A matched pair of files: features that look alike, and those of them that one geometry explains.

    ``planar`` says that a homography explains them as well: a plane, or a camera that only turned.
    """

    a: str
    b: str
    matches: int
    inliers: int
    planar: bool


class Matched(msgspec.Struct, frozen=True):
    """What matching came to, for every pair with any match."""

    pairs: list[PairFacts]


class MapperSettings(msgspec.Struct, frozen=True):
    """How strict incremental mapping is; defaults are COLMAP's. ``global_`` maps all at once instead (GLOMAP).

    ``init_*`` choose the first pair, ``register_*`` say how many features a still must find in the model, and
    ``least_angle_deg`` how far apart two rays are that make a point. Sources: Schönberger and Frahm, "Structure-from-
    Motion Revisited" (2016); Pan et al., "Global Structure-from-Motion Revisited" (2024).
    """

    init_inliers: int = 100
    init_angle_deg: float = 16.0
    register_inliers: int = 30
    register_share: float = 0.25
    least_angle_deg: float = 1.5
    seed: int = 0
    global_: bool = False


class Map(msgspec.Struct, frozen=True, tag="map"):
    """Find cameras and points from the matches; the best model is refined and kept in ``folder``."""

    database: str
    pictures_folder: str
    folder: str
    stills: int
    settings: MapperSettings
    seconds: int


class Mapped(msgspec.Struct, frozen=True):
    """What mapping came to: the files of each model, the largest first, which is the one that is kept."""

    models: list[list[str]]


class Angles(msgspec.Struct, frozen=True, tag="angles"):
    """Ask for the median angle, in degrees, between the rays of each verified pair's matches."""

    database: str


class PairAngles(msgspec.Struct, frozen=True):
    """The angles of pairs of files."""

    angles_deg: list[tuple[str, str, float]]


Job = Extract | Retrieve | Match | Map | Angles
