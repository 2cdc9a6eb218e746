"""What the watermark survives, how it shows, and how often it is found where it is not; a published peer beside it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from benchmarks.lift_scenes import procedural
from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.image import to_u8
from translight.core.machine import describe
from translight.generation.preview import tone_mapped
from translight.generation.provenance.watermark import mark
from translight.generation.provenance.watermark_find import MAX_TRIES, find

IDENTITY = 0x5EEDBEEF1234
STILLS = ("berlin/01.jpg", "brighton/dji_0018.jpg", "brighton/dji_0035.jpg")
PLACES = ("dunes", "city")
LONGER_PX = 1280

Pixels = np.ndarray
Attack = Callable[[Pixels, np.random.Generator], Pixels]
_ROOT = Path(__file__).parents[1]
_DATA = _ROOT.parent / "shared" / "data"
_RESULT = Path(__file__).parent / "results" / "watermark.md"


def pictures(tiny: bool) -> Iterator[tuple[str, str, Pixels]]:
    """Kind, name and 8-bit pixels."""
    if tiny:
        chance = np.random.default_rng(0)
        noise = ndimage.gaussian_filter(chance.random((256, 384, 3)), (3, 3, 0))
        yield "noise", "noise", to_u8((noise - noise.min()) / np.ptp(noise))
        return
    for name in STILLS:
        if (_DATA / "photos" / name).is_file():
            with Image.open(_DATA / "photos" / name) as still:
                small = still.convert("RGB")
                small.thumbnail((LONGER_PX, LONGER_PX))
                yield "photograph", name, np.array(small)
    for name in PLACES:
        view = procedural(name, 512).panorama(512)
        yield "procedural", name, tone_mapped(view.image)


def _jpeg(quality: int) -> Attack:
    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, "JPEG", quality=quality)
        return np.array(Image.open(held))

    return attack


def _resize(factor: float) -> Attack:
    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        size = (round(width * factor), round(height * factor))
        return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))

    return attack


def _crop(share: float) -> Attack:
    """Keeps this share of width and of height."""

    def attack(pixels: Pixels, chance: np.random.Generator) -> Pixels:
        height, width = (int(side * share) for side in pixels.shape[:2])
        top = int(chance.integers(0, pixels.shape[0] - height + 1))
        left = int(chance.integers(0, pixels.shape[1] - width + 1))
        return np.ascontiguousarray(pixels[top : top + height, left : left + width])

    return attack


def _noise(deviation: float) -> Attack:
    return lambda pixels, chance: np.clip(pixels + chance.normal(0, deviation, pixels.shape), 0, 255).astype(np.uint8)


def _grade(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A stop up, warmer, more contrast, less saturation."""
    light = srgb_decode(pixels.astype(np.float32) / 255) * 2.0 * np.array([1.1, 1.0, 0.85], np.float32)
    grey = light.mean(axis=2, keepdims=True)
    shown = srgb_encode(np.clip(0.8 * light + 0.2 * grey, 0, 1))
    return to_u8(np.clip(0.5 + 1.2 * (shown - 0.5), 0, 1))


def _after(*attacks: Attack) -> Attack:
    def attack(pixels: Pixels, chance: np.random.Generator) -> Pixels:
        for one in attacks:
            pixels = one(pixels, chance)
        return pixels

    return attack


ATTACKS: dict[str, Attack] = {
    "nothing": lambda pixels, _: pixels,
    **{f"JPEG {q}": _jpeg(q) for q in (95, 85, 70, 50)},
    **{f"resized ×{f:g}": _resize(f) for f in (2.0, 1.5, 0.75, 0.5)},
    **{f"cropped to {s:.0%} × {s:.0%}": _crop(s) for s in (0.9, 0.5, 0.25)},
    "noise, σ 5 of 255": _noise(5.0),
    "graded": _grade,
    "×0.75, JPEG 75": _after(_resize(0.75), _jpeg(75)),
    "×0.5, JPEG 85": _after(_resize(0.5), _jpeg(85)),
    "50 %, ×0.75, JPEG 85": _after(_crop(0.5), _resize(0.75), _jpeg(85)),
}


def lab(pixels: Pixels) -> np.ndarray:
    """CIE L*a*b* (D65) of sRGB."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = srgb_decode(pixels.astype(np.float32) / 255) @ matrix.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def peer() -> tuple[Callable[[Pixels], Pixels], Callable[[Pixels], np.ndarray]] | None:
    """invisible-watermark's dwtDctSvd: how it marks, and the bits that it reads; None where it is not installed."""
    if any(find_spec(name) is None for name in ("imwatermark", "cv2", "pywt")):
        return None
    module = import_module("imwatermark")
    encoder, decoder = module.WatermarkEncoder(), module.WatermarkDecoder("bits", 48)
    encoder.set_watermark("bits", _bits())

    def marked(pixels: Pixels) -> Pixels:
        return np.ascontiguousarray(encoder.encode(pixels[..., ::-1].copy(), "dwtDctSvd")[..., ::-1])

    def read(pixels: Pixels) -> np.ndarray:
        if pixels.shape[0] * pixels.shape[1] < 256 * 256:
            return np.full(48, 2)
        return np.asarray(decoder.decode(pixels[..., ::-1].copy(), "dwtDctSvd"), dtype=int)

    return marked, read


