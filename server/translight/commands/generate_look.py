"""``translight generate look``: a candidate in other colours, as another candidate; docs/generation/look.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from translight.generation.candidate import Candidate
    from translight.generation.look.encoding import Encoding
    from translight.generation.look.look import Translator
    from translight.generation.look.recipe import FilmStep, LutStep, Recipe, Reference

_INTERRUPTED = 130
_MOST_LOOKS = 1000
_WAIT_S = 10.0
"""For the ledger, while another writes to it."""
_LONGEST_NAME = 101
"""Of a candidate, as run/store.py reads it."""


@dataclass(frozen=True)
class Look:
    """Make a candidate in other colours, beside the first: by a network, a reference, a film stock and a LUT.

    The steps that are asked for are taken in that order; views, sky and splats alike.
    """

    candidate: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
    """A candidate's folder, as translight generate made it."""
    cut: Annotated[Path | None, tyro.conf.arg(metavar="MODEL")] = None
    """A network's folder, as translight generate look-train made it."""
    cut_height: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 512
    """Of the picture that the network sees, at most."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """Where the network runs: cpu, cuda, or cuda where there is one."""
    reference: Annotated[Path | None, tyro.conf.arg(metavar="IMAGE")] = None
    """A picture whose colours are taken: .jpg, .png (sRGB), .exr, .hdr (linear)."""
    transfer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "mk"
    """mk: mean and covariance, a gentle linear map; idt: the whole distribution."""
    strength: Annotated[float, tyro.conf.arg(metavar="0-1")] = 1.0
    """Of the reference: 0 leaves everything as it is."""
    film: Annotated[str | None, tyro.conf.arg(metavar="STOCK")] = None
    """daylight negative 250, tungsten negative 500, reversal 100, print."""
    highlights: Annotated[float, tyro.conf.arg(metavar="0-1")] = 1.0
    """Stops out for each stop above the film's shoulder: 1 keeps the light for a wall, 0 is the film's own end."""
    halation: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """Times the stock's own glow around highlights; 0 has none."""
    halation_radius: Annotated[float, tyro.conf.arg(metavar="DEGREES")] = 0.25
    """Standard deviation of the glow."""
    grain: Annotated[float, tyro.conf.arg(metavar="X")] = 0.0
    """Times the stock's own grain. On a wall it stands still before the camera: for pictures only."""
    lut: Annotated[Path | None, tyro.conf.arg(metavar="FILE.cube")] = None
    """A LUT."""
    from_brief: bool = False
    """The LUT that the brief of the candidate's run names (style.lut)."""
    lut_input: Annotated[str, tyro.conf.arg(metavar="ENCODING")] = "srgb"
    """What the LUT takes: srgb, linear, or log (ACEScct's curve)."""
    lut_output: Annotated[str | None, tyro.conf.arg(metavar="ENCODING")] = None
    """What the LUT gives; as it takes if not given."""
    seed: int = 0
    """Of idt's turns and of grain."""
    export_cube: Annotated[Path | None, tyro.conf.arg(metavar="FILE.cube")] = None
    """Write the colours of reference, film and LUT as one LUT too."""
    cube_input: Annotated[str, tyro.conf.arg(metavar="ENCODING")] = "log"
    """What the written LUT takes and gives: srgb, linear or log."""
    cube_size: Annotated[int, tyro.conf.arg(metavar="N")] = 33
    """Entries along each of its axes: 33 or 65 as a rule."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Who says so in the run's ledger; the account's name if not given."""
    force: bool = False
    """Replace the LUT that is written when it exists."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Look; the new candidate appears whole or not at all, and the run's ledger names it."""
        from contextlib import ExitStack

        from translight.commands.generate import Lines
        from translight.core.errors import FormatError
        from translight.core.files import discarded, sha256_of, whole_file
        from translight.generation.look.cube import write_cube
        from translight.generation.look.lattice import SIZES, laid_down
        from translight.generation.look.look import look
        from translight.generation.review.ledger import append
        from translight.generation.run.generate import licence_line
        from translight.generation.run.store import FILE_NAME, load_candidate, read_stored

        parent = read_stored(self.candidate)
        recipe = self._recipe()
        cube_input = _encoding("--cube-input", self.cube_input)
        self._check_export(SIZES)
        ledger, who = self._ledger()
        folder, source = self.candidate.absolute().parent, sha256_of(self.candidate / FILE_NAME)
        _free(folder, parent.name)
        lines, head = Lines(), None
        try:
            network = self._translator()
            if network is not None:
                lines.note(licence_line(network.model))
            given = load_candidate(self.candidate)
            looked = look(given, recipe, parent.name, lines.progress, network, sha256=source)
            with ExitStack() as whole:  # the LUT takes its place last; what comes before it goes where that fails
                if self.export_cube is not None:
                    cube = whole.enter_context(whole_file(self.export_cube))
                    name = f"{parent.name}-look ({cube_input})"
                    write_cube(cube, laid_down(looked.colours, cube_input, self.cube_size, name))
                output = _saved(looked.candidate, folder, parent.name)
                digest = sha256_of(output / FILE_NAME)
                about = {"candidate": output.name, "sha256": digest, "from": parent.name, "from_sha256": source}
                try:
                    if ledger is not None:
                        told = {**about, "looks": list(looked.facts)}
                        head = append(ledger, who, "looked", told, wait_s=_WAIT_S)[1]
                except BaseException:  # nothing is there that no line tells of
                    discarded(output)
                    raise
        except KeyboardInterrupt:
            print("translight: interrupted, nothing was written", file=sys.stderr)
            return _INTERRUPTED
        except OSError as error:
            raise FormatError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
        finally:
            lines.close()
        if self.json:
            values = {"candidate": str(output), "sha256": digest, "looks": list(looked.facts), "ledger_head": head}
            print(json.dumps({**values, "cube": None if self.export_cube is None else str(self.export_cube)}))
        else:
            print(f"{output}: {', '.join(fact['look'] for fact in looked.facts)}")
            if self.export_cube is not None:
                print(f"{self.export_cube}: {self.cube_size}^3, takes and gives {cube_input}")
        return 0

    def _recipe(self) -> Recipe:
        """The steps, every file read and every value checked before a picture is touched."""
        from translight.core.errors import GenerationError
        from translight.generation.look.recipe import Recipe

        recipe = Recipe(self._reference(), self._film(), self._lut())
        if self.cut is None and recipe.reference is None and recipe.film is None and recipe.lut is None:
            raise GenerationError("no look is asked for: give --cut, --reference, --film, --lut or --from-brief")
        return recipe

    def _reference(self) -> Reference | None:
        from translight.core.errors import GenerationError
        from translight.generation.look.recipe import TRANSFERS, Reference

        transfer = next((name for name in TRANSFERS if name == self.transfer), None)
        if transfer is None:
            raise GenerationError(f"--transfer must be {' or '.join(TRANSFERS)}, got {self.transfer!r}")
        if self.reference is None:
            return None
        return Reference(self.reference, transfer, self.strength, self.seed)

    def _film(self) -> FilmStep | None:
        from translight.generation.look.film import film
        from translight.generation.look.recipe import FilmStep

        if self.film is None:
            return None
        stock = film(self.film, self.highlights)
        return FilmStep(stock, self.halation, self.halation_radius, self.grain, self.seed)

    def _lut(self) -> LutStep | None:
        from translight.core.errors import GenerationError
        from translight.generation.brief.read import read_brief
        from translight.generation.look.recipe import lut_step
        from translight.generation.run.generate import BRIEF

        given = _encoding("--lut-input", self.lut_input)
        gives = None if self.lut_output is None else _encoding("--lut-output", self.lut_output)
        file = self.lut
        if self.from_brief:
            if file is not None:
                raise GenerationError("--lut and --from-brief are two LUTs: give one")
            brief = self.candidate.absolute().parent.parent / BRIEF
            file = read_brief(brief).style.lut
            if file is None:
                raise GenerationError(f"{brief}: names no LUT (style.lut)")
        return None if file is None else lut_step(file, given, gives)

    def _translator(self) -> Translator | None:
        """The network, where one is asked for."""
        from importlib import import_module
        from importlib.util import find_spec

        from translight.core.errors import MissingExtra

        if self.cut is None:
            return None
        for package in ("torch", "safetensors"):
            if find_spec(package) is None:
                raise MissingExtra(package, "generate")
        opened: Translator = import_module("translight.generation.look.cut.translator").open_translator(
            self.cut, self.cut_height, self.device
        )
        return opened

    def _check_export(self, sizes: tuple[int, int]) -> None:
        from translight.core.errors import GenerationError

        file = self.export_cube
        if not sizes[0] <= self.cube_size <= sizes[1]:
            raise GenerationError(f"--cube-size must lie within {sizes[0]} and {sizes[1]}, got {self.cube_size}")
        if file is None:
            return
        if self.cut is not None:
            raise GenerationError("--export-cube: a network changes colours place by place, which no LUT can hold")
        if file.suffix != ".cube":
            raise GenerationError(f"{file}: a LUT's name ends in .cube")
        if not file.absolute().parent.is_dir():
            raise GenerationError(f"{file.parent}: no such folder")
        if file.exists() and not self.force:
            raise GenerationError(f"{file}: exists; --force replaces it")

    def _ledger(self) -> tuple[Path | None, str]:
        """The ledger of the run that the candidate lies in, None where in none, and who says so; both checked."""
        from translight.commands.review import account
        from translight.generation.review.ledger import FILE_NAME
        from translight.generation.review.made import run_entries

        who = account(self.by)
        noted = run_entries(self.candidate) is not None  # nothing is made that could not be entered
        return self.candidate.absolute().parent.parent / FILE_NAME if noted else None, who


def _encoding(option: str, given: str) -> Encoding:
    from translight.core.errors import GenerationError
    from translight.generation.look.encoding import ENCODINGS

    found = next((name for name in ENCODINGS if name == given), None)
    if found is None:
        raise GenerationError(f"{option} must be srgb, linear or log, got {given!r}")
    return found


def _saved(candidate: Candidate, folder: Path, name: str) -> Path:
    """Under the first name that is free when it is written: another look may be taking the same at this moment."""
    from translight.generation.run.store import save_candidate

    while True:
        output = _free(folder, name)
        try:
            save_candidate(replace(candidate, name=output.name), output, new=True)
        except FileExistsError:
            continue
        return output


def _free(folder: Path, name: str) -> Path:
    """The first of NAME-look, NAME-look2 … that is not there."""
    from translight.core.errors import GenerationError

    for number in range(1, _MOST_LOOKS):
        path = folder / f"{name}-look{number if number > 1 else ''}"
        if len(path.name) > _LONGEST_NAME:
            raise GenerationError(f"{folder / name}: its name is too long for another to be made of it")
        if not path.exists():
            return path
    raise GenerationError(f"{folder / name}-look: {_MOST_LOOKS} looks are there")
