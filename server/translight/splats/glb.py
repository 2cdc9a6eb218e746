"""glTF 2.0's containers: JSON with its buffers, as one binary ``.glb`` or as ``.gltf``; ``gltf`` knows what is inside.

Source: Khronos, "glTF 2.0 Specification", chapters 3.6 (buffers, accessors) and 4 (GLB). Security: the JSON is bounded
before it is parsed, and an accessor is a view of bytes that are there; nothing is allocated by a claim.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeGuard
from urllib.parse import unquote

import msgspec
import numpy as np

from translight.core.errors import FormatError
from translight.splats.limits import DEFAULT_LIMITS, Limits, brief

MAGIC = b"glTF"
MAX_JSON_BYTES = 16 << 20
WHAT = "glTF"
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<II")
_JSON, _BIN = 0x4E4F534A, 0x004E4942
_MOST_BUFFERS = 256
_BASE64 = ";base64,"
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
OpenFile = Callable[[str], bytes]
"""A file beside a ``.gltf``, by its plain name."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A glTF's JSON and what its buffers hold, in their order."""

    json: dict[str, Any]
    buffers: tuple[memoryview, ...]

    def array(self, name: str, index: Any, what: str) -> dict[str, Any]:
        """An object of one of the JSON's arrays. Raises FormatError where there is none."""
        objects = self.json.get(name)
        if not isinstance(objects, list) or not _is_index(index) or index >= len(objects):
            raise FormatError(f"{WHAT}: {what} names {name}[{brief(index)}], which is not there")
        if not isinstance(objects[index], dict):
            raise FormatError(f"{WHAT}: {name}[{index}] is no object")
        return dict(objects[index])

    def accessor(self, index: Any, what: str) -> tuple[np.ndarray, bool]:
        """An accessor as (count, components) in its own component type, and whether it is normalised: no copy is made.

        Raises FormatError where it reaches beyond its buffer, is sparse, or has no buffer view.
        """
        accessor = self.array("accessors", index, what)
        if "sparse" in accessor or "bufferView" not in accessor:
            raise FormatError(f"{WHAT}: {what} is sparse, compressed or without data, which is not read")
        kind, components = accessor.get("componentType"), accessor.get("type")
        if (
            not _is_index(kind)
            or kind not in _TYPES
            or not isinstance(components, str)
            or components not in _COMPONENTS
        ):
            raise FormatError(f"{WHAT}: {what} has type {brief(components)} of component type {brief(kind)}")
        view = self.array("bufferViews", accessor["bufferView"], what)
        buffer_index = view.get("buffer")
        if not _is_index(buffer_index) or buffer_index >= len(self.buffers):
            raise FormatError(f"{WHAT}: {what} names buffers[{brief(buffer_index)}], which is not there")
        dtype, width = np.dtype(_TYPES[kind]), _COMPONENTS[components]
        count = _integer(accessor, "count", what)
        start, length = _integer(view, "byteOffset", what, 0), _integer(view, "byteLength", what)
        offset = _integer(accessor, "byteOffset", what, 0)
        stride = _integer(view, "byteStride", what, 0) or dtype.itemsize * width
        needed = offset + (stride * (count - 1) + dtype.itemsize * width if count else 0)
        buffer = self.buffers[buffer_index]
        if stride < dtype.itemsize * width or needed > length or start + length > len(buffer):
            raise FormatError(f"{WHAT}: {what}: {count:,} values reach beyond their buffer of {len(buffer):,} bytes")
        shape, strides = (count, width), (stride, dtype.itemsize)
        values = np.ndarray(shape, dtype, buffer, start + offset, strides) if count else np.empty(shape, dtype)
        return values, accessor.get("normalized") is True


def parse(data: bytes, limits: Limits = DEFAULT_LIMITS, open_file: OpenFile | None = None) -> Document:
    """Read a ``.glb`` or ``.gltf``; ``open_file`` finds the buffers that a ``.gltf`` names. Raises FormatError."""
    text, binary = _chunks(data) if data.startswith(MAGIC) else (memoryview(data), None)
    if len(text) > MAX_JSON_BYTES:
        raise FormatError(f"{WHAT}: {len(text):,} bytes of JSON; the limit is {MAX_JSON_BYTES:,}")
    try:
        values = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{WHAT}: not JSON: {brief(error)}") from error
    asset = values.get("asset") if isinstance(values, dict) else None
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise FormatError(f"{WHAT}: version {brief(version)}; version 2 is read")
    buffers = values.get("buffers", [])
    if not isinstance(buffers, list) or len(buffers) > _MOST_BUFFERS:
        raise FormatError(f"{WHAT}: its buffers are no list of up to {_MOST_BUFFERS}")
    found: list[memoryview] = []
    for i, buffer in enumerate(buffers):
        found.append(_buffer(buffer, i, binary, open_file))
        limits.check_bytes(sum(len(held) for held in found), f"{WHAT}: all its buffers")
    return Document(values, tuple(found))


