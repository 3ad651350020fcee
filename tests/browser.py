"""A page in headless Chromium, driven over its remote debugging protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from websockets.sync.client import ClientConnection, connect

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_S = 60
_ARRIVED = """new Promise((done) => {
    const start = performance.now();
    const look = () => (window.hit || performance.now() - start > 2000
        ? done(window.hit) : setTimeout(look, 20));
    look();
})"""
_ANSWER_S = 120
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
)

CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab; what it complains of is kept in ``complaints``."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait until it is there."""
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.call("Page.navigate", url=page.absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._receive()

    def resize(self, width: int, height: int) -> None:
        """Of the window, px; narrow ones are phones."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """A key, as its name in JavaScript."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    def click(self, selector: str) -> None:
        """The middle of the first such element; again if a page that moved made it miss."""
        name = json.dumps(selector)
        aim = (
            f"(async () => {{ const e = document.querySelector({name}); window.hit = false;"
            "document.addEventListener('click', (at) => { const b = e.getBoundingClientRect();"
            "window.hit = b.left <= at.clientX && at.clientX <= b.right"
            "&& b.top <= at.clientY && at.clientY <= b.bottom; }, {once: true, capture: true});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const painted = () => new Promise((done) => requestAnimationFrame(done));"
            "await painted(); await painted(); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            x, y = self.ask(aim)
            for kind in ("mousePressed", "mouseReleased"):
                self.call(
                    "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
                )
            if self.ask(_ARRIVED):
                return
        raise AssertionError(f"{selector} cannot be clicked")

    def screenshot(self, out: Path, *, whole: bool = False) -> Path:
        """What is seen, or the whole page, as PNG."""
        answer = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=whole,
            **({"clip": self._whole()} if whole else {}),
        )
        out.write_bytes(base64.b64decode(answer["data"]))
        return out

    def pdf(self, out: Path) -> Path:
        """As it would be printed."""
        answer = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        out.write_bytes(base64.b64decode(answer["data"]))
        return out

    def _whole(self) -> dict[str, float]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(timeout=_ANSWER_S))
        method = message.get("method")
        if method:
            self._events.append(message)
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(message["params"]["exceptionDetails"]))
        if method == "Runtime.consoleAPICalled" and message["params"]["type"] in (
            "error",
            "warning",
        ):
            self.complaints.append(str(message["params"]["args"]))
        if method == "Log.entryAdded" and message["params"]["entry"]["level"] != "info":
            self.complaints.append(str(message["params"]["entry"]))
        return message


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Chromium with a profile of its own, ended afterwards."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        child = subprocess.Popen(
            [CHROMIUM, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = _page_address(Path(profile) / "DevToolsActivePort", child)
            with connect(address, max_size=None, compression=None, proxy=None) as connection:
                yield Browser(connection)
        finally:
            child.terminate()
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _page_address(port_file: Path, child: subprocess.Popen[bytes]) -> str:
    """Of the first tab, for a websocket."""
    direct = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and child.poll() is None:
        text = port_file.read_text() if port_file.is_file() else ""
        if text.strip():
            port = int(text.split()[0])
            with direct.open(f"http://127.0.0.1:{port}/json/list", timeout=_START_S) as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise RuntimeError(f"{CHROMIUM}: not ready within {_START_S} s (code {child.poll()}).")
