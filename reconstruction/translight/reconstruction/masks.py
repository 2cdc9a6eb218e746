"""Finding the masks that belong to stills: a folder ``masks`` inside theirs or beside it, for ``read_capture``.

Names are COLMAP's (``beach.jpg.png``) or plain (``beach.png``). 0 is not looked at, everything else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from translight.core.errors import FormatError
from translight.reconstruction.stills import open_still, shown_size

FOLDER = "masks"


def find_masks(folder: Path, sizes: Mapping[str, tuple[int, int]]) -> dict[str, Path]:
    """Masks by the names of the stills in ``folder``, whose (width, height) are given; not all need have one.

    Raises FormatError on a mask of another size than its still, and on a ``masks`` folder inside in which none fits.
    """
    inside, beside = folder / FOLDER, folder.parent / FOLDER
    for masks in (inside, beside):
        found = {name: mask for name in sizes if (mask := _mask_of(masks, name)) is not None}
        if found:
            for name, mask in found.items():
                _check(mask, name, sizes[name])
            return found
    if inside.is_dir() and sizes:
        name = min(sizes)
        raise FormatError(f"{inside}: no mask of any still; {name} would have {name}.png or {_plain(name)}")
    return {}


def _mask_of(masks: Path, name: str) -> Path | None:
    return next((mask for mask in (masks / f"{name}.png", masks / _plain(name)) if mask.is_file()), None)


def _plain(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".png"))


def _check(mask: Path, name: str, size: tuple[int, int]) -> None:
    with open_still(mask) as picture:
        found = shown_size(picture)
    if found != size:
        raise FormatError(f"{mask}: {found[0]}x{found[1]} pixels, its still {name} has {size[0]}x{size[1]}")
