"""What all tests share: nothing of the user's is read or written."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache_folder_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The shows that tests start inherit it (XDG Base Directory Specification; other systems keep their own)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
