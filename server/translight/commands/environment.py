"""``translight environment``: edits of a finished environment, each into a new package, by ``reconstruction/edit``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from translight.commands.environment_edit import (
    Edit,
    Point,
    View,
    as_show_error,
    check_picture,
    check_views,
    counted,
    progress_bar,
    reading,
    renderer,
    write_edit,
)
from translight.core.errors import ShowError

if TYPE_CHECKING:
    import numpy as np

    from translight.environment.environment import Environment
    from translight.reconstruction.edit.floaters import Floaters as Found
    from translight.reconstruction.edit.matching import Palette
    from translight.reconstruction.edit.region import Region
    from translight.reconstruction.edit.source import Source


@dataclass(frozen=True)
class Crop(Edit):
    """Keep the splats inside a box or a sphere on the stage (X right, Y forward, Z up, metres), or those outside."""

    lower: Point = None
    """The box's lower corner X Y Z, stage metres."""
    upper: Point = None
    """The box's upper corner X Y Z, stage metres."""
    heading: float = 0.0
    """The box turned about the vertical through its middle, in degrees, to the left as seen from above."""
    sphere: Point = None
    """A sphere's centre X Y Z, stage metres, instead of a box."""
    radius: float | None = None
    """The sphere's radius in metres."""
    outside: bool = False
    """Keep what lies outside instead."""
    extents: bool = False
    """Keep only splats that lie there as a whole, to two standard deviations, instead of by their centres."""

    def run(self) -> int:
        """Write the package; refuses to leave nothing."""
        from translight.reconstruction.edit.region import Ball, selected
        from translight.reconstruction.edit.source import check_output

        region = self._region()
        check_output(self.output, force=self.force)
        with reading(self.source) as source:
            environment = source.environment
            kept = selected(
                environment.splats,
                environment.stage_from_scene,
                region,
                inside=not self.outside,
                extents=self.extents,
            )
            if not kept.any():
                raise ShowError(f"{self.source}: nothing is left; {_where(environment)}")
            shape = "sphere" if isinstance(region, Ball) else "box"
            write_edit(
                self,
                source,
                _with_splats(environment, kept),
                "crop",
                f"cropped to what is {'outside' if self.outside else 'inside'}",
                **{shape: asdict(region)},
                keep="outside" if self.outside else "inside",
                by="extents" if self.extents else "centres",
            )
        return 0

    def _region(self) -> Region:
        from translight.reconstruction.edit.region import Ball, Box

        if self.sphere is not None and self.radius is not None and self.lower is None and self.upper is None:
            if self.heading:
                raise ShowError("--heading: only a box is turned")
            with as_show_error("--sphere"):
                return Ball(self.sphere, self.radius)
        if self.lower is not None and self.upper is not None and self.sphere is None and self.radius is None:
            with as_show_error("--lower"):
                return Box.between(self.lower, self.upper, self.heading)
        raise ShowError("crop wants --lower and --upper, a box's corners, or --sphere and --radius")


