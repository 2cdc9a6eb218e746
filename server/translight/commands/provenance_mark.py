"""``translight provenance mark|detect``: an invisible watermark on exported stills and frames of plates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

_PICTURES = (".png", ".jpg", ".jpeg", ".exr", ".hdr")
_FILMS = (".mov", ".mp4", ".m4v", ".mkv", ".mxf", ".webm", ".avi")
_MAX_KEY = 4096
_PNG_DEPTH = 24
"""Where a PNG's header says how many bits a channel has (PNG, second edition, 11.2.2)."""


@dataclass(frozen=True)
class Mark:
    """Put an invisible watermark of 48 bits on a still, or on every frame in a folder."""

    picture: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE|FOLDER")]
    """PNG, JPEG, OpenEXR or HDR; of a folder every such file in it."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="PICTURE|FOLDER")]
    """The marked copy, or the folder of copies, which must not exist yet."""
    id: Annotated[str | None, tyro.conf.arg(metavar="HEX")] = None
    """12 hexadecimal digits; the first 12 of the sha256 of the source's candidate.json if not given."""
    of: Annotated[Path | None, tyro.conf.arg(metavar="CANDIDATE")] = None
    """The candidate's folder that it was made of, which gives the id."""
    key_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The production's own watermark key, any bytes: keeps others from reading and writing such marks."""
    ledger: Annotated[Path | None, tyro.conf.arg(metavar="RUN/ledger.jsonl")] = None
    """The run's ledger, which gets a line for each copy; sign then says that it is marked."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Who marks, for the ledger; the account's name if not given."""
    force: bool = False
    """Replace a picture that exists."""

    def run(self) -> int:
        """Mark; each copy appears whole or not at all, a folder as a whole."""
        from translight.commands.review import account
        from translight.core.errors import FormatError, GenerationError
        from translight.core.files import sha256_of, whole_folder
        from translight.generation.provenance.decision import ledger_at
        from translight.generation.provenance.watermark_code import ID_DIGITS, parse_id
        from translight.generation.review.ledger import append
        from translight.generation.run.store import FILE_NAME, read_stored

        if (self.id is None) == (self.of is None):
            raise GenerationError("the mark's id: give --id HEX, or --of CANDIDATE")
        about = {}
        if self.of is not None:
            about["candidate"] = read_stored(self.of).name
        digits = self.id if self.of is None else sha256_of(self.of / FILE_NAME)[:ID_DIGITS]
        assert digits is not None
        identity, key = parse_id(digits), _key(self.key_file)
        ledger_at(self.ledger)
        by = account(self.by)
        if self.output.exists() and not (self.force and self.picture.is_file() and self.output.is_file()):
            raise GenerationError(
                f"{self.output}: exists" + ("; --force replaces it" if self.picture.is_file() else "")
            )
        sources = _pictures(self.picture)
        if not self.picture.is_dir():
            _mark(sources[0], self.output, identity, key, check=True)
            copies = [self.output]
        else:
            try:
                with whole_folder(self.output.absolute()) as aside:
                    for number, source in enumerate(sources):  # reading takes longer than marking: once will do
                        _mark(source, aside / source.name, identity, key, check=number == 0)
            except OSError as error:
                raise FormatError(f"{self.output}: cannot be written ({error.strerror})") from error
            copies = [self.output / source.name for source in sources]
        for copy in copies if self.ledger is not None else ():
            assert self.ledger is not None
            append(self.ledger, by, "marked", {**about, "file": copy.name, "sha256": sha256_of(copy), "id": digits})
        print(f"{self.output}: {len(copies)} marked with {digits}")
        return 0


@dataclass(frozen=True)
class Detect:
    """Look for a watermark in a picture that may have been compressed, resized, cropped or graded since.

    Exit status 0: found; 1: none found, which does not say that there never was one.
    """

    picture: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE|FOLDER")]
    """PNG, JPEG, OpenEXR or HDR; of a folder of frames each, until one has a mark."""
    key_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The watermark key that it was marked with, where that was not the open one."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        """Look and say."""
        from translight.core.errors import GenerationError
        from translight.core.image import load_image
        from translight.generation.provenance.watermark_find import find

        key, found, picture = _key(self.key_file), None, self.picture
        for picture in _pictures(self.picture):
            try:
                found = find(load_image(picture), key)
            except GenerationError as error:
                raise GenerationError(f"{picture}: {error}") from error
            if found is not None:
                break
        if self.json:
            values: dict[str, object] = {"id": None}
            if found is not None:
                values = {"id": f"{found.identity:012x}", "tile_px": found.tile_px, "deviations": found.deviations}
                values |= {"picture": str(picture)} if self.picture.is_dir() else {}
            print(json.dumps(values))
        elif found is None:
            print(f"{self.picture}: no watermark found, which does not say that there never was one")
        else:
            print(f"{picture}: watermark {found.identity:012x}")
        return 1 if found is None else 0


def _mark(source: Path, copy: Path, identity: int, key: bytes, *, check: bool) -> None:
    import numpy as np

    from translight.core.errors import GenerationError
    from translight.core.image import load_image, save_image
    from translight.generation.provenance.watermark import mark
    from translight.generation.provenance.watermark_find import find

    pixels = load_image(source)
    with source.open("rb") as handle:
        head = handle.read(_PNG_DEPTH + 1)
    if head.startswith(b"\x89PNG") and head[_PNG_DEPTH] == 16:
        raise GenerationError(
            f"{source}: has 16 bits a channel, of which a marked PNG keeps 8: give it as .exr, or in 8"
        )
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    try:
        marked = mark(pixels, identity, key)
    except GenerationError as error:
        raise GenerationError(f"{source}: {error}") from error
    if check and find(marked, key) is None:
        raise GenerationError(f"{source}: is too small, dark or flat: the mark could not be read from it again")
    try:
        save_image(copy, marked)
    except ValueError as error:
        raise GenerationError(str(error)) from error


def _pictures(path: Path) -> list[Path]:
    """The picture, or a folder's pictures by name."""
    from translight.core.errors import FormatError

    if path.exists() and path.suffix.lower() == ".tlenv":
        raise FormatError(f"{path}: an environment: stills and frames are marked, nothing that plays on a wall")
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES and file.is_file())
        if not found:
            raise FormatError(f"{path}: no pictures in it ({', '.join(_PICTURES)})")
        return found
    if not path.is_file():
        raise FormatError(f"{path}: no such file or folder")
    if path.suffix.lower() in _FILMS:
        raise FormatError(
            f"{path}: a film: its frames are marked before it is encoded: give their folder, or a picture"
        )
    if path.suffix.lower() not in _PICTURES:
        raise FormatError(f"{path}: pictures are {', '.join(_PICTURES)}")
    return [path]


def _key(file: Path | None) -> bytes:
    from translight.core.errors import FormatError
    from translight.generation.provenance.watermark import OPEN_KEY

    if file is None:
        return OPEN_KEY
    try:
        with file.open("rb") as handle:
            key = handle.read(_MAX_KEY + 1)
    except OSError as error:
        raise FormatError(f"{file}: cannot be read ({error.strerror})") from error
    if not 16 <= len(key) <= _MAX_KEY:
        raise FormatError(f"{file}: a watermark key has 16 to {_MAX_KEY} bytes, got {len(key)}")
    return key