def write_glb(values: Mapping[str, Any], binary: bytes) -> bytes:
    """The bytes of a ``.glb`` whose first buffer is ``binary``, of which the JSON must say the length."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    padded = binary + b"\0" * (-len(binary) % 4)
    total = _HEADER.size + 2 * _CHUNK.size + len(text) + len(padded)
    if total >= 1 << 32:
        raise FormatError(f"{WHAT}: {total:,} bytes; a .glb holds 4 GiB")
    chunks = (_CHUNK.pack(len(text), _JSON), text, _CHUNK.pack(len(padded), _BIN), padded)
    return b"".join((_HEADER.pack(MAGIC, 2, total), *chunks))


def write_gltf(values: Mapping[str, Any], binary: bytes) -> bytes:
    """The same as one ``.gltf``, its buffer inside it as base64."""
    uri = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    inside = {**values, "buffers": [{"byteLength": len(binary), "uri": uri}]}
    return json.dumps(inside, indent=1, allow_nan=False).encode()


def _chunks(data: bytes) -> tuple[memoryview, memoryview | None]:
    """The JSON chunk, and the binary one where there is one."""
    if len(data) < _HEADER.size + _CHUNK.size:
        raise FormatError(f"{WHAT}: truncated: a .glb begins with {_HEADER.size + _CHUNK.size} bytes")
    _, version, length = _HEADER.unpack_from(data)
    if version != 2:
        raise FormatError(f"{WHAT}: .glb of version {version}; version 2 is read")
    if length != len(data):
        raise FormatError(f"{WHAT}: its header says {length:,} bytes, there are {len(data):,}")
    view, found, at = memoryview(data), dict[int, memoryview](), _HEADER.size
    while at < len(data):
        if at + _CHUNK.size > len(data):
            raise FormatError(f"{WHAT}: truncated chunk at byte {at:,}")
        size, kind = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if size > len(data) - at:
            raise FormatError(f"{WHAT}: a chunk of {size:,} bytes in a file of {len(data):,}")
        if not found and kind != _JSON:
            raise FormatError(f"{WHAT}: its first chunk is not JSON")
        found.setdefault(kind, view[at : at + size])
        at += size
    return found[_JSON], found.get(_BIN)


def _buffer(buffer: Any, index: int, binary: memoryview | None, open_file: OpenFile | None) -> memoryview:
    what = f"buffers[{index}]"
    if not isinstance(buffer, dict):
        raise FormatError(f"{WHAT}: {what} is no object")
    size, uri = _integer(buffer, "byteLength", what), buffer.get("uri")
    if uri is None:
        if index or binary is None:
            raise FormatError(f"{WHAT}: {what} has no data")
        held = binary
    elif not isinstance(uri, str):
        raise FormatError(f"{WHAT}: {what} has no URI that is text")
    elif uri.startswith("data:"):
        held = memoryview(_base64(uri, what))
    else:
        held = memoryview(_beside(uri, what, open_file))
    if size > len(held):
        raise FormatError(f"{WHAT}: {what} says {size:,} bytes, there are {len(held):,}")
    return held[:size]


def _base64(uri: str, what: str) -> bytes:
    head, mark, text = uri.partition(_BASE64)
    if not mark or len(head) > 200:
        raise FormatError(f"{WHAT}: {what} is a data URI that is not base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{WHAT}: {what}: broken base64 ({brief(error)})") from error


def _beside(uri: str, what: str, open_file: OpenFile | None) -> bytes:
    name = unquote(uri)
    plain = PurePosixPath(name).name == name and not name.startswith(".") and not any(c in name for c in "\\:\0")
    if not plain:
        raise FormatError(f"{WHAT}: {what} is in the file {brief(repr(uri))}; a plain name beside it is needed")
    if open_file is None:
        raise FormatError(f"{WHAT}: {what} is in the file {brief(repr(uri))}, which is not at hand")
    return open_file(name)


def _integer(values: Mapping[str, Any], key: str, what: str, default: int | None = None) -> int:
    value = values.get(key, default)
    if not _is_index(value):
        raise FormatError(f"{WHAT}: {what} has {key} {brief(value)}; a number from 0 up is needed")
    return int(value)


def _is_index(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def finite(values: Any, count: int) -> list[float] | None:
    """``values`` as so many finite numbers, or None."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e30 for v in values):
        return None
    return [float(v) for v in values] if all(math.isfinite(v) for v in values) else None
