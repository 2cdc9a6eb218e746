"""What a look costs: seconds for a million pixels of each on a processor, and the network's training and inference.

Looks are timed on a panorama of noise over eighteen stops, in memory: nothing is read or written. The network is in
its default size with first weights; times do not hang on what it learnt.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from jaxtyping import Float32

from translight.core.image import save_image
from translight.core.machine import describe
from translight.generation.look.cut.model import Settings
from translight.generation.look.cut.stills import Stills
from translight.generation.look.cut.training import train
from translight.generation.look.cut.translator import open_translator
from translight.generation.look.encoding import ColourMap
from translight.generation.look.film import STOCKS, film
from translight.generation.look.grain import grained
from translight.generation.look.halation import glowing
from translight.generation.look.lattice import Lut, laid_down
from translight.generation.look.palette import palette_of
from translight.generation.look.recipe import Reference
from translight.generation.look.splat_colours import in_rows

HEIGHT_PX, ROUNDS = 1024, 3
STEPS, WARM_UP, CUT_HEIGHTS = 50, 5, (256, 512)
COLUMNS = "| look | seconds for a million pixels |\n|---|---|"
NETWORK_COLUMNS = "| on | training, steps a second | a panorama of | gain, s |\n|---|---|---|---|"
_RESULT = Path(__file__).parent / "results" / "look.md"


def looks(light: Float32[np.ndarray, "h w 3"], still: Path) -> dict[str, Callable[[], object]]:
    """Each by its name: finding the map of a reference, and every map at work."""
    source = palette_of(light, "light", panorama=True)
    maps: dict[str, ColourMap] = {}
    found: dict[str, Callable[[], object]] = {}
    for transfer in ("mk", "idt"):
        reference = Reference(still, transfer)
        maps[transfer] = reference.map_from(source)[0]
        found[f"{transfer}, its map found"] = partial(_map_found, reference, light)
    maps |= {name: film(name) for name in STOCKS}
    maps["LUT of 33³"] = Lut(laid_down(film("print"), "srgb", 33, ""), "srgb", "srgb")
    found |= {name: partial(in_rows, colour_map, light) for name, colour_map in maps.items()}
    negative = next(iter(STOCKS))
    found["halation"] = lambda: glowing(light, STOCKS[negative].halation)
    found["grain with its film"] = lambda: grained(film(negative), light, 1.0, 0)
    return found


def _map_found(reference: Reference, light: Float32[np.ndarray, "h w 3"]) -> ColourMap:
    return reference.map_from(palette_of(light, "light", panorama=True))[0]


def network_row(device: torch.device, settings: Settings, steps: int, warm_up: int, height_px: int) -> str:
    """Training from a checkpoint on, without reading and writing, and a panorama's gain once it is warm."""
    dice = torch.Generator().manual_seed(0)
    side = settings.size_px * 3 // 2
    changed, wanted = (
        Stills((torch.rand((3, side, side), generator=dice) * 2 - 1,), {"a.png": f"{i:064x}"}) for i in (1, 2)
    )
    times = []

    def told(_what: str, _share: float) -> None:
        times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "m"
        train(
            changed,
            wanted,
            model,
            settings,
            warm_up + steps,
            told,
            device=device,
            licence="measured",
            commercial=None,
        )
        translator = open_translator(model, height_px, device.type)
        light = np.random.default_rng(0).random((height_px, 2 * height_px, 3), np.float32)
        gains = [_seconds(lambda: translator.gain(light, panorama=True)) for _ in range(ROUNDS + 1)][1:]
    a_second = steps / (times[-1] - times[warm_up - 1])
    name = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"processor, {torch.get_num_threads()} threads"
    )
    return f"| {name} | {a_second:.2f} | {2 * height_px}x{height_px} | {median(gains):.3f} |"


def main(tiny: bool) -> None:
    """Write the table; tiny, small pictures and networks, and nothing is written."""
    height_px, rounds = (32, 1) if tiny else (HEIGHT_PX, ROUNDS)
    chance = np.random.default_rng(0)
    light = (0.18 * 2.0 ** chance.uniform(-8, 10, (height_px, 2 * height_px, 3))).astype(np.float32)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / "still.png"
        save_image(still, (chance.random((90, 160, 3)) * [250, 180, 120]).astype(np.uint8))
        for name, work in looks(light, still).items():
            took_s = median(_seconds(work) for _ in range(rounds)) / (light[..., 0].size / 1e6)
            rows.append(f"| {name} | {took_s:.2f} |")
            print(rows[-1], flush=True)
    settings = Settings(size_px=32, filters=4, blocks=0) if tiny else Settings()
    networks = []
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for cut_height_px in (32,) if tiny else CUT_HEIGHTS:
            steps = (1, 1) if tiny else (STEPS, WARM_UP)
            networks.append(network_row(torch.device(device), settings, *steps, cut_height_px))
            print(networks[-1], flush=True)
    if tiny:
        return
    _RESULT.write_text(
        f"# Looks\n\n{describe()}.\nA panorama of {2 * HEIGHT_PX}x{HEIGHT_PX} in memory, the median of {ROUNDS}; "
        "a reference's map is found on 512 columns, however large the panorama. `python -m benchmarks look`.\n\n"
        + "\n".join([COLUMNS, *rows])
        + "\n\n"
        f"The network: crops of {settings.size_px} px, {settings.filters} filters, {settings.blocks} blocks, "
        f"{STEPS} steps after {WARM_UP}.\n\n" + "\n".join([NETWORK_COLUMNS, *networks]) + "\n"
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
