"""The NDI runtime's C interface (NDI SDK 6, Processing.NDI.*.h), as much of it as ndi.py calls, by ctypes.

The runtime is proprietary and comes inside the PyPI package ndi-python (extra ``ndi``). That package's own binding
copies every received picture and reaches only the first plane of 16-bit ones, so its library is called directly; ctypes
lets go of the interpreter during each call.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, Structure, c_bool, c_char_p, c_float, c_int, c_int64, c_uint32, c_void_p
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from translight.core.errors import MissingExtra, StreamError

RGBX = int.from_bytes(b"RGBX", "little")
RGBA = int.from_bytes(b"RGBA", "little")
UYVY = int.from_bytes(b"UYVY", "little")
"""A word a pair of pixels: Cb, Y, Cr, Y."""
P216 = int.from_bytes(b"P216", "little")
"""16 bits: a plane of Y, then a plane of Cb and Cr for every second pixel of a row."""
PA16 = int.from_bytes(b"PA16", "little")

FRAME_NONE = 0
FRAME_VIDEO = 1
PROGRESSIVE = 1
COLOUR_RGBX = 2
COLOUR_BEST = 101
BANDWIDTH = {"lowest": 0, "highest": 100}

_LIBRARIES = {"win32": "Processing.NDI.Lib.x64.dll", "darwin": "libndi.dylib"}


class VideoFrame(Structure):
    """NDIlib_video_frame_v2_t."""

    _fields_ = (
        ("width_px", c_int),
        ("height_px", c_int),
        ("four_cc", c_uint32),
        ("rate_numerator", c_int),
        ("rate_denominator", c_int),
        ("aspect", c_float),
        ("interlacing", c_int),
        ("timecode", c_int64),
        ("data", c_void_p),
        ("row_bytes", c_int),
        ("metadata", c_char_p),
        ("timestamp", c_int64),
    )


class Source(Structure):
    """NDIlib_source_t."""

    _fields_ = (("name", c_char_p), ("address", c_char_p))


class SendSettings(Structure):
    """NDIlib_send_create_t."""

    _fields_ = (("name", c_char_p), ("groups", c_char_p), ("clock_video", c_bool), ("clock_audio", c_bool))


class FindSettings(Structure):
    """NDIlib_find_create_t."""

    _fields_ = (("local", c_bool), ("groups", c_char_p), ("extra_ips", c_char_p))


class ReceiveSettings(Structure):
    """NDIlib_recv_create_v3_t."""

    _fields_ = (
        ("source", Source),
        ("colour", c_int),
        ("bandwidth", c_int),
        ("fields", c_bool),
        ("name", c_char_p),
    )


_SIGNATURES = {
    "initialize": (c_bool,),
    "version": (c_char_p,),
    "send_create": (c_void_p, POINTER(SendSettings)),
    "send_destroy": (None, c_void_p),
    "send_send_video_v2": (None, c_void_p, POINTER(VideoFrame)),
    "send_get_no_connections": (c_int, c_void_p, c_uint32),
    "find_create_v2": (c_void_p, POINTER(FindSettings)),
    "find_destroy": (None, c_void_p),
    "find_wait_for_sources": (c_bool, c_void_p, c_uint32),
    "find_get_current_sources": (POINTER(Source), c_void_p, POINTER(c_uint32)),
    "recv_create_v3": (c_void_p, POINTER(ReceiveSettings)),
    "recv_destroy": (None, c_void_p),
    "recv_connect": (None, c_void_p, POINTER(Source)),
    "recv_capture_v3": (c_int, c_void_p, POINTER(VideoFrame), c_void_p, c_void_p, c_uint32),
    "recv_free_video_v2": (None, c_void_p, POINTER(VideoFrame)),
    "recv_get_no_connections": (c_int, c_void_p),
}


@cache
def runtime() -> ctypes.CDLL:
    """The library with its signatures set, initialised once a process. Raises MissingExtra, StreamError."""
    package = find_spec("NDIlib")
    if package is None or package.origin is None:
        raise MissingExtra("the NDI runtime", "ndi")
    path = Path(package.origin).parent / _LIBRARIES.get(sys.platform, "libndi.so")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise StreamError(f"the NDI runtime {path} cannot be loaded: {error}") from error
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, f"NDIlib_{name}")
        function.restype, function.argtypes = result, arguments
    if not library.NDIlib_initialize():
        raise StreamError("the NDI runtime does not run on this processor (it needs SSE4.2)")
    return library
