"""``translight info`` and ``translight convert``: look into splat files and environments, and turn one into another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from translight.splats.cloud import SplatCloud
    from translight.splats.formats import Format
    from translight.splats.limits import Progress

_PERCENTILES = (1, 25, 50, 75, 99)


@dataclass(frozen=True)
class Info:
    """Say what a splat file or environment holds: format, splats, SH degree, bounds, opacities, scales, bytes."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """PLY, .splat, .spz, .sog, a SOG folder, .ksplat, glTF, OpenUSD, or an environment package (.tlenv)."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> int:
        """Read the file whole, so that what is printed is true of every splat."""
        description = _describe(self.file)
        with _progress(f"reading {self.file.name}") as progress:
            cloud = _load(self.file, progress)
        report = {**description, **_statistics(cloud)}
        print(json.dumps(report) if self.json else _text(report))
        return 0


@dataclass(frozen=True)
class Convert:
    """Read a splat file or an environment's splats and write them in another format; says in one line what is lost."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """PLY, .splat, .spz, .sog, a SOG folder, .ksplat, glTF, OpenUSD, or an environment package, for its splats."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """.ply, .splat, .spz, .sog, meta.json (a SOG folder), .glb, .gltf, .usd, .usda, .usdc or .usdz."""
    force: bool = False
    """Replace the target when it exists."""
    spz_version: Annotated[int, tyro.conf.arg(metavar="{3,4}")] = 3
    """Version of a written .spz: 3 is read everywhere, 4 is smaller and quicker."""

    def run(self) -> int:
        """Check the target before any work; the target appears whole or not at all."""
        from translight.core.errors import FormatError, ShowError
        from translight.splats.files import save
        from translight.splats.formats import written_format
        from translight.splats.losses import losses
        from translight.splats.spz import WRITTEN_VERSIONS

        try:
            kind = written_format(self.target)
        except FormatError as error:
            raise ShowError(f"{self.target}: {error}") from error
        if self.target.exists() and not self.force:
            raise ShowError(f"{self.target} exists; --force replaces it")
        if self.spz_version not in WRITTEN_VERSIONS:
            raise ShowError(f"--spz-version {self.spz_version}: version 3 or 4 is written")
        with _progress(f"reading {self.source.name}") as progress:
            cloud = _load(self.source, progress)
        of_package, linear = self._of_package(kind)
        lost = of_package + losses(cloud, kind)
        with _progress(f"writing {self.target.name}") as progress:
            save(self.target, cloud, spz_version=self.spz_version, linear=linear, progress=progress)
        if lost:
            print(f"{self.target}: not kept: {'; '.join(lost)}", file=sys.stderr)
        return 0

    def _of_package(self, kind: Format) -> tuple[list[str], bool]:
        """What of an environment is not kept, and whether its colours are linear."""
        from translight.environment.package import read_manifest
        from translight.splats.formats import Format

        if not _is_environment(self.source):
            return [], False
        linear = read_manifest(self.source).colour_encoding == "linear"
        if kind is Format.GLTF:
            return ["the environment's placement and sky"], linear
        return ["the environment's placement, sky and colour encoding"], linear


def _is_environment(path: Path) -> bool:
    from translight.environment.package import is_package

    return is_package(path)


def _load(path: Path, progress: Progress | None) -> SplatCloud:
    from translight.splats.files import load

    if not _is_environment(path):
        return load(path, progress=progress)
    from translight.environment.package import open_package

    with open_package(path) as package:
        splats = package.part("splats")
        assert splats is not None  # a manifest without it is refused
        return load(splats, progress=progress)


def _describe(path: Path) -> dict[str, Any]:
    if _is_environment(path):
        from translight.environment.package import read_manifest

        manifest = read_manifest(path)
        return {
            "file": str(path),
            "format": "environment",
            "version": str(manifest.schema_version),
            "bytes": sum(part.bytes for part in manifest.parts.values()),
            "name": manifest.name,
            "colour_encoding": manifest.colour_encoding,
            "antialiased": manifest.antialiased,
            "parts": {role: part.file for role, part in manifest.parts.items()},
        }
    from translight.splats.files import describe

    found = describe(path)
    return {"file": str(path), "format": str(found.format), "version": found.version, "bytes": found.bytes}


def _statistics(cloud: SplatCloud) -> dict[str, Any]:
    import numpy as np

    report: dict[str, Any] = {"splats": len(cloud), "sh_degree": cloud.sh_degree, "memory_bytes": cloud.nbytes}
    if len(cloud):
        lower, upper = cloud.bounds()
        report["bounds"] = {"lower": lower.tolist(), "upper": upper.tolist()}
        for name, values in (("opacity", cloud.opacities), ("scale", cloud.scales)):
            found = np.percentile(values, _PERCENTILES)
            report[f"{name}_percentiles"] = {str(p): float(v) for p, v in zip(_PERCENTILES, found, strict=True)}
    return report


def _text(report: dict[str, Any]) -> str:
    version = f" {report['version']}" if report["version"] else ""
    counted = f"{report['splats']:,}, SH degree {report['sh_degree']}, {report['memory_bytes']:,} bytes in memory"
    lines = [f"{report['file']}  {report['format']}{version}, {report['bytes']:,} bytes"]
    if "name" in report:
        filtered = ", antialiased" if report["antialiased"] else ""
        lines.append(f"  name         {report['name']}, {report['colour_encoding']} colours{filtered}")
        lines.append(f"  parts        {', '.join(report['parts'].values())}")
    lines.append(f"  splats       {counted}")
    if "bounds" in report:
        corners = (" ".join(f"{v:.4g}" for v in report["bounds"][end]) for end in ("lower", "upper"))
        lines.append(f"  bounds       {' to '.join(corners)} (scene units, x right, y down, z forward)")
        lines.append("  percentiles  " + "".join(f"{p:>10} %" for p in report["opacity_percentiles"]))
        lines += [f"  {name:<11}  " + _row(report[f"{name}_percentiles"]) for name in ("opacity", "scale")]
    return "\n".join(lines)


def _row(values: dict[str, float]) -> str:
    return "".join(f"{value:>12.4g}" for value in values.values())


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A bar on standard error while the block runs, when that is a terminal and the work is long enough to see."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
