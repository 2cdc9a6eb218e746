"""What receivers count."""

from translight.stream.contract import ReceiverCounts


def test_gaps_are_skipped_frames_and_lower_numbers_a_sender_that_restarted() -> None:
    counts, before = ReceiverCounts(), None
    for frame in (7, 8, 12, 3, 4):
        counts.took(frame, before)
        before = frame
    assert (counts.received, counts.skipped, counts.restarts) == (5, 3, 1)
