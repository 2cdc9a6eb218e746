"""What a video peer that falls behind gets: nothing, up to the next key frame."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from translight.stream.browser_feeds import Encoded

pytest.importorskip("aiortc", reason="aiortc is not installed")
from aiortc.mediastreams import MediaStreamError

from translight.stream.webrtc_peer import PacketTrack


def _encoded(frame: int, *, keyframe: bool = False) -> Encoded:
    return Encoded(frame, b"", {}, SimpleNamespace(pts=1500 * frame, frame=frame), 1500 * frame, keyframe)


def _with_track(body: Callable[[PacketTrack, list[int]], object]) -> None:
    """Run ``body`` in an event loop, with a track and a list that grows with every wish for a key frame."""

    async def run() -> None:
        wishes: list[int] = []
        track = PacketTrack(lambda: wishes.append(1))
        try:
            result = body(track, wishes)
            if asyncio.iscoroutine(result):
                await result
        finally:
            track.stop()

    asyncio.run(run())


def test_nothing_goes_out_before_a_key_frame() -> None:
    async def body(track: PacketTrack, wishes: list[int]) -> None:
        for frame in range(3):
            track.put(_encoded(frame))
        assert (track.skipped, len(wishes)) == (3, 3)
        track.put(_encoded(3, keyframe=True))
        track.put(_encoded(4))
        assert [(await track.recv()).frame for _ in range(2)] == [3, 4]

    _with_track(body)


def test_a_peer_that_falls_behind_goes_on_at_the_next_key_frame() -> None:
    async def body(track: PacketTrack, wishes: list[int]) -> None:
        track.put(_encoded(0, keyframe=True))
        for frame in range(1, 9):
            track.put(_encoded(frame))
        assert len(wishes) == 5
        assert track.skipped == 9
        track.put(_encoded(9, keyframe=True))
        assert (await track.recv()).frame == 9

    _with_track(body)


def test_a_key_frame_overtakes_what_waits() -> None:
    async def body(track: PacketTrack, _: list[int]) -> None:
        track.put(_encoded(0, keyframe=True))
        track.put(_encoded(1))
        track.put(_encoded(2, keyframe=True))
        assert (await track.recv()).frame == 2
        assert track.skipped == 2

    _with_track(body)


def test_the_rtp_origin_is_known_once_a_packet_is_out() -> None:
    async def body(track: PacketTrack, _: list[int]) -> None:
        track.sender = SimpleNamespace(_RTCRtpSender__rtp_timestamp=0)
        track.put(_encoded(2, keyframe=True))
        await track.recv()
        assert track.rtp_origin is None
        track.sender = SimpleNamespace(_RTCRtpSender__rtp_timestamp=103_000)
        track.put(_encoded(3))
        await track.recv()
        assert track.rtp_origin == 100_000

    _with_track(body)


def test_stopping_ends_a_wait() -> None:
    async def body(track: PacketTrack, _: list[int]) -> None:
        waiting = asyncio.create_task(track.recv())
        await asyncio.sleep(0)
        track.stop()
        with pytest.raises(MediaStreamError):
            await waiting

    _with_track(body)
