"""What the numbers of a brief are called on a set, and the words that name a scene family; translate.py joins them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from translight.generation.brief.brief import Family, Weather

FAMILY_WORDS: dict[Family, tuple[str, ...]] = {
    "dunes": ("dune", "desert", "sahara", "sand", "erg", "wadi", "oasis"),
    "ocean": ("ocean", "sea", "harbour", "harbor", "coast", "beach", "shore", "bay", "island", "waves", "ship", "surf"),
    "forest": ("forest", "woods", "woodland", "clearing", "trees", "jungle", "grove", "pines", "birches", "taiga"),
    "peaks": ("peak", "mountain", "alps", "alpine", "summit", "glacier", "ridge", "himalaya", "snowfield"),
    "city": (
        "city",
        "cities",
        "street",
        "skyline",
        "downtown",
        "alley",
        "rooftop",
        "skyscraper",
        "neon",
        "avenue",
        "town",
    ),
    "hall": ("hall", "interior", "cathedral", "church", "palace", "museum", "hangar", "warehouse", "nave", "ballroom"),
    "space": (
        "outer space",
        "deep space",
        "space station",
        "orbit",
        "nebula",
        "planet",
        "asteroid",
        "galaxy",
        "starship",
    ),
}
"""What many places have is left out: moon, wood, space."""

PANORAMA = "seamless 360 panorama, equirectangular"
LEVEL = "level horizon"
NEVER = (
    "text, watermark, logo, frame, border",
    "visible seam, tilted horizon, fisheye circle, black bars",
    "blurred, bokeh, lens flare, low detail",
    "camera, tripod, film crew",
)
"""What no wall picture may hold; the film camera makes its own blur and flare before the wall."""
PEOPLE = "people"

WEATHER: dict[Weather, str] = {
    "clear": "clear sky",
    "haze": "hazy air",
    "scattered": "scattered clouds",
    "broken": "broken clouds with gaps of sky",
    "overcast": "overcast, soft shadowless light",
    "fog": "thick fog",
    "rain": "rain, wet surfaces",
    "snow": "falling snow",
}
_HIDDEN_SUN = ("overcast", "fog", "rain", "snow")


def named(words: Sequence[str], text: str) -> list[re.Match[str]]:
    """Where a text has these words, in the singular or with s or es at their end, and as no part of longer ones."""
    return [hit for word in words for hit in re.finditer(rf"\b{word}(?:s|es)?\b", text, re.IGNORECASE)]


def family_of(place: str, intent: str) -> tuple[Family, str] | None:
    """The family with most words in the texts, and the word found first; a word of the place counts three times."""
    found: dict[Family, tuple[int, int, str]] = {}
    text = f"{place}\n{intent}".lower()
    for family, words in FAMILY_WORDS.items():
        if hits := named(words, text):
            first = min(hits, key=re.Match.start)
            score = sum(3 if hit.start() < len(place) else 1 for hit in hits)
            found[family] = (score, -first.start(), first.group())
    if not found:
        return None
    best = max(found, key=lambda family: found[family][:2])
    return best, found[best][2]


def sun_height(elevation_deg: float, weather: Weather, *, lamps: bool = False) -> str:
    """Night from astronomical twilight's end at −18°, golden and blue hour as photographers use them.

    ``lamps``: the place has lights of its own at night. Where clouds or fog hide the sun, nothing is said of shadows.
    """
    if weather in _HIDDEN_SUN and elevation_deg >= -4:
        hidden = ((6.0, "first or last daylight, sun unseen"), (20.0, "low soft daylight"), (50.0, "soft daylight"))
        return next((words for limit, words in hidden if elevation_deg < limit), "flat bright daylight")
    starlit = "starlit night" if weather in ("clear", "haze", "scattered") else "dark night"
    limits = (
        (-18.0, "night, lit by lamps" if lamps else starlit),
        (-8.0, "late twilight, nearly night"),
        (-4.0, "blue hour, even blue light"),
        (6.0, "golden hour, warm light, very long shadows"),
        (20.0, "low sun, long shadows"),
        (50.0, "bright daylight"),
    )
    return next((words for limit, words in limits if elevation_deg < limit), "high sun, short hard shadows")


def sun_side(azimuth_deg: float) -> str:
    """Where the light comes from for a camera that looks to stage +Y."""
    azimuth = (azimuth_deg + 180) % 360 - 180
    if abs(azimuth) < 45:
        return "backlit"
    if abs(azimuth) > 135:
        return "front-lit"
    return f"side-lit from the {'right' if azimuth > 0 else 'left'}"


def sun_is_seen(elevation_deg: float, weather: Weather) -> bool:
    """Whether it casts shadows, so that its side matters."""
    return elevation_deg > -4 and weather not in _HIDDEN_SUN


def clearness(visibility_km: float) -> str:
    """Koschmieder's visibility in words; from 20 to 60 km nothing is worth saying."""
    limits = (
        (0.2, "nothing seen beyond 200 metres"),
        (1.0, "dense mist, shapes fading within a kilometre"),
        (5.0, "misty distance"),
        (20.0, "soft haze in the distance"),
        (60.0, ""),
    )
    return next((words for limit, words in limits if visibility_km < limit), "crystal-clear far distance")


