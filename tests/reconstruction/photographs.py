"""Photographs made for tests: textures, what EXIF says of them, and files of formats that Pillow does not write."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin


def texture(height, width, seed=0, *, cell=8):
    """(h w 3) uint8: smooth colour noise with structure at several sizes, which features and sharpness see."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3))
    for size in (cell * 8, cell * 2, cell, max(cell // 4, 1)):
        coarse = rng.uniform(0, 255, (height // size + 2, width // size + 2, 3)).astype(np.uint8)
        pixels += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return (pixels / 4).astype(np.uint8)


def rational(value, denominator=10_000):
    return TiffImagePlugin.IFDRational(round(value * denominator), denominator)


def exif_of(
    *,
    make="Acme",
    model="One",
    focal_mm=None,
    focal_35mm=None,
    f_number=None,
    seconds=None,
    iso=None,
    taken=None,
    orientation=None,
    position=None,
    more=(),
):
    """EXIF as a camera writes it; ``position`` is (latitude, longitude, altitude or None), signed."""
    exif = Image.Exif()
    for tag, value in ((0x010F, make), (0x0110, model), (0x0112, orientation)):
        if value is not None:
            exif[tag] = value
    inner = exif.get_ifd(0x8769)
    given = {
        0x829A: seconds and rational(seconds, 1_000_000),
        0x829D: f_number and rational(f_number),
        0x8827: iso,
        0x9003: taken,
        0x920A: focal_mm and rational(focal_mm),
        0xA405: focal_35mm,
    }
    inner.update({tag: value for tag, value in given.items() if value is not None})
    inner.update(dict(more))
    if position is not None:
        gps = exif.get_ifd(0x8825)
        for tag, value, letters in ((1, position[0], "NS"), (3, position[1], "EW")):
            gps[tag] = letters[value < 0]
            minutes, seconds = divmod(abs(value) * 3600, 60)
            degrees, minutes = divmod(minutes, 60)
            gps[tag + 1] = (rational(degrees), rational(minutes), rational(seconds))
        if position[2] is not None:
            gps[5] = bytes([position[2] < 0])
            gps[6] = rational(abs(position[2]))
    return exif


def save_photograph(path, pixels, exif=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if exif is not None:
        options["exif"] = exif
    Image.fromarray(pixels).save(path, **options)
    return path


def png16(path: Path, pixels):
    """(h w c) uint16 as a PNG of 16 bits, which Pillow writes of grey only. Source: PNG specification, section 11.2."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def tiff16(path: Path, pixels):
    """(h w 3) uint16 as a plain little-endian TIFF of one strip. Source: TIFF 6.0, section 6."""
    height, width, _ = pixels.shape
    data = pixels.astype("<u2").tobytes()
    bits_at, data_at = 8 + 2 + 10 * 12 + 4, 8 + 2 + 10 * 12 + 4 + 6
    entries = (
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, data_at), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
    )  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + directory + bytes(4)
    path.write_bytes(head + struct.pack("<3H", 16, 16, 16) + data)
    return path


def linear_profile(name=b"Linear Rec709"):
    """An ICC profile of sRGB's primaries and linear light. Source: ICC.1:2004-10, sections 7 and 10."""

    def xyz(*values):
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    description = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + b"\0" + bytes(78)
    curve = b"curv" + bytes(4) + struct.pack(">I", 0)
    tags = {
        b"desc": description,
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4360, 0.2225, 0.0139),  # adapted to D50, as sRGB's own profile has them
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp")
    header += bytes(68 - len(header)) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body
