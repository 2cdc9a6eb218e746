"""An environment as files that other programs import, standing where the stage has it, in metres.

Source: Epic Games, Unreal Engine, ``GLTFConversionUtilities.h`` (x z y, times 100); Blender, "glTF 2.0" add-on (y up
to z up); axes of this program: ``core/frames.py``. docs/unreal/export.md has what each importer does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ShowError
from translight.core.files import whole_folder
from translight.core.frames import RDF_FROM_RUB, STAGE_FROM_RDF
from translight.core.image import save_image
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.environment.proxy import placed_proxy
from translight.reconstruction.edit.placing import baked, headed
from translight.splats import files as splat_files
from translight.splats.usd import MISSING

Program = Literal["unreal", "blender", "any"]
SplatFile = Literal["ply", "spz", "sog", "glb", "usdc", "usdz"]
NOTE = "export.json"
_AXES_RDF = "x right, y down, z forward"
_AXES_RUB = "x right, y up, z back"
_RUB_FILES = ("spz", "glb", "usdc", "usdz")
_USD_FILES = ("usdc", "usdz")


_STEPS: Mapping[Program, list[str]] = {
    "unreal": [
        "glTF and USD: import, put the actor at location 0 0 0, rotation 0 0 0, scale 1 1 1. Unreal's importers",
        "turn y up into Z up and metres into centimetres, and the stage's forward then is Unreal's +X.",
        "Of splats in glTF or USD stock Unreal 5.4 shows points or nothing; plugins for KHR_gaussian_splatting or",
        "ParticleField3DGaussianSplat show them.",
        "PLY, SPZ and SOG: by a splat plugin. Plugins differ in axes: compare the actor's bounds with those in",
        "export.json, which are Unreal's, and turn or scale the actor until they agree.",
    ],
    "blender": [
        "glTF and USD: import as they are; Blender turns y up into Z up.",
        "PLY: add-ons for splats take x, y, z as they come: turn the object by -90 degrees about X.",
    ],
    "any": ["Each file's axes, and the matrix to X right, Y forward, Z up in metres, are in export.json."],
}


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A program that imports: how the stage is turned for it, and what its own axes are."""

    name: str
    heading_deg: float
    """The stage is turned by this, to the left as seen from above, so that what the importer does ends up right."""
    from_stage: Float64[np.ndarray, "3 3"]
    """The program's axes and units from the stage's."""
    axes: str
    formats: tuple[SplatFile, ...]

    def from_turned(self) -> Float64[np.ndarray, "3 3"]:
        """The program's axes and units from the turned stage's, in which the files are."""
        return self.from_stage @ headed(self.heading_deg).pose.rotation().T


TARGETS: Mapping[Program, Target] = {
    "unreal": Target(
        "Unreal Engine",
        -90.0,
        np.array([[0.0, 100.0, 0.0], [100.0, 0.0, 0.0], [0.0, 0.0, 100.0]]),
        "X forward, Y right, Z up, left-handed, centimetres",
        ("ply", "spz", "glb", "usdc"),
    ),
    "blender": Target("Blender", 0.0, np.eye(3), "X right, Y forward, Z up, metres", ("ply", "glb", "usdc")),
    "any": Target("any program", 0.0, np.eye(3), "X right, Y forward, Z up, metres", ("ply", "spz", "glb")),
}


def check_formats(formats: Sequence[SplatFile]) -> None:
    """Raise MissingExtra, before any work, where a format needs a package that is not there."""
    if any(name in _USD_FILES for name in formats) and find_spec("pxr") is None:
        raise MISSING


