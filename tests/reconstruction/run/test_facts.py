"""Whatever the stages say of themselves, the report can hold it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from translight.reconstruction.run.facts import plain


@dataclass(frozen=True)
class _Fact:
    n: np.int64
    where: Path


def test_each_kind():
    values = {
        "a": np.float32(0.5),
        "b": np.arange(3),
        "c": (1, float("nan"), float("inf")),
        "d": _Fact(np.int64(3), Path("/home/me/beach.jpg")),
        5: {"x"},
        "e": None,
        "f": True,
        "g": 1 + 2j,
    }
    assert plain(values) == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": [1, None, None],
        "d": {"n": 3, "where": "beach.jpg"},
        "5": ["x"],
        "e": None,
        "f": True,
        "g": "(1+2j)",
    }


@given(
    st.recursive(
        st.one_of(st.none(), st.floats(), st.integers(), st.text(), st.binary(), st.floats(width=32).map(np.float32)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.integers(), inner), st.tuples(inner, inner)),
        max_leaves=20,
    )
)
def test_json_holds_it(value):
    json.dumps(plain(value), allow_nan=False)
