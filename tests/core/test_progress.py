import pytest

from translight.core.progress import silent


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_nobody_looks_on(share, capsys):
    assert silent("matching photographs", share) is None
    assert capsys.readouterr() == ("", "")
