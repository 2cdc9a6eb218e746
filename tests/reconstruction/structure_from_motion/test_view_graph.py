from hypothesis import given
from hypothesis import strategies as st

from translight.reconstruction.structure_from_motion.pairing import every_pair, following_pairs, near_pairs
from translight.reconstruction.structure_from_motion.view_graph import Overlap, PairOverlap, connected


def overlap(pairs, names="abcdef"):
    return Overlap(dict.fromkeys(names, 1000), tuple(PairOverlap(a, b, 2 * n, n) for a, b, n in pairs), "every pair")


def test_groups_are_joined_by_enough_inliers():
    found = overlap([("a", "b", 40), ("b", "d", 15), ("d", "e", 14), ("e", "f", 200)])
    assert found.groups() == (("a", "b", "d"), ("e", "f"), ("c",))
    assert found.groups(14) == (("a", "b", "d", "e", "f"), ("c",))


def test_partners_come_with_the_most_first():
    found = overlap([("a", "b", 40), ("c", "b", 90), ("b", "d", 0), ("e", "f", 1)])
    assert list(found.partners("b").items()) == [("c", 90), ("a", 40)]
    assert found.partners("d") == {}


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_groups_are_those_of_another_search(links):
    names = [str(i) for i in range(20)]
    groups = connected(names, [(str(a), str(b)) for a, b in links])
    assert sorted(name for group in groups for name in group) == sorted(names)
    reached = {i: {i} for i in range(20)}
    for _ in range(20):  # spread until nothing new is reached
        for a, b in links:
            reached[a] |= reached[b]
            reached[b] |= reached[a]
    assert {frozenset(map(str, r)) for r in reached.values() for r in [_closure(r, reached)]} == set(
        map(frozenset, groups)
    )


def _closure(found, reached):
    while True:
        more = set().union(*(reached[i] for i in found))
        if more == found:
            return found
        found = more


@given(st.integers(0, 40))
def test_every_pair_is_every_pair_once(count):
    pairs = every_pair(count)
    assert len(pairs) == len(set(pairs)) == count * (count - 1) // 2
    assert all(0 <= i < j < count for i, j in pairs)


@given(st.integers(0, 300))
def test_following_pairs_stay_within_and_reach_far(count):
    pairs = following_pairs(count)
    assert len(pairs) == len(set(pairs))
    assert all(0 <= i < j < count for i, j in pairs)
    steps = {j - i for i, j in pairs}
    assert steps.issuperset(range(1, min(count, 9)))
    assert max(steps, default=0) <= 128


def test_near_pairs_are_the_nearest_and_leave_out_what_has_no_place():
    import numpy as np

    positions = np.array([[0.0, 0, 0], [1, 0, 0], [np.nan] * 3, [2.5, 0, 0], [100, 0, 0]])
    assert near_pairs(positions, 1) == [(0, 1), (1, 3), (3, 4)]
    assert near_pairs(positions[:1], 3) == []
