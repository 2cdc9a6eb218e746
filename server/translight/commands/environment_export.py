"""``translight environment export``: an environment as files for Unreal, Blender and others, by ``edit/exporting``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from translight.commands.environment_edit import progress_bar, reading
from translight.core.errors import ShowError


@dataclass(frozen=True)
class Export:
    """Write an environment as files that other programs import: splats, proxy mesh and sky, in place and to scale."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """A .tlenv package, or a splat file of any format that is read."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
    """The folder to write: new or empty, or with --force an export to replace."""
    program: Annotated[Literal["unreal", "blender", "any"], tyro.conf.arg(name="for")] = "any"
    """Who imports it: decides which way the stage is turned in the files, and what README.txt says."""
    formats: tuple[Literal["ply", "spz", "sog", "glb", "usdc", "usdz"], ...] = ()
    """Splat files to write; without it, those that the program is likely to take."""
    force: bool = False
    """Replace the output when it is an export."""

    def run(self) -> int:
        """Write the folder, whole or not at all, and say what it holds."""
        from translight.reconstruction.edit.exporting import TARGETS, check_folder, check_formats, export

        formats = self.formats or TARGETS[self.program].formats
        if len(set(formats)) != len(formats):
            raise ShowError("--formats: names a format twice")
        check_formats(formats)
        check_folder(self.output, force=self.force)
        with reading(self.source) as source:
            try:
                with progress_bar() as told:
                    note = export(source.environment, self.output, self.program, formats, source.proxy, told)
            except OSError as error:
                raise ShowError(f"{self.output}: cannot be written: {error.strerror or error}") from error
        print(f"{self.output}: {', '.join(note['files'])} for {note['for']} ({note['axes']})")
        if source.signed:
            print(f"{self.output}: not kept: the provenance signature", file=sys.stderr)
        return 0
