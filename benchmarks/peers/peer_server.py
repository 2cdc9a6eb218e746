"""The loopback HTTP server between browser.py and the page that Chromium runs: files out, tasks out, answers in."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_TYPES = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json"}
_ANSWERS = ("ready", "picture", "measured", "error")
_POLL_S = 0.5


class PeerServer:
    """Serves ``page/`` and ``node_modules/`` of a folder, and a scene; threads end with ``close``."""

    def __init__(self, folder: Path, splats: Path, scene: str) -> None:
        self._tasks: queue.Queue[str] = queue.Queue()
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), _handler(folder, splats, scene, self._tasks, self._answers))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="peer-server")
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/page/index.html"

    def ask(self, task: str) -> None:
        """Hand the page its next task, as JSON."""
        self._tasks.put(task)

    def answer(self, seconds: float, going: Callable[[], bool]) -> tuple[str, bytes] | None:
        """The page's next answer: its kind and body; None when none came, or the browser is not ``going`` any more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                return self._answers.get(timeout=_POLL_S)
            except queue.Empty:
                if not going():
                    return None
        return None

    def close(self) -> None:
        """Stop serving; the browser has been ended before, so that no request is left open."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where the browser went away in the middle of a request, as it does when it is ended."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(
    folder: Path, splats: Path, scene: str, tasks: queue.Queue[str], answers: queue.Queue[tuple[str, bytes]]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/scene.json":
                self._send(200, scene.encode(), ".json")
            elif self.path == "/scene.ply":
                self._send(200, splats.read_bytes(), ".ply")
            elif self.path == "/task":
                try:
                    self._send(200, tasks.get(timeout=_POLL_S).encode(), ".json")
                except queue.Empty:
                    self._send(204, b"", ".json")
            else:
                self._send_file()

        def do_POST(self) -> None:
            kind = self.path.removeprefix("/")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kind in _ANSWERS:
                answers.put((kind, body))
            self._send(204 if kind in _ANSWERS else 404, b"", ".json")

        def _send_file(self) -> None:
            path = (folder / self.path.removeprefix("/")).resolve()
            served = [folder / "page", folder / "node_modules"]
            if path.is_file() and any(path.is_relative_to(root) for root in served):
                self._send(200, path.read_bytes(), path.suffix)
            else:
                self._send(404, b"", path.suffix)

        def _send(self, status: int, body: bytes, suffix: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", _TYPES.get(suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            # Cross-origin isolation makes the page's clock 5 µs fine instead of 100.
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a benchmark prints its own lines."""

    return Handler
