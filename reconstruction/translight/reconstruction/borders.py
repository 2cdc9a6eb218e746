"""Masks of the black borders that undistorted pictures have where the lens saw nothing, for ``polycam``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from translight.core.errors import FormatError, ReconstructionError
from translight.core.image import save_image
from translight.reconstruction.stills import load_still

_BLACK = 2.5 / 255
_BLURRED_PX = 6
"""How far JPEG's blocks carry the border into the picture."""


def border_mask(picture: Path, mask: Path) -> Path | None:
    """Write ``mask`` (0 where the border is, 255 elsewhere) and return it; None, and no mask, without a border.

    The border is what is black and joins the picture's edge. Raises FormatError on a picture that cannot be read,
    ReconstructionError when the disk does not take the mask.
    """
    outside = _outside(load_still(picture).max(axis=2) < _BLACK)
    try:
        if not outside.any():
            mask.unlink(missing_ok=True)
            return None
        mask.parent.mkdir(parents=True, exist_ok=True)
        save_image(mask, np.where(outside, 0, 255).astype(np.uint8))
    except (OSError, FormatError) as error:
        raise ReconstructionError(f"{mask}: cannot be written ({error})") from error
    return mask


def _outside(black: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """What of the black joins the edge, and a little more."""
    from scipy.ndimage import binary_dilation, label

    parts, _ = label(black)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    found = np.isin(parts, edge[edge > 0])
    return np.asarray(binary_dilation(found, iterations=_BLURRED_PX)) if found.any() else found
