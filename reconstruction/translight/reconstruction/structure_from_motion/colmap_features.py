"""Features, look-alikes and matches by COLMAP, kept in its database; only ``child.py`` imports this."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pycolmap

from translight.reconstruction.structure_from_motion.jobs import (
    CameraEntry,
    Counts,
    Extract,
    FeatureSettings,
    Match,
    Matched,
    PairFacts,
    Pairs,
    Retrieve,
)

Tell = Callable[[float], None]
T = TypeVar("T")

_DEFAULT_FOCAL = 1.2
"""Of the longer side, COLMAP's guess where EXIF says nothing; it is refined."""
_PAIRS_AT_ONCE = 48
_WORDS = 1024
_FEATURES_FOR_WORDS = 1000
_PLANAR = ("PLANAR", "PANORAMIC", "PLANAR_OR_PANORAMIC")


def extract(job: Extract, tell: Tell) -> Counts:
    """Features of all pictures, some at a time; what an earlier run has found is kept."""
    database = pycolmap.Database.open(job.database)
    if database.num_cameras() == 0:
        for entry in job.cameras:
            database.write_camera(_camera(entry))
    known = {image.name for image in database.read_all_images() if database.exists_descriptors(image.image_id)}
    database.close()
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.sift.max_num_features = job.settings.features
    options.sift.estimate_affine_shape = job.settings.affine
    options.sift.domain_size_pooling = job.settings.pooled
    done = len(known)
    for camera in range(len(job.cameras)):
        reader = pycolmap.ImageReaderOptions()
        reader.existing_camera_id = camera + 1
        if job.masks_folder is not None:
            reader.mask_path = job.masks_folder
        files = [p.file for p in job.pictures if p.camera == camera and p.file not in known]
        for some in _some(files, 2 * (os.cpu_count() or 1)):
            tell(done / len(job.pictures))
            pycolmap.extract_features(
                job.database,
                job.pictures_folder,
                some,
                pycolmap.CameraMode.SINGLE,
                reader,
                options,
                pycolmap.Device.cpu,
            )
            done += len(some)
    tell(1.0)
    database = pycolmap.Database.open(job.database)
    counts = {image.name: database.num_keypoints_for_image(image.image_id) for image in database.read_all_images()}
    database.close()
    return Counts(counts)


def retrieve(job: Retrieve, tell: Tell) -> Pairs:
    """Look-alikes by a vocabulary tree of words clustered from these pictures' own descriptors.

    COLMAP's published trees are downloads; one learnt from the capture knows its textures and nothing else, which is
    what is asked of it.
    """
    database = pycolmap.Database.open(job.database)
    images = database.read_all_images()
    chance = np.random.default_rng(0)
    samples = []
    for image in images:
        descriptors = database.read_descriptors(image.image_id).to_float()
        order = chance.permutation(len(descriptors.data))[:_FEATURES_FOR_WORDS]
        samples.append(descriptors.data[order])
    tell(0.1)
    data = np.concatenate(samples)
    if len(data) < _WORDS:
        database.close()
        return Pairs([])
    index = pycolmap.VisualIndex.create(data.shape[1], min(64, data.shape[1]))
    build = pycolmap.VisualIndex.BuildOptions()
    build.num_visual_words, build.num_iterations, build.num_rounds = _WORDS, 12, 1
    index.build(build, pycolmap.FeatureDescriptorsFloat(pycolmap.FeatureExtractorType.SIFT, data))
    index.write(job.tree)
    tell(0.4)
    options = pycolmap.VocabTreePairingOptions()
    options.vocab_tree_path = job.tree
    options.num_images = job.neighbours + 1  # each finds itself first
    options.max_num_features = _FEATURES_FOR_WORDS
    pairs = pycolmap.VocabTreePairGenerator(options, database).all_pairs()
    database.close()
    Path(job.tree).unlink()
    names = {image.image_id: image.name for image in images}
    return Pairs(sorted({(min(a, b), max(a, b)) for a, b in ((names[i], names[j]) for i, j in pairs) if a != b}))


def match(job: Match, tell: Tell) -> Matched:
    """Matches of the pairs, verified; what an earlier run has matched is kept."""
    options = _matching(job.settings)
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = 0
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = job.pairs_file
    done = 0
    for some in _some(job.pairs, _PAIRS_AT_ONCE):
        tell(done / len(job.pairs))
        Path(job.pairs_file).write_text("".join(f"{a} {b}\n" for a, b in some))
        pycolmap.match_image_pairs(job.database, options, pairing, verification, pycolmap.Device.cpu)
        done += len(some)
    Path(job.pairs_file).unlink(missing_ok=True)
    tell(1.0)
    database = pycolmap.Database.open(job.database)
    names = {image.image_id: image.name for image in database.read_all_images()}
    alike = dict(zip(*database.read_num_matches(), strict=True))
    geometries = dict(zip(*database.read_two_view_geometries(), strict=True))
    database.close()
    facts = []
    for pair, count in alike.items():
        i, j = pycolmap.pair_id_to_image_pair(pair)
        a, b = sorted((names[i], names[j]))
        geometry = geometries.get(pair)
        inliers = 0 if geometry is None else len(geometry.inlier_matches)
        planar = geometry is not None and pycolmap.TwoViewGeometryConfiguration(geometry.config).name in _PLANAR
        if count:
            facts.append(PairFacts(a, b, count, inliers, planar))
    return Matched(sorted(facts, key=lambda pair: (pair.a, pair.b)))


def _matching(settings: FeatureSettings) -> pycolmap.FeatureMatchingOptions:
    options = pycolmap.FeatureMatchingOptions()
    options.use_gpu = False
    options.sift.max_ratio = settings.max_ratio
    options.guided_matching = settings.guided
    return options


def _camera(entry: CameraEntry) -> pycolmap.Camera:
    focal = entry.focal_px or _DEFAULT_FOCAL * max(entry.width_px, entry.height_px)
    camera = pycolmap.Camera.create_from_model_name(0, "SIMPLE_RADIAL", focal, entry.width_px, entry.height_px)
    camera.has_prior_focal_length = entry.focal_px is not None
    return camera


def _some(items: Sequence[T], count: int) -> Iterator[list[T]]:
    for first in range(0, len(items), count):
        yield list(items[first : first + count])
