"""The picture sent to the LED processor, and the walls that show its parts; walls are in ``wall.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import NamedTuple

from translight.core.errors import ShowError
from translight.volume.wall import Wall


class Rectangle(NamedTuple):
    """Part of a canvas: from (x, y), ``width`` by ``height`` pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """``walls`` on a picture of ``width_px`` by ``height_px``; pixels of no wall stay black.

    Raises ShowError when a wall does not fit, two overlap or share a name, or there is none.
    """

    width_px: int
    height_px: int
    walls: tuple[Wall, ...]

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ShowError(f"canvas: width_px and height_px must be at least 1, got {self.width_px}x{self.height_px}")
        if not self.walls:
            raise ShowError("canvas: walls is empty; a canvas shows at least one wall")
        for wall in self.walls:
            self._check_fit(wall.name, "canvas_x_px", wall.canvas_x_px, wall.width_px, "wide", self.width_px)
            self._check_fit(wall.name, "canvas_y_px", wall.canvas_y_px, wall.height_px, "high", self.height_px)
        for one, other in combinations(self.walls, 2):
            if one.name == other.name:
                raise ShowError(f"canvas: two walls are named {one.name!r}; names must differ")
            if _overlap(rectangle(one), rectangle(other)):
                raise ShowError(
                    f"wall {other.name!r}: canvas_x_px {other.canvas_x_px}, canvas_y_px {other.canvas_y_px}"
                    f" puts it over wall {one.name!r}"
                )

    def _check_fit(self, name: str, key: str, start: int, size: int, how: str, limit: int) -> None:
        if start < 0 or start + size > limit:
            raise ShowError(
                f"wall {name!r}: {key} {start} and {size} pixels {how} do not fit the canvas, which is {limit} {how}"
            )

    def gaps(self) -> list[Rectangle]:
        """Rectangles that cover every pixel of no wall, once."""
        edges = sorted(
            {0, self.height_px, *(e for w in self.walls for e in (w.canvas_y_px, w.canvas_y_px + w.height_px))}
        )
        found = []
        for top, bottom in pairwise(edges):
            band = [w for w in self.walls if w.canvas_y_px <= top < w.canvas_y_px + w.height_px]
            x = 0
            for wall in sorted(band, key=lambda w: w.canvas_x_px):
                found.append(Rectangle(x, top, wall.canvas_x_px - x, bottom - top))
                x = wall.canvas_x_px + wall.width_px
            found.append(Rectangle(x, top, self.width_px - x, bottom - top))
        return [gap for gap in found if gap.width]


def rectangle(wall: Wall) -> Rectangle:
    """Where a wall lies on its canvas."""
    return Rectangle(wall.canvas_x_px, wall.canvas_y_px, wall.width_px, wall.height_px)


def side_by_side(walls: Sequence[Wall]) -> tuple[int, int]:
    """Width and height of the smallest canvas that holds ``walls`` where they are; 1 by 1 for none."""
    width = max((w.canvas_x_px + w.width_px for w in walls), default=1)
    height = max((w.canvas_y_px + w.height_px for w in walls), default=1)
    return width, height


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
