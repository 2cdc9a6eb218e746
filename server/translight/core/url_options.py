"""Options after the ? of a source's or an output's URL, each taken with its check."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import parse_qsl

from translight.core.errors import ShowError, TranslightError

T = TypeVar("T")


class Options:
    """A URL's options; each is taken with its check and raises ``error``."""

    def __init__(self, url: str, values: dict[str, str], error: type[TranslightError] = ShowError) -> None:
        self._url = url
        self._values = values
        self._error = error

    def text(self, key: str, default: str = "") -> str:
        """As it stands."""
        return self._values.get(key, default)

    def given(self, key: str) -> bool:
        """Whether the URL has the option."""
        return key in self._values

    def one_of(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of some words."""
        value = self._values.get(key, default)
        if value not in allowed:
            raise self.wrong(key, f"one of {', '.join(allowed)}")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A finite number within limits."""
        if key not in self._values:
            return default
        value = attempt(float, self._values[key])
        if value is None or not math.isfinite(value) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return value

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within limits."""
        if key not in self._values:
            return default
        value = attempt(int, self._values[key])
        if value is None or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Yes, no, 1 or 0."""
        value = self.one_of(key, ("yes", "no", "1", "0"), "yes" if default else "no")
        return value in ("yes", "1")

    def address(self, key: str) -> str:
        """An IPv4 address, or empty."""
        value = self._values.get(key, "")
        if value and attempt(ipaddress.IPv4Address, value) is None:
            raise self.wrong(key, "an IPv4 address of this machine, like 192.168.1.20")
        return value

    def size(self, key: str) -> tuple[float, float] | None:
        """A sensor's width and height in mm, like 36x24."""
        if key not in self._values:
            return None
        width, _, height = self._values[key].partition("x")
        sizes = attempt(float, width), attempt(float, height)
        if not all(size is not None and 0 < size < 1000 for size in sizes):
            raise self.wrong(key, "width x height of the sensor in mm, like 36x24")
        return cast("tuple[float, float]", sizes)

    def wrong(self, key: str, allowed: str) -> TranslightError:
        """The error that names the option, what it holds, and what is allowed."""
        return self._error(f"{self._url}: {key} = {self._values.get(key, '')!r}: give {allowed}")


def read_options(
    url: str, query: str, scheme: str, allowed: tuple[str, ...], error: type[TranslightError] = ShowError
) -> Options:
    """The options of a URL's query. Raises ``error`` on one that the scheme does not have, or that is given twice."""
    values: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in allowed:
            known = (
                f"is none of {scheme}'s: {', '.join(sorted(allowed))}" if allowed else "is one too many: it has none"
            )
            raise error(f"{url}: option {key!r} {known}")
        if key in values:
            raise error(f"{url}: option {key!r} is given twice")
        values[key] = value
    return Options(url, values, error)


def attempt(make: Callable[[str], T], text: str) -> T | None:
    """What ``make`` makes of a text, or None when it raises ValueError."""
    try:
        return make(text)
    except ValueError:
        return None