def wind(speed_m_s: float) -> str:
    """By Beaufort's limits for 3, 6 and 8; a light breeze is not worth saying."""
    limits = ((0.5, "dead calm"), (5.5, ""), (10.8, "windswept"), (17.2, "strong wind"))
    return next((words for limit, words in limits if speed_m_s < limit), "gale")


def light_k(elevation_deg: float, weather: Weather, *, lamps: bool = False) -> float:
    """Roughly the colour temperature of the light: what a colour meter shows, within some hundred kelvin."""
    if elevation_deg < -8:
        return 3000.0 if lamps else 4100.0  # warm street lamps, or moonlight
    if elevation_deg < -4:
        return 9000.0
    if weather in _HIDDEN_SUN:
        return 6500.0
    return 3500.0 if elevation_deg < 6 else 4800.0 if elevation_deg < 20 else 5600.0


def balance(camera_k: float, scene_k: float) -> str:
    """The cast that a camera set to one white sees in another, in mired (a quarter CTO is 42, a full one 159)."""
    mired = 1e6 / camera_k - 1e6 / scene_k
    if abs(mired) < 30:
        return ""
    degree = "slightly " if abs(mired) < 65 else "strongly " if abs(mired) > 130 else ""
    return f"{degree}{'cool blue' if mired > 0 else 'warm amber'} colour balance"


def lens_look(full_frame_mm: float) -> str:
    """By the focal length on full frame."""
    limits = (
        (24.0, "wide vista"),
        (40.0, "wide view"),
        (65.0, "natural perspective"),
        (110.0, "long-lens compression"),
    )
    return next((words for limit, words in limits if full_frame_mm < limit), "telephoto layers, far things large")


def detail(far_blur: float) -> str:
    """What the set must hold, by how much the lens blurs infinity (share of the picture's height)."""
    if far_blur < 0.002:
        return "deep focus, fine detail into the far distance"
    if far_blur < 0.02:
        return "sharp throughout"
    return "sharp throughout, bold simple shapes in the distance"


def eye_height(height_m: float) -> str:
    """How high the camera is; eye level is not worth saying."""
    limits = ((0.8, "seen from close to the ground"), (2.5, ""), (8.0, "seen from above head height"))
    return next((words for limit, words in limits if height_m < limit), "seen from high above")


def set_depth(depth_m: float) -> str:
    """How far the place goes."""
    limits = ((15.0, "enclosed, near walls"), (60.0, "intimate space"), (500.0, ""), (3000.0, "wide open space"))
    return next((words for limit, words in limits if depth_m < limit), "vast distances to the horizon")


def likely_tokens(prompt: str) -> int:
    """How many tokens CLIP is likely to count, rather too many: no tokenizer is asked.

    One for a word of up to six letters and one more for every five beyond, one for each digit and each mark, two for
    beginning and end.
    """
    letters = [len(word) for word in re.findall(r"[^\W\d_]+", prompt)]
    others = len(re.findall(r"[^\w\s]|\d|_", prompt))
    return 2 + sum(1 + max(0, math.ceil((n - 6) / 5)) for n in letters) + others