@dataclass(frozen=True)
class Floaters:
    """Delete floaters: splats too faint, too large for their neighbours, away from them, or in small loose groups."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """A .tlenv package, or a splat file of any format that is read."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="NEW.tlenv")] = None
    """The package to write; the source itself only with --force. Not with --dry-run."""
    force: bool = False
    """Replace the output when it exists."""
    zip: bool = False
    """Write the package as one zip file instead of a folder."""
    opacity: float = 0.02
    """Delete splats that are fainter than this, 0 to 1; 0 leaves this out."""
    size: float = 20.0
    """Delete splats this many times larger than the median of their neighbours; 0 leaves this out."""
    spread: float = 4.0
    """Delete splats this many robust standard deviations farther from their neighbours than those are from theirs;
    0 leaves this out."""
    cluster: int = 30
    """Delete groups of fewer splats than this that touch nothing else; 0 leaves this out."""
    neighbours: int = 16
    """How many nearest splats count as neighbours."""
    reach: float = 3.0
    """Splats touch when they are no farther apart than this many of their standard deviations together."""
    dry_run: bool = False
    """Only count what would go, and make the picture."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also write a contact sheet: before, after, and what was deleted by itself, from four sides."""

    def run(self) -> int:
        """Count per cause, then write the package unless it is a dry run."""
        from translight.core.image import save_image
        from translight.reconstruction.edit.floaters import Limits, find_floaters
        from translight.reconstruction.edit.source import check_output

        with as_show_error("floaters"):
            limits = Limits(
                opacity=self.opacity or None,
                size=self.size or None,
                spread=self.spread or None,
                cluster=self.cluster or None,
                neighbours=self.neighbours,
                reach=self.reach,
            )
        if (self.output is None) != self.dry_run:
            raise ShowError("floaters wants --output NEW.tlenv, or --dry-run and no output")
        if self.output is not None:
            check_output(self.output, force=self.force)
        check_picture(self.picture)
        with reading(self.source) as source:
            environment = source.environment
            if len(environment.splats) == 0:
                raise ShowError(f"{self.source}: holds no splats")
            with progress_bar() as told:
                found = find_floaters(environment.splats, limits, told)
            counts = found.counts()
            print("; ".join(f"{cause} {count:,}" for cause, count in counts.items()))
            if not found.kept.any():
                raise ShowError(f"{self.source}: every splat would go; loosen the limits")
            without = _with_splats(environment, found.kept)
            if self.picture is not None:
                save_image(self.picture, self._sheet(source, without, found))
            before, after = len(environment.splats), len(without.splats)
            if self.output is None:
                print(f"{self.source}: would be {counted(before, after)}")
                return 0
            write_edit(
                Edit(self.source, self.output, self.force, self.zip),
                source,
                without,
                "floaters",
                f"{before - after:,} floaters deleted",
                removed=counts,
                limits=asdict(limits),
            )
        return 0

    def _sheet(self, source: Source, without: Environment, found: Found) -> np.ndarray:
        """Before, after, and the floaters alone, in columns; a row a view."""
        from translight.core.image import to_u8
        from translight.reconstruction.edit.pictures import drawn, sheet
        from translight.reconstruction.edit.views import views_of
        from translight.render.scene import scene_of

        before = scene_of(source.environment)
        views = views_of(before, source.views(), 4, 480)
        alone = replace(_with_splats(source.environment, ~found.kept), sky=None)
        columns = [before, scene_of(without), scene_of(alone)]
        with renderer() as drawing:
            return sheet([[to_u8(drawn(drawing, scene, view)) for scene in columns] for view in views])


@dataclass(frozen=True)
class Match(View, Edit):
    """Give an environment the colours of another: their mean and spread, by the linear map that moves them least."""

    to: Annotated[Path | None, tyro.conf.arg(metavar="OTHER")] = None
    """The environment or splat file whose colours are wanted."""
    by: Literal["views", "splats"] = "views"
    """Compare what views show of the two, or the splats' own colours, weighted by opacity and size."""
    light: Literal["linear", "encoded"] = "linear"
    """Match in linear light, or in the encoding that the splats are blended in, where the map is exact."""
    amount: float = 1.0
    """How much of the change is made, 0 to 1."""
    most_gain: float = 4.0
    """No axis of colour is stretched or shrunk by more than this."""
    keep_sky: bool = False
    """Leave the sky as it is."""

    def run(self) -> int:
        """Write the package with splats and sky recoloured."""
        from translight.reconstruction.edit.colours import recoloured
        from translight.reconstruction.edit.matching import matching_map
        from translight.reconstruction.edit.source import check_output

        if self.to is None:
            raise ShowError("match wants --to OTHER, the environment whose colours are wanted")
        check_views(self)
        check_output(self.output, force=self.force)
        with reading(self.source) as source, reading(self.to) as other:
            light = "linear" if self.light == "linear" else source.environment.encoding
            own, wanted = self._palette(source, light), self._palette(other, light)
            with as_show_error("match"):
                colour_map = matching_map(own, wanted, self.most_gain, self.amount)
            changed = recoloured(source.environment, colour_map, light, sky_too=not self.keep_sky)
            reached = self._palette(replace(source, environment=changed), light)
            away, left = own.distance(wanted), reached.distance(wanted)
            write_edit(
                self,
                source,
                changed,
                "match",
                f"colours matched to {self.to.name}, distance {away:.3f} → {left:.3f}",
                to=self.to.name,
                measured_by=self.by,
                light=light,
                gain=colour_map.gain.tolist(),
                lift=colour_map.lift.tolist(),
                sky_too=not self.keep_sky,
                distance_before=away,
                distance_after=left,
            )
        return 0

    def _palette(self, source: Source, light: Literal["srgb", "linear"]) -> Palette:
        from translight.reconstruction.edit.matching import seen_palette, splat_palette
        from translight.reconstruction.edit.views import views_of
        from translight.render.scene import scene_of

        if self.by == "splats":
            return splat_palette(source.environment, light)
        scene = scene_of(source.environment)
        views = views_of(scene, source.views(), self.views, self.width)
        with renderer() as drawing:
            return seen_palette(drawing, scene, views, light)


