"""The manifest's round trip, and every refusal with its text."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.environment.manifest import PLATE_ROLES, Manifest, Part, dump_manifest, parse_manifest, placement_of

DIGEST = "0" * 64
GOOD = {
    "schema_version": 1,
    "name": "Quarry",
    "stage_from_scene": {"scale": 2.0, "wxyz": [1.0, 0.0, 0.0, 0.0], "position_m": [0.0, 0.0, 0.0]},
    "bounds": {"lower": [0.0, 0.0, 0.0], "upper": [1.0, 1.0, 1.0]},
    "splat_count": 3,
    "colour_encoding": "srgb",
    "created_by": "translight 0.1.0",
    "parts": {"splats": {"file": "splats.ply", "bytes": 3, "sha256": DIGEST}},
    "metres_per_unit": None,
    "antialiased": False,
}


def changed(**fields: object) -> bytes:
    return json.dumps(GOOD | fields).encode()


def part(name: str) -> dict[str, object]:
    return {"file": f"{name}.bin", "bytes": 3, "sha256": DIGEST}


PLATE = {
    "name": "clouds", "rate": "24000/1001", "frames": 48, "left_px": 7, "top_px": 2, "width_px": 100, "height_px": 20,
}  # fmt: skip


def with_plates(**fields: object) -> bytes:
    parts = {role: part(role) for role in ("splats", "sky", "plate_1")}
    return json.dumps(GOOD | {"schema_version": 2, "parts": parts, "plates": [PLATE]} | fields).encode()


def test_round_trip(manifest: Manifest) -> None:
    listed = msgspec.structs.replace(manifest, parts={"splats": Part("splats.ply", 3, DIGEST)})
    assert parse_manifest(dump_manifest(listed)) == listed


def test_one_written_before_antialiasing_was_known_reads() -> None:
    values = {name: value for name, value in GOOD.items() if name != "antialiased"}
    assert not parse_manifest(json.dumps(values).encode()).antialiased


def test_it_reads_as_documented() -> None:
    assert json.loads(dump_manifest(parse_manifest(changed()))) == GOOD


finite = st.floats(-1e6, 1e6)


@given(
    scale=st.floats(1e-6, 1e6),
    turn=st.tuples(finite, finite, finite, finite).filter(lambda q: np.linalg.norm(q) > 1e-3),
    position=st.tuples(finite, finite, finite),
)
def test_placement_is_kept_to_the_last_bit(
    scale: float, turn: tuple[float, ...], position: tuple[float, float, float]
) -> None:
    given_one = Similarity(scale, Pose.from_wxyz(turn, position))
    data = changed(stage_from_scene=msgspec.to_builtins(placement_of(given_one)))
    read = parse_manifest(data).similarity()
    np.testing.assert_allclose(read.matrix(), given_one.matrix(), rtol=1e-12, atol=1e-12 * scale)
    assert read.scale == given_one.scale


REFUSED = [
    (b"", "environment.json: Input data was truncated"),
    (b"[]", "environment.json: Expected `object`, got `array`"),
    (b"\xff{}", "environment.json: JSON is malformed: invalid character (byte 0)"),
    (b"{}", "environment.json: Object missing required field `schema_version`"),
    (
        changed(schema_version=3),
        "environment.json: schema version 3, this program reads versions 1 and 2: update the program",
    ),
    (changed(schema_version=0), "environment.json: schema version 0 does not exist, versions 1 and 2 do"),
    (changed(surprise=1), "environment.json: Object contains unknown field `surprise`"),
    (changed(name=""), "environment.json: Expected `str` of length >= 1 - at `$.name`"),
    (changed(splat_count=-1), "environment.json: Expected `int` >= 0 - at `$.splat_count`"),
    (changed(splat_count=1.5), "environment.json: Expected `int`, got `float` - at `$.splat_count`"),
    (changed(colour_encoding="log"), "environment.json: Invalid enum value 'log' - at `$.colour_encoding`"),
    (
        changed(stage_from_scene={"scale": 0, "wxyz": [1, 0, 0, 0], "position_m": [0, 0, 0]}),
        "environment.json: stage_from_scene.scale must be above 0, got 0",
    ),
    (
        changed(stage_from_scene={"scale": 1, "wxyz": [2, 0, 0, 0], "position_m": [0, 0, 0]}),
        "environment.json: stage_from_scene.wxyz must have length 1, got 2",
    ),
    (
        changed(stage_from_scene={"scale": 1, "wxyz": [1, 0, 0], "position_m": [0, 0, 0]}),
        "environment.json: Expected `array` of length 4 - at `$.stage_from_scene.wxyz`",
    ),
    (changed(metres_per_unit=-1), "environment.json: metres_per_unit must be above 0 or null, got -1"),
    (
        changed(bounds={"lower": [0, 2, 0], "upper": [1, 1, 1]}),
        "environment.json: bounds.lower must not pass bounds.upper, got (0.0, 2.0, 0.0) and (1.0, 1.0, 1.0)",
    ),
    (changed(parts={}), "environment.json: parts has no 'splats', which every environment needs"),
    (
        changed(parts={"music": {"file": "a.mp3", "bytes": 1, "sha256": DIGEST}}),
        "environment.json: Invalid enum value 'music' - at `key` in `$.parts`",
    ),
    (
        changed(parts={"splats": {"file": "../splats.ply", "bytes": 1, "sha256": DIGEST}}),
        "environment.json: part 'splats' names '../splats.ply': a plain file name beside it is wanted",
    ),
    (
        changed(parts={"splats": {"file": "Environment.json", "bytes": 1, "sha256": DIGEST}}),
        "environment.json: part 'splats' names 'Environment.json': a plain file name beside it is wanted",
    ),
    (
        changed(
            parts={
                "splats": {"file": "a.ply", "bytes": 1, "sha256": DIGEST},
                "sky": {"file": "A.ply", "bytes": 1, "sha256": DIGEST},
            }
        ),
        "environment.json: part 'sky' names 'A.ply', which another part already is",
    ),
    (
        changed(parts={"splats": {"file": "a.ply", "bytes": 1, "sha256": "12"}}),
        "environment.json: Expected `str` matching regex '^[0-9a-f]{64}$' - at `$.parts[...].sha256`",
    ),
    (
        with_plates(plates=[]),
        "environment.json: a package has plates where its schema version is 2, and only there",
    ),
    (
        with_plates(schema_version=1),
        "environment.json: a package has plates where its schema version is 2, and only there",
    ),
    (with_plates(plates=[PLATE, PLATE]), "environment.json: 2 plates, whose parts must be plate_1, plate_2"),
    (
        with_plates(plates=[PLATE] * 5, parts={role: part(role) for role in ("splats", "sky", *PLATE_ROLES)}),
        "environment.json: 5 plates, up to 4 are allowed",
    ),
    (
        with_plates(parts={role: part(role) for role in ("splats", "plate_1")}),
        "environment.json: plates lie on a sky, and parts has no 'sky'",
    ),
    (
        with_plates(plates=[PLATE | {"rate": "fast"}]),
        "environment.json: plate 'clouds': a frame rate is like 24, 23.976 or 24000/1001, got 'fast'",
    ),
    (with_plates(plates=[PLATE | {"frames": 0}]), "environment.json: Expected `int` >= 1 - at `$.plates[0].frames`"),
    (
        with_plates(plates=[PLATE | {"frames": 5000}]),
        "environment.json: Expected `int` <= 4096 - at `$.plates[0].frames`",
    ),
]


def test_plates_are_read_and_written() -> None:
    manifest = parse_manifest(with_plates())
    (plate,) = manifest.plates
    assert (plate.name, plate.rate, plate.frames, plate.nbytes) == ("clouds", "24000/1001", 48, 48 * 100 * 20 * 8)
    assert parse_manifest(dump_manifest(manifest)) == manifest


def test_without_plates_a_manifest_is_what_it_was_before_there_were_any() -> None:
    fields = json.loads(dump_manifest(parse_manifest(changed())))
    assert "plates" not in fields
    assert fields["schema_version"] == 1


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_refusals(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as error:
        parse_manifest(data)
    assert str(error.value) == message


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_format_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_manifest(data)


def test_what_would_not_be_read_is_not_written(manifest: Manifest) -> None:
    with pytest.raises(FormatError, match="parts has no 'splats'"):
        dump_manifest(manifest)
