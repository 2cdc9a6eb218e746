from collections.abc import Iterator

import pytest
from tests.ue_bridge.fake_editor import FakeEditor, editor_of_a_stage, served


@pytest.fixture
def editor() -> Iterator[FakeEditor]:
    with served(editor_of_a_stage()) as running:
        yield running
