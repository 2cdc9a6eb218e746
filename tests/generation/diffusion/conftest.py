"""Tiny models, built once for all tests of this folder and only read by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.generation.diffusion import tiny, tiny_video


class Shelf:
    """Folders by kind, each built when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def model(self, kind: str) -> Path:
        """A bare diffusers folder: sd, sdxl, flux, flux2, z_image, inpainting."""
        folder = self._root / kind
        if not folder.exists():
            tiny.sd(folder, inpainting=True) if kind == "inpainting" else getattr(tiny, kind)(folder)
        return folder

    def video(self, kind: str) -> Path:
        """An image-to-video folder: svd, wan, ltx, cogvideox."""
        folder = self._root / kind
        return folder if folder.exists() else getattr(tiny_video, kind)(folder)

    def room(self, kind: str = "sd") -> Path:
        """SD or SDXL with ControlNets for depth and edges, and an IP-Adapter."""
        room = self._root / f"room-{kind}"
        if not room.exists():
            unet = getattr(tiny, kind)(room / "base") / "unet"
            tiny.controlnet(room / "controlnet-depth", unet, seed=3)
            tiny.controlnet(room / "controlnet-edges", unet, seed=8)
            tiny.ip_adapter(room, unet)
        return room

    def lora(self, kind: str = "sd") -> Path:
        """For what draws in ``model(kind)``."""
        file = self._root / f"look-{kind}.safetensors"
        return file if file.exists() else tiny.lora(file, self.model(kind))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("models"))
