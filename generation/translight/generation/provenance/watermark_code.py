"""The 48 bits of a watermark as a codeword that survives most of its bits being unsure; watermark.py draws it.

48 bits of identity and a CRC-32 over them and the key go through a convolutional code of rate 1/3 and constraint
length 7 (generators 133, 171, 165 octal, ended by six zeros), decoded by Viterbi from soft values (Viterbi, "Error
bounds for convolutional codes", 1967). A word that was never written passes the CRC once in 2³² tries.
"""

from __future__ import annotations

import re
import zlib
from functools import cache

import numpy as np
from jaxtyping import Float, Int, UInt8

from translight.core.errors import GenerationError

ID_BITS = 48
ID_DIGITS = ID_BITS // 4
CODED_BITS = 3 * (ID_BITS + 32 + 6)

_GENERATORS = (0o133, 0o171, 0o165)
_STATES = 64


def parse_id(text: str) -> int:
    """An identity of 12 hexadecimal digits. Raises GenerationError."""
    if re.fullmatch(f"[0-9A-Fa-f]{{{ID_DIGITS}}}", text) is None:
        raise GenerationError(f"--id has {ID_DIGITS} hexadecimal digits, got {text!r}")
    return int(text, 16)


def encode(identity: int, key: bytes) -> UInt8[np.ndarray, "n"]:
    """The codeword, as zeros and ones."""
    payload = identity.to_bytes(ID_BITS // 8, "big")
    word = payload + zlib.crc32(key + payload).to_bytes(4, "big")
    bits = np.concatenate([np.unpackbits(np.frombuffer(word, np.uint8)), np.zeros(6, np.uint8)])
    state, coded = 0, np.empty((len(bits), 3), np.uint8)
    following, outputs = _trellis()
    for i, bit in enumerate(bits):
        coded[i] = outputs[state, bit]
        state = int(following[state, bit])
    return coded.reshape(-1)


def decode(soft: Float[np.ndarray, "n"], key: bytes) -> int | None:
    """The identity whose codeword these values are nearest to, above 0 where a bit is 0; None where the CRC fails."""
    if not np.isfinite(soft).all():
        return None
    following, outputs = _trellis()
    signs = 1.0 - 2.0 * outputs  # state, bit, 3
    came = np.empty((len(soft) // 3, _STATES), np.int64)
    best = np.full(_STATES, -np.inf)
    best[0] = 0.0
    # both ways into a state come from the two states that share its lower bits
    states = np.arange(_STATES)
    bit, sources = states >> 5, np.stack([(states << 1) & 63, ((states << 1) & 63) | 1])
    assert (following[sources, bit] == states).all()
    for i, values in enumerate(soft.reshape(-1, 3)):
        ways = best[sources] + signs[sources, bit] @ values
        taken = ways.argmax(axis=0)
        came[i] = sources[taken, states]
        best = ways[taken, states]
    state, bits = 0, np.empty(len(came), np.uint8)
    for i in range(len(came) - 1, -1, -1):
        bits[i] = state >> 5
        state = int(came[i, state])
    word = np.packbits(bits[: ID_BITS + 32]).tobytes()
    payload, check = word[: ID_BITS // 8], word[ID_BITS // 8 :]
    return int.from_bytes(payload, "big") if zlib.crc32(key + payload).to_bytes(4, "big") == check else None


@cache
def _trellis() -> tuple[Int[np.ndarray, "64 2"], UInt8[np.ndarray, "64 2 3"]]:
    """The next state, and what is sent, for each state and bit; the newest bit is a state's highest."""
    following = np.empty((_STATES, 2), np.int64)
    outputs = np.empty((_STATES, 2, 3), np.uint8)
    for state in range(_STATES):
        for bit in (0, 1):
            register = bit << 6 | state
            following[state, bit] = register >> 1
            outputs[state, bit] = [(register & generator).bit_count() & 1 for generator in _GENERATORS]
    return following, outputs
