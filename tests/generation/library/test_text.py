"""Words of a report; rubbish in it harms nothing."""

from translight.generation.library.text import MAX_CHARS, _words


def test_words_stand_under_their_keys_only():
    step = {
        "step": "generate",
        "intent": "grey  swell",
        "settings": {"prompt": "a mole", "sampler": "ddim", "derived": [{"note": "darker", "mask_png": "AAAA"}]},
        "where": 7,
        "weather": "",
        "brief": "name = 'a'\nintent = 'b'",
    }
    assert list(_words(step, 0)) == ["grey swell", "a mole", "darker"]


def test_endless_depth_is_not_followed():
    deep = {"prompt": "found"}
    for _ in range(50):
        deep = {"settings": deep}
    assert list(_words(deep, 0)) == []
    assert MAX_CHARS < 10_000