def _bits() -> list[int]:
    return [IDENTITY >> i & 1 for i in range(47, -1, -1)]


def _visible(before: Pixels, after: Pixels) -> tuple[float, float, float]:
    """PSNR in dB, mean and greatest ΔE*ab."""
    error = float(np.mean((after.astype(np.float64) - before) ** 2))
    distance = np.linalg.norm(lab(after) - lab(before), axis=-1)
    return 10 * np.log10(255**2 / max(error, 1e-12)), float(distance.mean()), float(distance.max())


def main(tiny: bool) -> None:
    """Write the tables; tiny, one small picture, and nothing is written."""
    chance = np.random.default_rng(1)
    shown, seconds = [], {True: [], False: []}
    hits: dict[tuple[str, str], list[bool]] = {}
    peers: dict[str, list[tuple[bool, float]]] = {}
    alarms = clean = 0
    other = None if tiny else peer()
    attacks = {name: ATTACKS[name] for name in ("nothing", "JPEG 70")} if tiny else ATTACKS
    for kind, name, pixels in pictures(tiny):
        marked = mark(pixels, IDENTITY)
        shown.append((kind, name, pixels.shape, *_visible(pixels, marked)))
        for attack, act in attacks.items():
            began = time.monotonic()
            found = find(act(marked, chance))
            right = found is not None and found.identity == IDENTITY
            seconds[right].append(time.monotonic() - began)
            hits.setdefault((attack, kind), []).append(right)
            if attack in ("nothing", "JPEG 50", "resized ×0.5", "cropped to 50% × 50%", "graded"):
                clean += 1
                alarms += find(act(pixels, chance)) is not None
        if other is not None:
            theirs = other[0](pixels)
            shown.append((kind, f"{name}, dwtDctSvd", pixels.shape, *_visible(pixels, theirs)))
            for attack, act in attacks.items():
                wrong = float(np.mean(other[1](act(theirs, chance)) != _bits()))
                peers.setdefault(attack, []).append((wrong == 0, wrong))
        print(name, flush=True)
    lines = _table(hits, peers, attacks)
    print("\n".join(lines))
    if not tiny:
        _RESULT.write_text(_said(lines, shown, seconds, alarms, clean))


def _table(
    hits: dict[tuple[str, str], list[bool]], peers: dict[str, list[tuple[bool, float]]], attacks: dict[str, Attack]
) -> list[str]:
    kinds = sorted({kind for _, kind in hits})
    head = ["after", *kinds] + (["dwtDctSvd: all bits right", "its bit errors"] if peers else [])
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for attack in attacks:
        cells = [attack, *(f"{sum(hits[attack, kind])} of {len(hits[attack, kind])}" for kind in kinds)]
        if peers:
            got = peers[attack]
            cells += [f"{sum(right for right, _ in got)} of {len(got)}", f"{np.mean([wrong for _, wrong in got]):.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _said(lines: list[str], shown: list[tuple], seconds: dict[bool, list[float]], alarms: int, clean: int) -> str:
    rows = [
        f"| {name} | {shape[1]}x{shape[0]} | {psnr:.1f} | {mean:.2f} | {most:.1f} |"
        for _, name, shape, psnr, mean, most in shown
    ]
    missed = f", where there is none {np.median(seconds[False]):.1f} s" if seconds[False] else ""
    return (
        f"# The watermark\n\n{describe()}. `python -m benchmarks watermark`.\n\n"
        "A picture counts where exactly the 48 bits that were written were read, the original not at hand. Peer: "
        "invisible-watermark 0.2.0, dwtDctSvd, 48 bits without a check, not told the original size either; where a "
        "picture is too small for it, all bits count as errors.\n\n" + "\n".join(lines) + "\n\n"
        f"False alarms: {alarms} in {clean} pictures without a mark, attacked likewise. By design "
        f"{MAX_TRIES} / 2³² = {MAX_TRIES / 2**32:.1e} a picture at most: each word passes its CRC-32 once in 2³².\n\n"
        f"Finding takes {np.median(seconds[True]):.1f} s (median){missed}.\n\n"
        "## How it shows\n| picture | pixels | PSNR, dB | ΔE*ab, mean | greatest |\n|---|---|---|---|---|\n"
        + "\n".join(rows) + "\n"
    )  # fmt: skip
