"""``translight environment place``: where an environment stands on the stage; the other edits: environment.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from translight.commands.environment_edit import Edit, Point, Triple, as_show_error, finite, reading, write_edit
from translight.core.errors import ShowError

if TYPE_CHECKING:
    import numpy as np

    from translight.core.pose import Similarity
    from translight.environment.environment import Environment


@dataclass(frozen=True)
class Place(Edit):
    """Set where an environment stands: up or three points or the floor, then scale, then origin, then heading."""

    space: Literal["stage", "scene"] = "stage"
    """What points and directions are given in: the stage as the environment stands now (X right, Y forward, Z up,
    metres), or its splats' own axes (x right, y down, z forward, scene units)."""
    up: Point = None
    """The direction X Y Z that shall point up, in --space's axes."""
    point_a: Point = None
    """Three picked points, A: on the floor, becomes the stage's origin (--space's axes and units)."""
    point_b: Point = None
    """Three picked points, B: lies on the stage's +X from A, or +Y (--b-is)."""
    point_c: Point = None
    """Three picked points, C: anywhere else on the floor."""
    b_is: Literal["right", "forward"] = "right"
    """Where B lies from A: right is stage +X, forward +Y."""
    floor: bool = False
    """Find the floor among the opaque splats (within 40 degrees of level), make it level and put it at 0 m."""
    scale: float | None = None
    """Make it this many times larger."""
    measure_from: Point = None
    """A measured length's one end (--space's axes and units); it sets the scale, with --measure-to and --metres."""
    measure_to: Point = None
    """The measured length's other end."""
    metres: float | None = None
    """How long it really is, in metres."""
    origin: Point = None
    """The point X Y Z that becomes the stage's origin (--space's axes and units)."""
    heading: float = 0.0
    """Turn it about the vertical through the origin, in degrees, to the left as seen from above."""
    bake: bool = False
    """Work the placement into the splats, for programs that know none: scene axes become the stage's, as RDF."""

    def run(self) -> int:
        """Write the package: splats as they were unless baked, cameras and sky moved along."""
        from translight.reconstruction.edit.placing import baked, placed_by
        from translight.reconstruction.edit.source import check_output, with_cameras_moved

        self._check()
        check_output(self.output, force=self.force)
        with reading(self.source) as source:
            if self.bake and source.proxy is not None:
                raise ShowError(f"{self.source}: its proxy mesh would not move along: place it without --bake")
            move, facts = self._move(source.environment)
            environment = placed_by(source.environment, move)
            if self.metres is not None:
                scale = environment.stage_from_scene.scale
                environment = _measured(environment, scale)
            placement = environment.stage_from_scene
            if self.bake:
                environment = baked(environment)
            write_edit(
                self,
                with_cameras_moved(source, move),
                environment,
                "place",
                f"placed{', baked' if self.bake else ''}{_told(facts)}",
                baked=self.bake,
                scale=placement.scale,
                wxyz=placement.pose.wxyz.tolist(),
                position_m=placement.pose.position_m.tolist(),
                **facts,
            )
        return 0

    def _check(self) -> None:
        """What can be refused before anything is read."""
        points = (self.point_a, self.point_b, self.point_c)
        length = (self.measure_from, self.measure_to, self.metres)
        for flag, group in (("--point-a, --point-b and --point-c", points), ("--measure-from, --measure-to", length)):
            if any(value is not None for value in group) and any(value is None for value in group):
                raise ShowError(f"{flag}{' and --metres' if group is length else ''} belong together")
        if sum((self.up is not None, points[0] is not None, self.floor)) > 1 and not (self.up and self.floor):
            raise ShowError("--up, --floor and three points each say what is up: give one, or --up with --floor")
        if points[0] is not None and self.origin is not None:
            raise ShowError("--origin and --point-a both name the origin: give one")
        if self.scale is not None and self.metres is not None:
            raise ShowError("--scale and --metres both set the scale: give one")
        if self.metres is not None and not 0 < self.metres < float("inf"):
            raise ShowError(f"--metres: a length above 0, got {self.metres:g}")
        given = [self.up, *points, self.measure_from, self.measure_to, self.origin]
        asked = any(value is not None for value in (*given, self.scale)) or self.floor or self.heading or self.bake
        if not asked:
            raise ShowError("place wants at least one of --up, --floor, points, --scale, --origin, --heading, --bake")
        for value in given:
            finite("place", *(value or ()))
        finite("--heading", self.heading)

    def _move(self, environment: Environment) -> tuple[Similarity, dict[str, Any]]:
        """``new_from_stage``, and what was found out on the way."""
        import numpy as np

        from translight.core.pose import Similarity
        from translight.reconstruction.edit import placing
        from translight.reconstruction.edit.floor import find_floor

        move, facts = Similarity.identity(), {}
        if self.up is not None:
            turn = environment.stage_from_scene.pose.rotation() if self.space == "scene" else np.eye(3)
            with as_show_error("--up"):
                move = placing.upright(turn @ np.array(self.up))
        if self.floor:
            standing = placing.placed_by(environment, move)
            floor = find_floor(standing, np.array([0.0, 0.0, 1.0]))
            move = placing.upright(floor.normal) @ move
            # the floor at 0 m, what stands above the origin still above it
            move = placing.to_origin((0.0, 0.0, floor.height_m)) @ move
            facts["floor"] = {"share": floor.share, "rms_m": floor.rms_m, "tilt_deg": floor.tilt_deg}
        if self.point_a is not None and self.point_b is not None and self.point_c is not None:
            a, b, c = (self._point(environment, p) for p in (self.point_a, self.point_b, self.point_c))
            with as_show_error("--point-a, --point-b and --point-c"):
                move = placing.by_three_points(a, b, c, self.b_is)
        factor = self.scale
        if self.measure_from is not None and self.measure_to is not None and self.metres is not None:
            ends = [self._point(environment, p) for p in (self.measure_from, self.measure_to)]
            length = float(np.linalg.norm(ends[1] - ends[0]))
            if length <= 0:
                raise ShowError("--measure-from and --measure-to are the same point")
            factor = self.metres / length
            facts["measured"] = {"length_before_m": length, "metres": self.metres}
        if factor is not None:
            with as_show_error("--scale"):
                move = placing.scaled(factor) @ move
        if self.origin is not None:
            move = placing.to_origin(move.apply(self._point(environment, self.origin))) @ move
        return placing.headed(self.heading) @ move, facts

    def _point(self, environment: Environment, point: Triple) -> np.ndarray:
        """A picked point on the stage as the environment stands now."""
        import numpy as np

        return environment.stage_from_scene.apply(point) if self.space == "scene" else np.array(point)


def _measured(environment: Environment, metres_per_unit: float) -> Environment:
    from dataclasses import replace

    return replace(environment, metres_per_unit=metres_per_unit)


def _told(facts: dict[str, Any]) -> str:
    if "floor" not in facts:
        return ""
    floor = facts["floor"]
    return f", floor found with {floor['share']:.0%} of the opaque splats, leaning {floor['tilt_deg']:.1f} degrees"
