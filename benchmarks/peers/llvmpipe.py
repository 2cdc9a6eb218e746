"""Mesa's llvmpipe: OpenGL on the processor, for the peers that need a GPU's interface; other drivers are kept out."""

from __future__ import annotations

from collections.abc import Mapping

from translight.core.errors import BackendError

ENVIRONMENT: Mapping[str, str] = {"LIBGL_ALWAYS_SOFTWARE": "1", "GALLIUM_DRIVER": "llvmpipe"}
"""Makes Mesa draw with llvmpipe, which uses all cores unless LP_NUM_THREADS says otherwise."""


def missing(peer: str, found: object) -> BackendError:
    """The error of a peer that ``found`` something else than llvmpipe, or nothing."""
    install = "apt-get install libegl1 libgl1 libgles2 libgl1-mesa-dri"
    return BackendError(f"the {peer} peer needs Mesa's llvmpipe, not {found}: {install}")
