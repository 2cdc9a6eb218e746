"""A picture on an OpenGL window, exactly: a texture copied to the back buffer by glBlitFramebuffer; window.py owns it.

A blit needs no shader, samples nothing where sizes agree, and converts no colour while GL_FRAMEBUFFER_SRGB is off, as
it is at first (OpenGL 3.2 core profile, sections 3.3.3 and 4.3.3). The few functions needed are called by ctypes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import StreamError
from translight.core.image import PixelFormat

Fit = Literal["one-to-one", "scale"]

_TEXTURE_2D, _TEXTURE_MAX_LEVEL = 0x0DE1, 0x813D
_READ_FRAMEBUFFER, _DRAW_FRAMEBUFFER, _COLOR_ATTACHMENT0, _COMPLETE = 0x8CA8, 0x8CA9, 0x8CE0, 0x8CD5
_COLOR_BUFFER_BIT, _NEAREST, _LINEAR = 0x4000, 0x2600, 0x2601
_RGBA, _BACK_LEFT, _RED_SIZE, _MAX_TEXTURE_SIZE = 0x1908, 0x0402, 0x8212, 0x0D33
_RGBA8, _UNSIGNED_BYTE = 0x8058, 0x1401
_RGB10_A2, _UNSIGNED_INT_2_10_10_10_REV = 0x8059, 0x8368
_LAYOUTS = {
    PixelFormat.RGBA8: (_RGBA8, _UNSIGNED_BYTE),
    PixelFormat.RGB10A2: (_RGB10_A2, _UNSIGNED_INT_2_10_10_10_REV),
}
"""The texture's own format and the type of the pixels handed over, for the formats that can be shown."""

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1."""


def shown_area(picture: tuple[int, int], screen: tuple[int, int], fit: Fit) -> tuple[Box, Box]:
    """Which part of the picture goes where on the screen; both boxes count from the top left, in pixels.

    One to one shows the top left of a picture that is too large; ``scale`` shows all of it, its proportions kept.
    """
    width, height = picture
    if fit == "one-to-one":
        width, height = min(width, screen[0]), min(height, screen[1])
        return (0, 0, width, height), (0, 0, width, height)
    scale = min(screen[0] / width, screen[1] / height)
    shown_w, shown_h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (screen[0] - shown_w) // 2, (screen[1] - shown_h) // 2
    return (0, 0, width, height), (left, top, left + shown_w, top + shown_h)


class GlPicture:
    """A texture of one size on the current OpenGL context."""

    def __init__(self, address_of: Callable[[str], int], pixel_format: PixelFormat, width_px: int, height_px: int):
        self._gl = _Functions(address_of)
        self._size = (width_px, height_px)
        largest = self._gl.integer(_MAX_TEXTURE_SIZE)
        if max(self._size) > largest:
            raise StreamError(f"a picture of {width_px}x{height_px} pixels: this machine's OpenGL takes {largest}")
        self._surface_bits = self._gl.framebuffer_attribute(_BACK_LEFT, _RED_SIZE)
        inner, self._type = _LAYOUTS[pixel_format]
        texture = self._gl.generated("glGenTextures")
        self._gl.glBindTexture(_TEXTURE_2D, texture)
        self._gl.glTexParameteri(_TEXTURE_2D, _TEXTURE_MAX_LEVEL, 0)
        self._gl.glTexImage2D(_TEXTURE_2D, 0, inner, width_px, height_px, 0, _RGBA, self._type, None)
        self._gl.glBindFramebuffer(_READ_FRAMEBUFFER, self._gl.generated("glGenFramebuffers"))
        self._gl.glFramebufferTexture2D(_READ_FRAMEBUFFER, _COLOR_ATTACHMENT0, _TEXTURE_2D, texture, 0)
        if self._gl.glCheckFramebufferStatus(_READ_FRAMEBUFFER) != _COMPLETE:
            raise StreamError(f"this machine's OpenGL cannot show {pixel_format.value} pictures")
        self._gl.glClearColor(0.0, 0.0, 0.0, 1.0)

    @property
    def surface_bits(self) -> int:
        """Bits of a colour channel that the window really has."""
        return self._surface_bits

    def upload(self, pixels: NDArray[np.uint8]) -> None:
        """Hand over a picture's bytes; they are read before this returns."""
        width, height = self._size
        self._gl.glTexSubImage2D(_TEXTURE_2D, 0, 0, 0, width, height, _RGBA, self._type, pixels.ctypes.data)

    def draw(self, screen: tuple[int, int], fit: Fit) -> None:
        """Copy the picture to the back buffer of ``screen`` pixels; the rest is black."""
        source, target = shown_area(self._size, screen, fit)
        exact = source[2:] == (target[2] - target[0], target[3] - target[1])
        self._gl.glClear(_COLOR_BUFFER_BIT)
        # OpenGL counts rows from below, pictures from above: the target's rows run backwards.
        below = (target[0], screen[1] - target[1], target[2], screen[1] - target[3])
        self._gl.glBlitFramebuffer(*source, *below, _COLOR_BUFFER_BIT, _NEAREST if exact else _LINEAR)

    def finish(self) -> None:
        """Wait until all of it is done, a swap of buffers too."""
        self._gl.glFinish()


class _Functions:
    """The OpenGL functions used here, as ctypes calls."""

    def __init__(self, address_of: Callable[[str], int]) -> None:
        e, i, f, p = ctypes.c_uint, ctypes.c_int, ctypes.c_float, ctypes.c_void_p
        kind = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)  # OpenGL's calling convention on Windows

        def found(name: str, *arguments: type, gives: type | None = None) -> Callable[..., int]:
            address = address_of(name)
            if not address:
                raise StreamError(f"this machine's OpenGL has no {name}: version 3.2 is needed")
            function: Callable[..., int] = kind(gives, *arguments)(address)
            return function

        self.glBindTexture = found("glBindTexture", e, e)
        self.glTexParameteri = found("glTexParameteri", e, e, i)
        self.glTexImage2D = found("glTexImage2D", e, i, i, i, i, i, e, e, p)
        self.glTexSubImage2D = found("glTexSubImage2D", e, i, i, i, i, i, e, e, p)
        self.glBindFramebuffer = found("glBindFramebuffer", e, e)
        self.glFramebufferTexture2D = found("glFramebufferTexture2D", e, e, e, e, i)
        self.glCheckFramebufferStatus = found("glCheckFramebufferStatus", e, gives=e)
        self.glBlitFramebuffer = found("glBlitFramebuffer", i, i, i, i, i, i, i, i, e, e)
        self.glClearColor = found("glClearColor", f, f, f, f)
        self.glClear = found("glClear", e)
        self.glFinish = found("glFinish")
        self._get_integer = found("glGetIntegerv", e, p)
        self._get_attribute = found("glGetFramebufferAttachmentParameteriv", e, e, e, p)
        self._generate = {name: found(name, i, p) for name in ("glGenTextures", "glGenFramebuffers")}

    def integer(self, name: int) -> int:
        """glGetIntegerv of one value."""
        value = ctypes.c_int()
        self._get_integer(name, ctypes.byref(value))
        return value.value

    def framebuffer_attribute(self, attachment: int, name: int) -> int:
        """An attribute of the framebuffer that is drawn to."""
        value = ctypes.c_int()
        self._get_attribute(_DRAW_FRAMEBUFFER, attachment, name, ctypes.byref(value))
        return value.value

    def generated(self, function: str) -> int:
        """One new name."""
        name = ctypes.c_uint()
        self._generate[function](1, ctypes.byref(name))
        return name.value
