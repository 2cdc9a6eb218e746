"""Moiré risk: how strongly the camera's sensor would see the wall's grid of LEDs, and gratings in the picture itself.

The grid reaches the sensor as a frequency that its emitters, the defocus and the sensor's pixels each weaken; what is
left above half a cycle a pixel comes back as beats (Goodman, "Introduction to Fourier Optics", 3rd ed., 6.4 on
defocus; Boreman, "Modulation Transfer Function in Optical and Electro-Optical Systems", 2001, 2 on footprints).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Float32
from scipy import special

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.brief.brief import Brief, Lens
from translight.generation.brief.optics import field_of_view_deg, picture_mm
from translight.generation.brief.translate import focus, on_stage
from translight.generation.candidate import View
from translight.generation.panorama import perspective
from translight.generation.review.measures.measure import Measure, PlacedWall, encoded, graded

GOOD, BAD = 0.02, 0.10
"""Contrast on the sensor. 2 % is what an eye begins to tell apart (Koschmieder's threshold, as for the brief's
visibility); above 10 % it is plain (ours)."""

_EMITTER = 0.5
"""Width of what shines in an LED pixel, over the pitch: surface-mounted packages have about that (ours)."""
_GRATING = 0.25
"""Share of the fine detail's energy in one frequency that texture does not reach (ours: noise stays below 0.02)."""
_CROP_PX = 768
_NEAREST_FOCUS_M = 0.5
"""Nearer than film lenses usually focus: no cure (ours)."""
_FAR_X = 60.0
"""Of 2 J₁(x) / x: its lobes are below 0.4 % from there on."""


def moire(view: View | None, brief: Brief, wall: PlacedWall) -> Measure:
    """Contrast of the LED grid on the sensor, with the lens focused on the brief's actor; or of a grating in the
    picture, where that is more. Without an actor before the wall the focus is not known, so only a wall that stays
    good when the lens is focused on itself is called good."""
    pixels, focus_m = sensor_pixels(brief.lens, wall), focus(brief)[0]
    known = bool(on_stage(brief)) and focus_m < wall.distance_m
    contrast = grid_contrast(brief.lens, wall, focus_m if known else wall.distance_m)
    share, amplitude = (0.0, 0.0) if view is None else _of_picture(view, brief.lens, wall)
    drawn = amplitude if share > _GRATING else 0.0
    details = {
        "wall_distance_m": wall.distance_m,
        "sensor_px_per_led": round(pixels, 3),
        "grid_contrast": round(contrast, 5),
        "grating_contrast": round(drawn, 5),
        "grating_share": round(share, 4),
    } | ({"focus_m": focus_m} if known else {})
    on_wall = not known and contrast > GOOD
    if drawn > GOOD and (on_wall or drawn > contrast):
        why = f"the picture holds a fine grating of {drawn:.0%} contrast, near the LED pixels' own"
        return Measure("moire", round(100 * drawn, 3), "% contrast", graded(drawn, GOOD, BAD), why, details)
    if on_wall:
        who = f"{focus(brief)[1]} is not before the wall" if on_stage(brief) else "nobody stands before the wall"
        why = f"{who} at {wall.distance_m:g} m, so the focus is not known: {_cure(brief.lens, wall)}"
        return Measure("moire", None, "% contrast", "none", why, details)
    verdict = graded(contrast, GOOD, BAD)
    if verdict == "good":
        focused = f"{focus_m:g} m" if known else "the wall itself"
        why = f"the LEDs melt together: {contrast:.1%} contrast on the sensor, focused at {focused} (2% is good)"
    elif pixels >= 2:
        why = f"the sensor sees single LEDs ({pixels:.2g} pixels each): {contrast:.1%} contrast (2% is good)"
    else:
        beat = 1 / max(abs(1 / pixels - round(1 / pixels)), 1e-3)
        why = f"beats about {beat:.0f} pixels wide, {contrast:.1%} contrast (2% is good)"
    if verdict != "good":
        why += f", focused at {focus_m:g} m with the wall at {wall.distance_m:g} m: {_cure(brief.lens, wall)}"
    return Measure("moire", round(100 * contrast, 3), "% contrast", verdict, why, details)


def clear_focus_m(lens: Lens, wall: PlacedWall) -> float | None:
    """The farthest focus before the wall at which its grid has GOOD contrast at most; None where none has.

    Contrast never falls as the focus goes from near the lens to the wall, so halving finds it.
    """
    near, far = max(_NEAREST_FOCUS_M, 2 * lens.focal_length_mm / 1000), wall.distance_m
    if near >= far or grid_contrast(lens, wall, near) > GOOD:
        return None
    for _ in range(30):
        middle = (near + far) / 2
        near, far = (middle, far) if grid_contrast(lens, wall, middle) <= GOOD else (near, middle)
    return near


