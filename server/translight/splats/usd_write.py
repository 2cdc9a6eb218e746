"""Writing OpenUSD's ParticleField3DGaussianSplat by ``usd-core``; ``usd`` reads it back.

Source: OpenUSD 26.03, "UsdVol: ParticleField3DGaussianSplat"; "USD Glossary", default prim, upAxis, metersPerUnit.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.errors import FormatError
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Progress
from translight.splats.motion import rdf_and_rub
from translight.splats.usd import MISSING, WHAT

ROOT = "/Splats"
_REACH = 3.0
"""Standard deviations that a splat's extent goes to, as OpenUSD's kernel does."""


def write(path: Path, cloud: SplatCloud, progress: Progress | None = None) -> None:
    """Write ``.usda`` as text, ``.usd`` and ``.usdc`` as crate, ``.usdz`` as a package of one crate; float32.

    The stage is Y up (RUB: x right, y up, z back) with a metre a unit; the prim lies under the default prim /Splats.
    Raises FormatError when OpenUSD cannot write, MissingExtra without ``usd-core``.
    """
    try:
        pxr = {
            name: import_module(f"pxr.{name}") for name in ("Gf", "Tf", "Usd", "UsdGeom", "UsdUtils", "UsdVol", "Vt")
        }
    except ModuleNotFoundError as error:
        raise MISSING from error
    try:
        if path.suffix.lower() != ".usdz":
            _write(path, cloud, pxr, progress)
            return
        with tempfile.TemporaryDirectory("", "translight-usd-") as folder:
            crate = Path(folder) / "splats.usdc"
            _write(crate, cloud, pxr, progress)
            if not pxr["UsdUtils"].CreateNewUsdzPackage(str(crate), str(path)):
                raise FormatError(f"{WHAT}: the package could not be written")
    except pxr["Tf"].ErrorException as error:
        raise FormatError(f"{WHAT}: {str(error).strip().splitlines()[-1].strip()}") from error


def _write(path: Path, cloud: SplatCloud, pxr: dict[str, Any], progress: Progress | None) -> None:
    geometry, values = pxr["UsdGeom"], pxr["Vt"]
    stage = pxr["Usd"].Stage.CreateNew(str(path))
    geometry.SetStageUpAxis(stage, geometry.Tokens.y)
    geometry.SetStageMetersPerUnit(stage, 1.0)
    root = geometry.Xform.Define(stage, ROOT)
    pxr["Usd"].ModelAPI(root.GetPrim()).SetKind("component")
    stage.SetDefaultPrim(root.GetPrim())
    prim = pxr["UsdVol"].ParticleField3DGaussianSplat.Define(stage, f"{ROOT}/Gaussians")
    tell = progress or (lambda _: None)

    cloud = rdf_and_rub(cloud)
    prim.CreatePositionsAttr(values.Vec3fArray.FromNumpy(cloud.means))
    tell(0.2)
    # Gf's quaternions lie in memory with the real part last
    xyzw = np.ascontiguousarray(np.roll(cloud.wxyz, -1, axis=1))
    prim.CreateOrientationsAttr(values.QuatfArray.FromNumpy(xyzw))
    tell(0.4)
    prim.CreateScalesAttr(values.Vec3fArray.FromNumpy(cloud.scales))
    prim.CreateOpacitiesAttr(values.FloatArray.FromNumpy(cloud.opacities))
    tell(0.5)
    prim.CreateRadianceSphericalHarmonicsDegreeAttr(cloud.sh_degree)
    prim.CreateRadianceSphericalHarmonicsCoefficientsAttr(values.Vec3fArray.FromNumpy(cloud.sh.reshape(-1, 3)))
    prim.CreateProjectionModeHintAttr("perspective")
    if len(cloud):
        prim.CreateExtentAttr(values.Vec3fArray.FromNumpy(_extent(cloud)))
    tell(0.7)
    stage.Save()
    tell(1.0)


def _extent(cloud: SplatCloud) -> np.ndarray:
    """Corners (2 3) of a box around every splat, to three standard deviations of its longest axis."""
    reach = np.float32(_REACH) * cloud.scales.max(axis=1, keepdims=True)
    return np.stack([(cloud.means - reach).min(axis=0), (cloud.means + reach).max(axis=0)]).astype(np.float32)
