"""What tests of reconstruction share: real photographs, where they are."""

from pathlib import Path

import pytest

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "photos"


@pytest.fixture
def photos():
    """The folder of a real set of photographs (../shared/data/README.md names their sources)."""

    def folder(name):
        path = PHOTOS / name
        if not path.is_dir():
            pytest.skip(f"{path} is not on this machine")
        return path

    return folder
