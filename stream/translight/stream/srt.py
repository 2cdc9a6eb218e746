"""srt://HOST:PORT: a transport stream (mpegts.py) by SRT, through the program ffmpeg, as PyAV's FFmpeg has no SRT.

The program copies bytes and nothing else. It is fed by a pipe that is never waited for, and started again when it ends,
as it does whenever its peer goes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import time

from translight.core.errors import StreamError
from translight.core.url_options import Options
from translight.stream.contract import PictureSpec
from translight.stream.datagrams import split_place
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.mpegts import DATAGRAM_BYTES, TsMuxer
from translight.stream.urls import StreamUrl
from translight.stream.video import VideoSender
from translight.stream.video_options import read_video_options

_log = logging.getLogger(__name__)
_PIPE_BYTES = 1 << 20
_AGAIN_S = 1.0
_END_S = 3.0
# A listener without a peer reads no pipe and so would not see our end: it gives up by itself, and is started again.
_LISTEN_S = 15
_CONNECT_MS = 3000


def open_sender(url: StreamUrl, spec: PictureSpec) -> VideoSender:
    """For ``urls.open_sender``."""
    program = find_program(str(url))
    encoder = Encoder(str(url), spec, read_video_options(url.options))
    outlet = SrtOutlet(str(url), program, peer(url.place, url.options), spec, encoder)
    return VideoSender(str(url), spec, encoder, outlet)


def find_program(url: str) -> str:
    """The ffmpeg that speaks SRT. Raises StreamError where there is none."""
    right = "install an ffmpeg that has SRT (Debian: apt install ffmpeg), or give udp:// or rtp://"
    if sys.platform == "win32":
        raise StreamError(f"{url}: SRT is not sent from Windows, whose pipes cannot be fed without waiting")
    program = shutil.which("ffmpeg")
    if program is None:
        raise StreamError(f"{url}: SRT needs the program ffmpeg, which is not on the PATH: {right}")
    try:
        said = subprocess.run(
            [program, "-hide_banner", "-protocols"], capture_output=True, timeout=20, check=False, text=True
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StreamError(f"{url}: {program} does not run ({error}): {right}") from error
    if "srt" not in said.split():
        raise StreamError(f"{url}: {program} has no SRT: {right}")
    return program


def peer(place: str, options: Options) -> str:
    """The URL that ffmpeg is given: caller or listener, latency in microseconds."""
    host, port = split_place(place)
    mode = options.one_of("mode", ("caller", "listener"), "caller")
    latency_us = 1000 * options.integer("latency", 120, 0, 8000)
    waits = f"listen_timeout={_LISTEN_S}000000" if mode == "listener" else f"connect_timeout={_CONNECT_MS}"
    shown = "0.0.0.0" if host == "*" else f"[{host}]" if ":" in host else host
    return (
        f"srt://{shown}:{port}?mode={mode}&transtype=live&latency={latency_us}&pkt_size={DATAGRAM_BYTES}"
        f"&payload_size={DATAGRAM_BYTES}&{waits}"
    )


class SrtOutlet:
    """Feeds the program. What its pipe has no room for is lost, whole access units at a time, and counted."""

    def __init__(self, url: str, program: str, target: str, spec: PictureSpec, encoder: Encoder) -> None:
        self._url = url
        # Bytes as they come: -f data neither waits to learn what is in the stream nor changes it.
        self._command = [
            program, "-nostdin", "-v", "quiet", "-blocksize", str(DATAGRAM_BYTES), "-f", "data",
            "-raw_packet_size", str(DATAGRAM_BYTES), "-i", "pipe:0", "-map", "0", "-c", "copy",
            "-flush_packets", "1", "-f", "data", target,
        ]  # fmt: skip
        self._encoder = encoder
        self._muxer = TsMuxer(encoder.codec, spec.width_px, spec.height_px)
        self._child: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._again_at = 0.0
        self.lost = 0
        """Access units that found no room in the pipe, or no program."""

    def send(self, unit: AccessUnit) -> None:
        """Feed an access unit."""
        data = self._muxer.mux(unit)
        child = self._running()
        if child is None or not self._write(child, self._rest):
            self.lost += 1
            self._encoder.want_key()  # what follows a hole has to begin anew
            return
        self._write(child, data)

    def receivers(self) -> int | None:
        """The program does not say whether it has a peer."""
        return None

    def close(self) -> None:
        """End the program."""
        self._muxer.close()
        if self._child is not None:
            self._end(self._child)
            self._child = None

    def _write(self, child: subprocess.Popen[bytes], data: bytes) -> bool:
        """Write what the pipe takes; True when that is all. The rest is kept: it has to follow."""
        assert child.stdin is not None
        try:
            while data:
                data = data[os.write(child.stdin.fileno(), data) :]
        except BlockingIOError:
            pass
        except OSError:
            data = b""  # the program has gone
        self._rest = data
        return not data

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._child is not None and self._child.poll() is None:
            return self._child
        now = time.monotonic()
        if self._child is not None:
            _log.info("%s: ffmpeg ended (status %s); it is started again", self._url, self._child.returncode)
            self._end(self._child)
            self._child = None
        if now < self._again_at:
            return None
        self._again_at = now + _AGAIN_S
        self._rest = b""
        try:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0
            )
        except OSError as error:
            _log.error("%s: ffmpeg does not start (%s)", self._url, error.strerror)
            return None
        assert self._child.stdin is not None
        pipe = self._child.stdin.fileno()
        os.set_blocking(pipe, False)
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):  # more than an unprivileged user may have
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._encoder.want_key()
        return self._child

    @staticmethod
    def _end(child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        with contextlib.suppress(OSError):
            child.stdin.close()
        try:
            child.wait(0.2)
        except subprocess.TimeoutExpired:
            child.terminate()
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
