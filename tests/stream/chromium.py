"""A headless Chromium driven through the Chrome DevTools Protocol, for tests of what a browser really shows."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import ProxyHandler, build_opener

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)


def program() -> str | None:
    """Chromium's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    """One browser with one page of 1280 by 760 pixels."""

    def __init__(self, folder: Path, *flags: str, size: tuple[int, int] = (1280, 760)) -> None:
        from websockets.sync.client import connect

        path = program()
        assert path is not None
        self._process = subprocess.Popen(
            [path, *FLAGS, *flags, f"--window-size={size[0]},{size[1]}", f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = self._port(folder / "DevToolsActivePort")
            with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
            self._stack = ExitStack()
            self._socket = self._stack.enter_context(
                connect(pages[0]["webSocketDebuggerUrl"], max_size=None, proxy=None)
            )
        except BaseException:
            self._kill()
            raise
        self._number = 0

    def open(self, url: str) -> None:
        """Go to a page."""
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of what it resolves to, where it is a promise."""
        result = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, script: str, seconds: float = 20) -> Any:
        """The first value of an expression that is true in JavaScript's sense."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"still false after {seconds} s: {script}"
            time.sleep(0.05)
        return value

    def screenshot(self) -> bytes:
        """The page as a PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _port(self, path: Path) -> int:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if path.is_file() and path.read_text().count("\n"):
                return int(path.read_text().splitlines()[0])
            assert self._process.poll() is None, "Chromium ended"
            time.sleep(0.05)
        raise AssertionError("Chromium did not open its DevTools")

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=30))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _kill(self) -> None:
        # Chromium's helpers are of its session
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it and its helpers."""
        self._stack.close()
        self._kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