def _cure(lens: Lens, wall: PlacedWall) -> str:
    clear_m = clear_focus_m(lens, wall)
    if clear_m is None:
        return "open the lens or stand the wall farther away"
    return f"good when focused at {math.floor(10 * clear_m) / 10:g} m or nearer"


def sensor_pixels(lens: Lens, wall: PlacedWall) -> float:
    """How many of the sensor's pixels an LED pixel covers across."""
    per_mm = wall.camera_width_px / picture_mm(lens)[0]
    return wall.pitch_mm * _magnification(lens, wall.distance_m) * per_mm


def grid_contrast(lens: Lens, wall: PlacedWall, focus_m: float) -> float:
    """Contrast of the grid's fundamental on the sensor, from 0 to 1: emitters, defocus, the sensor's pixels."""
    frequency = 1 / sensor_pixels(lens, wall)
    emitters = min(1.0, 2 * abs(float(np.sinc(_EMITTER))))
    footprint = abs(float(np.sinc(frequency)))
    return emitters * footprint * defocus_mtf(blur_mm(lens, wall.distance_m, focus_m), _grid_per_mm(lens, wall))


def blur_mm(lens: Lens, distance_m: float, focus_m: float) -> float:
    """Diameter on the sensor of a point at a distance, with the thin lens focused at another."""
    focal, far, near = lens.focal_length_mm, 1000 * distance_m, 1000 * focus_m
    if near <= focal:
        return math.inf
    return focal * focal / (lens.t_stop * (near - focal)) * abs(far - near) / far


def disc_mtf(diameter: float, frequency: float) -> float:
    """|2 J₁(x) / x|, x = π · diameter · frequency: what defocus leaves of a sine."""
    x = math.pi * diameter * frequency
    if math.isinf(x):
        return 0.0
    return 1.0 if x < 1e-6 else abs(2 * float(special.j1(x)) / x)


def defocus_mtf(diameter: float, frequency: float) -> float:
    """``disc_mtf``, or the highest that it comes to with more blur: its zeros are those of a perfect disc, and an iris,
    a wall seen at an angle or half a step back fills them. So more blur never reads as more contrast."""
    x = math.pi * diameter * frequency
    peaks = special.jn_zeros(2, 1 + int(min(x, _FAR_X) / math.pi))  # where 2 J₁(x) / x turns
    later = peaks[peaks > x]
    if len(later) == 0:  # from there on by its envelope
        return float(math.sqrt(8 / math.pi) * x**-1.5)
    return max(disc_mtf(diameter, frequency), abs(2 * float(special.j1(later[0])) / float(later[0])))


def grating(light: Float32[np.ndarray, "n n"]) -> tuple[float, float]:
    """The strongest frequency above a quarter cycle a pixel: its share of that band's energy, and its contrast."""
    side = light.shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))
    mean = float((light * window).sum() / window.sum())
    spectrum = np.abs(np.fft.fft2((light - mean) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    fine = np.where(frequency >= 0.25, spectrum, 0.0)
    total = float(fine.sum())
    if total <= 0 or mean <= 0:
        return 0.0, 0.0
    row, column = np.unravel_index(int(fine.argmax()), fine.shape)
    near = np.arange(-2, 3)
    peak = float(fine[np.ix_((row + near) % side, (column + near) % side)].sum())
    alone = row in (0, side // 2) and column in (0, side // 2)
    energy = peak * (1 if alone else 2)  # with its mirror image
    power = energy / side**2 / float((window**2).sum())
    return min(1.0, energy / total), math.sqrt((1 if alone else 2) * power) / mean


def _of_picture(view: View, lens: Lens, wall: PlacedWall) -> tuple[float, float]:
    """The grating in what the lens sees straight ahead, at the wall's pixels; none where the panorama is coarser."""
    if math.pi / view.image.shape[0] > 2 * wall.pixel_rad():
        return 0.0, 0.0
    side = min(_CROP_PX, int(math.radians(field_of_view_deg(lens)[0]) / wall.pixel_rad()))
    if side < 32:
        return 0.0, 0.0
    camera = Camera(side, side, 1 / wall.pixel_rad(), 1 / wall.pixel_rad(), side / 2, side / 2)
    seen: Float[np.ndarray, "h w 3"] = perspective(view.image, camera, Pose(STAGE_FROM_RDF.wxyz, np.zeros(3)))
    return grating(encoded(np.asarray(seen, np.float32)))


def _magnification(lens: Lens, distance_m: float) -> float:
    return lens.focal_length_mm / max(1000 * distance_m - lens.focal_length_mm, 1.0)


def _grid_per_mm(lens: Lens, wall: PlacedWall) -> float:
    return 1 / (wall.pitch_mm * _magnification(lens, wall.distance_m))
