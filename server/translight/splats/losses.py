"""What a written format will not keep of a cloud, in words for the one who converts it."""

from __future__ import annotations

import numpy as np

from translight.splats import palette, raw, spz_packing
from translight.splats.cloud import SplatCloud
from translight.splats.formats import Format


def losses(cloud: SplatCloud, kind: Format) -> list[str]:
    """Each loss in a few words; empty for PLY, glTF and OpenUSD, which keep float32."""
    match kind:
        case Format.SPLAT:
            return _of_splat(cloud)
        case Format.SPZ:
            return _of_spz(cloud)
        case Format.SOG:
            return _of_sog(cloud)
        case _:
            return []


def _of_splat(cloud: SplatCloud) -> list[str]:
    found = [f"SH of degree {cloud.sh_degree} dropped"] if cloud.sh_degree else []
    colours = cloud.sh[:, 0] * np.float32(raw.SH_C0) + np.float32(0.5)
    found += _clipped("base colours", int(np.count_nonzero(((colours < 0) | (colours > 1)).any(axis=1))), len(cloud))
    return [*found, "colour and opacity rounded to 1/255, rotations to 1/128"]


def _of_spz(cloud: SplatCloud) -> list[str]:
    step = 2.0 ** -spz_packing.choose_fractional_bits(cloud)
    found = [f"positions rounded to {step:.2g}, scales to 6 %, opacity to 1/255, SH to 1/128"]
    colours = np.abs(cloud.sh[:, 0]) > 0.5 / spz_packing.COLOUR_SCALE
    found += _clipped("base colours", int(np.count_nonzero(colours.any(axis=1))), len(cloud))
    if cloud.sh_degree:
        beyond = sum(
            int(np.count_nonzero((np.abs(band) > 1).any(axis=(1, 2)))) for band in np.array_split(cloud.sh[:, 1:], 16)
        )
        found += _clipped("sets of SH", beyond, len(cloud))
    logs = raw.log(cloud.scales)
    top = spz_packing.LEAST_LOG_SCALE + 255 * spz_packing.LOG_SCALE_STEP
    outside = (logs < spz_packing.LEAST_LOG_SCALE) | (logs > top)
    return found + _clipped("scales", int(np.count_nonzero(outside.any(axis=1))), len(cloud))


def _of_sog(cloud: SplatCloud) -> list[str]:
    if len(cloud) == 0:
        return []
    logs = np.copysign(np.log1p(np.abs(cloud.means)), cloud.means)
    span = float((logs.max(axis=0) - logs.min(axis=0)).max())
    step = span / 65535 * (1.0 + float(np.abs(cloud.means).max()))
    found = [f"the splats' order, positions to {step:.2g} at the farthest, scales and colours to 256 values"]
    found.append("opacity to 1/255, rotations to 1/180")
    sets = palette.palette_size(len(cloud))
    if cloud.sh_degree and sets < len(cloud):
        found.append(f"SH to {sets:,} sets for {len(cloud):,} splats")
    return found


def _clipped(what: str, count: int, total: int) -> list[str]:
    return [f"{what} of {count:,} of {total:,} splats clipped to its range"] if count else []
