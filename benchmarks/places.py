"""The shipped briefs' places, as benchmarks of the procedural engine draw them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from translight.generation.brief.brief import Brief, Family
from translight.generation.brief.read import read_brief
from translight.generation.brief.translate import translate

_BRIEFS = Path(__file__).parents[1] / "docs" / "briefs"


def places(tiny: bool) -> Iterator[tuple[Brief, Family, int]]:
    """Each brief, its family and its first seed; when ``tiny``, the quickest one alone."""
    for path in (_BRIEFS / "space.toml",) if tiny else sorted(_BRIEFS.glob("*.toml")):
        brief = read_brief(path)
        parameters = translate(brief)
        yield brief, parameters.needed_family(), parameters.seeds[0]