@dataclass(frozen=True)
class Merge:
    """Put several environments into one package: all splats, where the environments' own placements put them."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE SOURCE …")]
    """Two or more .tlenv packages or splat files. The first gives name, placement, colour encoding and proxy."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NEW.tlenv")]
    """The package to write."""
    sky: int = 1
    """Whose sky it has, counted from 1."""
    convert: bool = False
    """Re-encode splats whose colour encoding is not the first one's; nearly right where they overlap softly."""
    force: bool = False
    """Replace the output when it exists."""
    zip: bool = False
    """Write the package as one zip file instead of a folder."""

    def run(self) -> int:
        """Write the package; where the first has no sky and none is asked for, there is none."""
        import json
        from contextlib import ExitStack

        from translight.reconstruction.edit.merging import merged, merged_cameras
        from translight.reconstruction.edit.source import check_output
        from translight.render.cameras import format_cameras

        if len(self.sources) < 2:
            raise ShowError("merge wants two or more sources")
        if not 1 <= self.sky <= len(self.sources):
            raise ShowError(f"--sky: 1 to {len(self.sources)}, the source whose sky is taken, got {self.sky}")
        check_output(self.output, force=self.force)
        with ExitStack() as stack:
            opened = [stack.enter_context(reading(path)) for path in self.sources]
            whole = merged([source.environment for source in opened], self.sky - 1, convert=self.convert)
            names = [source.environment.name for source in opened]
            cameras = merged_cameras(names, [source.views() for source in opened])
            values = json.loads(format_cameras(cameras)) if cameras else None
            parts = [
                {"source": s.path.name, "name": s.environment.name, "splats": len(s.environment.splats)} for s in opened
            ]
            for part, source in zip(parts, opened, strict=True):
                if source is not opened[0]:
                    part["steps"] = [dict(step) for step in source.report.steps]
            write_edit(
                Edit(self.sources[0], self.output, self.force, self.zip),
                replace(opened[0], cameras=values),
                whole,
                "merge",
                f"{len(opened)} environments merged",
                parts=parts,
                sky_of=names[self.sky - 1] if whole.sky is not None else None,
            )
        return 0


def _with_splats(environment: Environment, which: np.ndarray) -> Environment:
    """Only some of the splats."""
    from translight.reconstruction.edit.motion import taken

    return replace(environment, splats=taken(environment.splats, which))


def _where(environment: Environment) -> str:
    """Where the splats are on the stage, for someone whose crop missed them."""
    import numpy as np

    means = environment.splats.means
    means = means[np.isfinite(means).all(axis=1)]
    if len(means) == 0:
        return "there are no splats"
    points = environment.stage_from_scene.apply(means)
    low, high = (" ".join(f"{v:.3g}" for v in corner) for corner in (points.min(axis=0), points.max(axis=0)))
    return f"the splats' centres lie from {low} to {high} m on the stage"
