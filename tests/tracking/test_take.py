"""Take files: written and read alike, cut off by a crash, damaged, and the real Mo-Sys capture as a take."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.tracking.take import MAGIC, Record, Take, TakeWriter

F4 = Path(__file__).parents[1] / "data" / "tracking" / "f4" / "second_of_a_pan.f4"
CAPTURE = Path(__file__).parents[2].parent / "shared" / "data" / "tracking" / "mosys_f4" / "A003_C001_15-03-47-01.f4"
RECORDS = [
    Record(1_000, b"first", ("10.0.0.1", 1234)),
    Record(2_000, b"", ("10.0.0.2", 65535)),
    Record(-5, b"\xff" * 1500),
]
URL = "freed://:40000?camera=1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "take.tlt"
    write(path, RECORDS)
    return path


def write(path: Path, records: list[Record]) -> None:
    with TakeWriter(path, URL) as writer:
        for record in records:
            writer.write(record.datagram, record.received_ns, record.sender)
        assert writer.count == len(records)
        assert not writer.failure


def test_what_is_written_is_read(path: Path) -> None:
    take = Take(path)
    assert take.info.source == URL
    assert take.info.started_utc.endswith("Z")
    assert take.info.started_ns > 0
    for _ in range(2):
        assert list(take.records()) == RECORDS
        assert take.complete


def test_a_take_is_never_written_over(path: Path) -> None:
    with pytest.raises(FormatError, match=r"take\.tlt exists: a take is never written over"):
        TakeWriter(path, URL)
    assert list(Take(path).records()) == RECORDS


@pytest.mark.parametrize("lost", [1, 10, 24, 25, 100, 1523, 1524, 1540, 1548])
def test_a_take_cut_off_by_a_crash_reads_up_to_there(path: Path, lost: int) -> None:
    path.write_bytes(path.read_bytes()[:-lost])
    take = Take(path)
    kept = 3 if lost <= 24 else 2
    assert list(take.records()) == RECORDS[:kept]
    assert not take.complete


def test_zeros_after_a_crash_are_an_end_too(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-24] + bytes(4096))
    take = Take(path)
    assert list(take.records()) == RECORDS
    assert not take.complete


def test_a_damaged_record_is_told(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"first")
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(FormatError, match=f"the record at byte {at - 24} is damaged, after 0 good ones"):
        list(Take(path).records())


def test_a_length_that_lies_is_told(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"first") - 20
    data[at : at + 4] = (1 << 31).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FormatError, match="is damaged, after 0 good ones"):
        list(Take(path).records())


def test_an_end_with_another_count_is_told(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "two.tlt"
    write(other, RECORDS[:2])
    path.write_bytes(path.read_bytes()[:-24] + other.read_bytes()[-24:])
    with pytest.raises(FormatError, match="the end says 2 datagrams, 3 were read"):
        list(Take(path).records())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no take: a .tlt begins with"),
        (b"hello, this is no take at all", "is no take: a .tlt begins with"),
        (MAGIC + b"\x09\0\0\0\0\0\0\0", "is a take of version 9, this reads version 1"),
        (MAGIC + b"\x01\0\0\0\xff\xff\xff\x7f", "the take's description is damaged"),
        (MAGIC + b"\x01\0\0\0\x02\0\0\0{}\0\0\0\0", "the take's description is damaged"),
        (MAGIC + b"\x01\0\0\0\x02\0\0\0{}\xa3\x65\xf1\xa1", "the take's description is damaged"),
    ],
)
def test_files_that_are_no_takes(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.tlt"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        Take(path)
    assert message in str(caught.value)


def test_a_take_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="No such file"):
        Take(tmp_path / "none.tlt")
    with pytest.raises(FormatError, match="No such file"):
        TakeWriter(tmp_path / "none" / "x.tlt", URL)


def test_a_full_disk_ends_the_recording_and_nothing_else() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this machine")
    writer = TakeWriter.__new__(TakeWriter)
    writer.count, writer.failure, writer._path = 0, "", full
    writer._file = full.open("wb", buffering=0)
    writer.write(b"datagram", 1)
    writer.write(b"datagram", 2)
    assert writer.failure == "/dev/full: No space left on device"
    assert writer.count == 0
    writer.close()


@given(
    st.lists(
        st.builds(
            Record,
            st.integers(-(2**63), 2**63 - 1),
            st.binary(max_size=300),
            st.tuples(st.ip_addresses(v=4).map(str).filter(lambda a: a != "0.0.0.0"), st.integers(0, 65535)),
        ),
        max_size=8,
    )
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    path = tmp_path_factory.mktemp("takes") / "a.tlt"
    write(path, records)
    assert list(Take(path).records()) == records


@given(st.binary(max_size=200), st.integers(0, 200))
def test_random_damage_raises_nothing_but_format_error(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("takes") / "a.tlt"
    write(path, RECORDS)
    data = path.read_bytes()
    path.write_bytes(data[:at] + noise + data[at + len(noise) :])
    try:
        found = list(Take(path).records())
    except FormatError:
        return
    assert found == RECORDS[: len(found)]


def test_an_f4_file_is_a_take_at_its_timecode_s_rate() -> None:
    take = Take(F4)
    records = list(take.records())
    assert take.info.source == "f4://:8001"
    assert take.complete
    assert [r.received_ns for r in records] == [n * 40_000_000 for n in range(25)]
    assert all(len(r.datagram) == 105 for r in records)


def test_a_cut_f4_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.f4"
    path.write_bytes(F4.read_bytes()[:-1])
    with pytest.raises(FormatError, match=r"cut\.f4: at byte 2520: the last F4 packet lacks 1 bytes"):
        list(Take(path).records())


@pytest.mark.skipif(not CAPTURE.is_file(), reason=f"{CAPTURE} is not here")
def test_the_whole_capture_is_a_take() -> None:
    records = list(Take(CAPTURE).records())
    assert len(records) == 1497
    assert records[-1].received_ns == 1496 * 40_000_000
