"""A browser for tests: Debian's headless chromium, controlled by its DevTools protocol.

Every request, exception and console message of a page is kept, so that a test can say that there was none.
"""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS_WITHIN_S = 40.0
KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "Tab": ("Tab", 9, ""),
}


def browser_program() -> str | None:
    """Where a browser is, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._loop = loop
        self._socket = socket
        self._number = 0
        self.requests: list[str] = []
        """Return the URLs of all requests of the page, including its own document."""
        self.complaints: list[str] = []
        """Exceptions, console messages and what the browser complains about, the page's policy for example."""

    def open(self, url: str) -> None:
        """Loads a page and waits until it has drawn something."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && document.querySelector('main')?.firstChild != null")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str, within_s: float = 20.0) -> None:
        """Waits until an expression is true; AssertionError when it does not become so."""
        looking = (
            "new Promise((done) => { const until = performance.now() + %d; const look = () => "
            "(%s) ? done(true) : performance.now() > until ? done(false) : setTimeout(look, 15); look(); })"
        )
        assert self.evaluate(looking % (within_s * 1000, condition)), f"never came true: {condition}"

    def press(self, key: str) -> None:
        """Presses and releases a key."""
        name, code, text = KEYS[key] if key in KEYS else (key, ord(key.upper()), key)
        told = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def write(self, text: str) -> None:
        """Types a text into what has the focus."""
        self.call("Input.insertText", text=text)

    def screen(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Makes the window as large as that, light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=60)
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                answer: dict[str, Any] = message["result"]
                return answer
            self._take(message)

    def _take(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(told["args"])[:500])
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A browser with one empty tab, for as long as it is needed."""
    program = browser_program()
    assert program is not None
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    command += ["--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with (profile / "browser.log").open("wb") as log:
        process = subprocess.Popen([*command, "about:blank"], stdout=log, stderr=log)
        loop = asyncio.new_event_loop()
        try:
            port = _port(profile, process)
            session = aiohttp.ClientSession(loop=loop)
            try:
                page = loop.run_until_complete(_page(loop, session, port))
                for domain in ("Page", "Network", "Runtime", "Log"):
                    page.call(f"{domain}.enable")
                yield page
            finally:
                loop.run_until_complete(session.close())
        finally:
            process.terminate()
            process.wait(20)
            loop.close()


def _port(profile: Path, process: "subprocess.Popen[bytes]") -> int:
    """The port that the browser wrote down when it was ready."""
    told = profile / "DevToolsActivePort"
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        if told.exists() and told.read_text().strip():
            return int(told.read_text().split()[0])
        time.sleep(0.02)
    raise AssertionError((profile / "browser.log").read_text(errors="replace")[-2000:])


async def _page(loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession, port: int) -> Page:
    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
        targets = await answer.json()
    address = next(each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page")
    return Page(loop, await session.ws_connect(address, max_msg_size=64 * 1024 * 1024))