def check_folder(folder: Path, *, force: bool) -> None:
    """Raise ShowError unless the folder is new or, with ``force``, an export that may be replaced."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        if not force:
            raise ShowError(f"{folder} exists; --force replaces an export")
        if not (folder / NOTE).is_file():
            raise ShowError(f"{folder} is no export: it holds no {NOTE}; choose another")
    if not folder.absolute().parent.is_dir():
        raise ShowError(f"--output: there is no folder {folder.absolute().parent}")


def export(
    environment: Environment,
    folder: Path,
    program: Program,
    formats: Sequence[SplatFile],
    proxy: Path | None = None,
    told: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Write the files, ``export.json`` and ``README.txt``, whole or not at all; the result is what the JSON says.

    Splats have the placement worked in (scale, turn and SH), the proxy mesh has it in a node, the sky stays as it is:
    its middle column is the stage's +Y. Raises FormatError when a part cannot be written.
    """
    target = TARGETS[program]
    turn = headed(target.heading_deg)
    turned = replace(environment, stage_from_scene=turn @ environment.stage_from_scene)
    splats = baked(turned).splats
    files: dict[str, Any] = {}
    with whole_folder(folder) as aside:
        for suffix in formats:
            name = f"splats.{suffix}"
            tell = None if told is None else partial(told, f"writing {name}")
            splat_files.save(aside / name, splats, linear=environment.encoding == "linear", progress=tell)
            files[name] = _described(target, rub=suffix in _RUB_FILES)
        if proxy is not None:
            rdf = Similarity(1.0, STAGE_FROM_RDF)
            mesh = placed_proxy(proxy.read_bytes(), rdf.inverse() @ turned.stage_from_scene)
            (aside / "proxy.glb").write_bytes(mesh)
            files["proxy.glb"] = _described(target, rub=True)
        if environment.sky is not None:
            for name in ("sky.hdr", "sky.exr"):
                save_image(aside / name, np.ascontiguousarray(environment.sky, np.float32))
                files[name] = {"projection": "equirectangular", "middle_column": "stage +Y", "light": "linear Rec.709"}
        note = {
            "environment": environment.name,
            "for": target.name,
            "axes": target.axes,
            "colour_encoding": environment.encoding,
            "antialiased": environment.antialiased,
            "splats": len(splats),
            "bounds": _bounds(splats.means, target),
            "stage_turned_deg": target.heading_deg,
            "brightest": _brightest(environment.sky, target),
            "files": files,
        }
        (aside / NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        (aside / "README.txt").write_text(readme(note, program), encoding="utf-8")
    return note


def readme(note: Mapping[str, Any], program: Program) -> str:
    """The import steps in words."""
    lines = [f"{note['environment']}, for {note['for']} ({note['axes']}).", ""]
    files = note["files"]
    lines += _STEPS[program]
    if "sky.hdr" in files:
        lines += ["", "sky.hdr (for texture cubes) and sky.exr (exact): the middle column is the stage's forward."]
        if note["brightest"] is not None:
            x, y, z = note["brightest"]
            lines.append(
                f"Its brightest point lies in the direction {x:.3f} {y:.3f} {z:.3f} of the axes above: turn the"
            )
            lines.append("sky until it does.")
    if "proxy.glb" in files:
        lines += ["", "proxy.glb is the mesh for shadows and collision; it stands where the splats stand."]
    if note["antialiased"]:
        lines += ["", "The splats were trained with Mip-Splatting's filter: choose antialiased where a program asks."]
    lines += ["", f"Colours are blended {note['colour_encoding']}-encoded, in Rec.709 primaries.", ""]
    return "\n".join(lines)


def _described(target: Target, *, rub: bool) -> dict[str, Any]:
    """A file's axes and the matrix that takes its coordinates to the program's, rows of four."""
    matrix = np.eye(4)
    turned_from_file = (STAGE_FROM_RDF @ RDF_FROM_RUB if rub else STAGE_FROM_RDF).rotation()
    matrix[:3, :3] = target.from_turned() @ turned_from_file
    return {
        "axes": _AXES_RUB if rub else _AXES_RDF,
        "metres_per_unit": 1.0,
        "matrix": (np.round(matrix, 9) + 0.0).tolist(),
    }


def _bounds(means: np.ndarray, target: Target) -> dict[str, list[float]] | None:
    """Corners of the splats' centres in the program's axes and units."""
    if len(means) == 0:
        return None
    points = STAGE_FROM_RDF.apply(means) @ target.from_turned().T
    return {"lower": np.round(points.min(axis=0), 4).tolist(), "upper": np.round(points.max(axis=0), 4).tolist()}


def _brightest(sky: np.ndarray | None, target: Target) -> list[float] | None:
    """The direction of the sky's brightest pixel in the program's axes; None without a sky, or where it is even."""
    if sky is None:
        return None
    light = sky @ np.array([0.2126, 0.7152, 0.0722])
    if not light.max() > light.min():
        return None
    row, column = np.unravel_index(int(light.argmax()), light.shape)
    height, width = light.shape
    azimuth = ((column + 0.5) / width - 0.5) * 2 * np.pi
    elevation = (0.5 - (row + 0.5) / height) * np.pi
    level = np.cos(elevation)
    stage = np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)])
    direction = target.from_stage @ stage
    return np.round(direction / np.linalg.norm(direction), 6).tolist()
