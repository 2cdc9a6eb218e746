"""Arrays are told apart by what they are, not by what they hold, and what is kept of them goes with them."""

from __future__ import annotations

import gc

import numpy as np

from translight.render.by_identity import ByIdentity


def test_an_array_is_made_something_of_once_and_its_equal_is_another():
    kept: ByIdentity[list[float]] = ByIdentity()
    made: list[np.ndarray] = []

    def make(array: np.ndarray) -> list[float]:
        made.append(array)
        return array.tolist()

    one, equal = np.ones(3), np.ones(3)
    assert kept.get(one, make) is kept.get(one, make)
    assert kept.get(equal, make) is not kept.get(one, make)
    assert [array is one for array in made] == [True, False]
    assert kept.values() == [[1.0] * 3] * 2
    kept.clear()
    assert kept.values() == []


def test_what_is_kept_goes_with_the_array():
    kept: ByIdentity[str] = ByIdentity()
    one, other = np.zeros(2), np.ones(2)
    kept.get(one, lambda _: "one")
    kept.get(other, lambda _: "other")
    del one
    gc.collect()
    assert kept.values() == ["other"]
    assert kept.get(other, lambda _: "again") == "other"
