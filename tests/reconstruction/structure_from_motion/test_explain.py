import numpy as np

from translight.reconstruction.structure_from_motion.explain import explain, summary
from translight.reconstruction.structure_from_motion.view_graph import Overlap, PairOverlap

CHANCE = np.random.default_rng(0)


def overlap(pairs, few=()):
    names = ["a", "b", "c", "d", "e", "f", "g"]
    features = {name: 20 if name in few else 2000 for name in names}
    return Overlap(features, tuple(PairOverlap(a, b, n + 3, n) for a, b, n in pairs), "every pair")


def grey(level, spread):
    return lambda _: np.clip(CHANCE.normal(level, spread, (30, 40, 3)), 0, 255).astype(np.uint8)


def one(pairs, name, *, placed="abc", few=(), angles=None, look=None):
    reasons = explain([name], placed, overlap(pairs, few), angles or {}, look or grey(128, 40))
    return reasons[name]


CHAIN = [("a", "b", 300), ("b", "c", 200)]


def test_a_picture_that_shows_little():
    for level, spread, looks in (
        (8, 3, "it is dark"),
        (252, 2, "it is overexposed"),
        (120, 2, "it is plain"),
        (120, 50, "it is blurred, or plain"),
    ):
        reason = one(CHAIN, "d", few="d", look=grey(level, spread))
        assert (reason.kind, reason.words) == (
            "features",
            f"shows too little to hold on to (20 features, the others about 2000): {looks}",
        )


def test_a_picture_of_something_else():
    assert (
        one(CHAIN, "d").words
        == "shares nothing with any other (no feature looks alike): something else, or seen too differently"
    )
    reason = one([*CHAIN, ("b", "d", 9)], "d")
    assert (reason.kind, reason.words) == (
        "alone",
        "shares nothing with any other (at best 12 look-alike features): something else, or seen too differently",
    )


def test_another_group():
    pairs = [*CHAIN, ("d", "e", 90), ("e", "f", 80), ("f", "g", 80)]
    reason = one(pairs, "d")
    assert (reason.kind, reason.words) == ("group", "hangs together with e, f, g alone, apart from the others")


def test_turned_on_the_spot():
    pairs = [*CHAIN, ("b", "d", 90), ("a", "d", 50)]
    reason = one(pairs, "d", angles={("a", "d"): 0.4, ("b", "d"): 0.9})
    assert (reason.kind, reason.words) == ("parallax", "was taken from the same spot as b, a: step aside for depth")
    reason = one(pairs, "d", angles={("a", "d"): 0.4, ("b", "d"): 4.0})
    assert (reason.kind, reason.words) == ("weak", "matches b in 90 features, but the model holds too little of it")


def test_no_model_at_all():
    reasons = explain("abcdefg", "", overlap(CHAIN, few="g"), {("a", "b"): 0.2, ("b", "c"): 0.3}, grey(10, 3))
    assert [reason.kind for reason in reasons.values()] == [
        "parallax",
        "parallax",
        "parallax",
        "alone",
        "alone",
        "alone",
        "features",
    ]
    assert summary(reasons) == (
        "3 were taken from one spot: step aside between photographs, turning alone shows no depth (a, b, c); "
        "3 share nothing with any other (d, e, f); "
        "g shows too little to hold on to (20 features, the others about 2000): it is dark"
    )
    assert "no model holds it" in explain("a", "", overlap(CHAIN), {}, grey(9, 9))["a"].words


def test_many_are_named_by_three():
    reasons = explain("defg", "abc", overlap(CHAIN), {}, grey(9, 9))
    assert summary(reasons) == "4 share nothing with any other (d, e, f, …)"
