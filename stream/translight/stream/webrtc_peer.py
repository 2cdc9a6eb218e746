"""One browser's WebRTC session, by aiortc: browser_feeds.py's H.264 and headers go out, control comes in.

aiortc (extra ``webrtc``) does ICE, DTLS, SRTP and SCTP. Pictures come encoded, so that its own encoder, made for calls
over the internet, never runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from translight.core.errors import ProtocolError
from translight.stream.browser_feeds import Encoded

HEADERS_CHANNEL = "headers"
CONTROL_CHANNEL = "control"
_QUEUED = 4
_MAX_BUFFERED_BYTES = 64 * 1024
"""A data channel that holds this much gets no more headers until it has sent some."""
_ANSWER_S = 10.0


class PacketTrack(MediaStreamTrack):  # type: ignore[misc, unused-ignore]
    """A video track of ready packets. A peer that falls behind loses all of them up to the next key frame."""

    kind = "video"

    def __init__(self, want_keyframe: Callable[[], None]) -> None:
        super().__init__()
        self._want_keyframe = want_keyframe
        self._packets: deque[Any] = deque()
        self._ready = asyncio.Event()
        self._whole = False
        self._last_pts: int | None = None
        self.sender: Any = None
        self.rtp_origin: int | None = None
        """RTP time of pts 0, once known; aiortc draws it by lot."""
        self.skipped = 0

    def put(self, encoded: Encoded) -> None:
        """Queue a packet; it can be decoded only if none was lost since the last key frame."""
        if encoded.keyframe:
            self.skipped += len(self._packets)
            self._packets.clear()
            self._whole = True
        elif len(self._packets) >= _QUEUED:
            self.skipped += len(self._packets)
            self._packets.clear()
            self._whole = False
        if not self._whole:
            self.skipped += 1
            self._want_keyframe()
            return
        self._packets.append(encoded.packet)
        self._ready.set()

    def interrupt(self) -> None:
        """Begin anew at the next key frame."""
        self._packets.clear()
        self._whole = False

    async def recv(self) -> Any:
        """For aiortc: the next packet."""
        # Being called again means that the last packet is out, so the sender's RTP time is that packet's.
        if self.rtp_origin is None and self._last_pts is not None:
            sent = getattr(self.sender, "_RTCRtpSender__rtp_timestamp", 0)
            self.rtp_origin = sent - self._last_pts if sent else None
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready.clear()
            await self._ready.wait()
        packet = self._packets.popleft()
        self._last_pts = packet.pts
        return packet

    def stop(self) -> None:
        """End; a waiting ``recv`` raises."""
        super().stop()
        self._ready.set()


class WebRtcPeer:
    """A session. ``on_control`` gets each text of the control channel and gives the reply, or None."""

    def __init__(
        self,
        on_control: Callable[[str | bytes], str | None],
        want_keyframe: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        # No STUN: browser and server are on one network.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._want_keyframe = want_keyframe
        self._track = PacketTrack(want_keyframe)
        self._on_control = on_control
        self._headers: Any = None
        self._channels = 0
        self.paused = False

        @self._connection.on("datachannel")  # type: ignore[untyped-decorator, unused-ignore]
        def begin(channel: Any) -> None:
            self._begin(channel)

        @self._connection.on("connectionstatechange")  # type: ignore[untyped-decorator, unused-ignore]
        def change() -> None:
            if self.connected:
                want_keyframe()
            on_change()

    @property
    def ended(self) -> bool:
        """Whether nothing more can go out."""
        return self._connection.connectionState in ("failed", "closed")

    @property
    def connected(self) -> bool:
        """Whether pictures can go out."""
        return str(self._connection.connectionState) == "connected" and not self.paused

    async def answer(self, sdp: str) -> str:
        """The answer to an offer of one video to receive. Raises ProtocolError."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                video = self._connection.addTransceiver(self._track, direction="sendonly")
                self._track.sender = video.sender
                # aiortc hands picture loss (RFC 4585) to its own encoder only; ours is asked instead
                setattr(video.sender, "_send_keyframe", self._want_keyframe)  # noqa: B010
                capabilities = RTCRtpSender.getCapabilities("video").codecs
                video.setCodecPreferences([c for c in capabilities if c.mimeType.lower() == "video/h264"])
                await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                if self._connection.getTransceivers() != [video] or not sdp.count("m=video"):
                    raise ProtocolError("an offer has one video to receive and nothing else but data channels")
                await self._connection.setLocalDescription(await self._connection.createAnswer())
        except ProtocolError:
            raise
        except Exception as error:  # aiortc's parsers raise whatever a hostile offer makes them run into
            raise ProtocolError(f"not a WebRTC offer: {type(error).__name__}: {error}") from error
        return str(self._connection.localDescription.sdp)

    def put(self, encoded: Encoded) -> None:
        """Send a frame's header, then its picture."""
        if not self.connected:
            self._track.interrupt()
            return
        channel = self._headers
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < _MAX_BUFFERED_BYTES:
            origin = self._track.rtp_origin
            rtp_time = -1 if origin is None else (origin + encoded.pts) % 2**32
            channel.send(encoded.header + rtp_time.to_bytes(8, "little", signed=True))
        self._track.put(encoded)

    @property
    def skipped(self) -> int:
        """Pictures that this peer did not get."""
        return self._track.skipped

    async def close(self) -> None:
        """End the session."""
        self._track.stop()
        await self._connection.close()

    def _begin(self, channel: Any) -> None:
        self._channels += 1
        # Security: a browser needs one of each
        if self._channels > 2 or channel.label not in (HEADERS_CHANNEL, CONTROL_CHANNEL):
            self._on_control("")
            channel.close()
            return
        if channel.label == HEADERS_CHANNEL:
            self._headers = channel

        @channel.on("message")  # type: ignore[untyped-decorator, unused-ignore]
        def receive(message: str | bytes) -> None:
            reply = self._on_control(message)
            if reply is not None and channel.readyState == "open" and channel.bufferedAmount < _MAX_BUFFERED_BYTES:
                channel.send(reply)
