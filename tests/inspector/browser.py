"""A real browser without a window, driven by the WebDriver protocol.

In: chromium and chromedriver, wherever they are (Debian: `apt-get install chromium
chromium-driver`). Out: `Browser`, with the few things that a reader does: open, point,
press keys, click; and what the page logged. The protocol is JSON over HTTP: the
standard library is all it takes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KEYS = {
    "Down": "\ue015",
    "Up": "\ue013",
    "Left": "\ue012",
    "Right": "\ue014",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Tab": "\ue004",
}


def programs() -> tuple[str, str] | None:
    """Return the browser and its driver, if both are on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One session, with a profile of its own; a context manager."""

    def __init__(self, width: int = 1300, height: int = 900, script: bool = True):
        found = programs()
        if found is None:
            raise RuntimeError(
                "these tests need chromium and chromedriver (Debian: apt-get install"
                " chromium chromium-driver); without them: pytest -m 'not browser'"
            )
        self.browser, driver = found
        self.profile = tempfile.mkdtemp(prefix="chainrule-browser-")
        self.process = subprocess.Popen(
            [driver, "--port=0"], stdout=subprocess.PIPE, text=True
        )
        self.address = f"http://127.0.0.1:{self._port()}"
        self.session = ""
        try:
            self._start(width, height, script)
        except BaseException:
            self.close()
            raise

    def _port(self) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            match = re.search(r"started successfully on port (\d+)", line)
            if match:
                return int(match[1])
        raise RuntimeError("chromedriver did not start")

    def _start(self, width: int, height: int, script: bool) -> None:
        size = f"--window-size={width},{height}"
        flags = [*FLAGS, size, f"--user-data-dir={self.profile}"]
        options: dict[str, Any] = {"args": flags, "binary": self.browser}
        if not script:
            setting = "profile.managed_default_content_settings.javascript"
            options["prefs"] = {setting: 2}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self.call(
            "POST", "/session", {"capabilities": {"alwaysMatch": wanted}}
        )
        self.session = f"/session/{answer['sessionId']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one command of the protocol and return its value."""
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with DIRECT.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as problem:
            value = json.load(problem)["value"]
            raise RuntimeError(f"{value['error']}: {value['message']}") from None

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and its driver, and remove the profile."""
        if self.session:
            self.call("DELETE", self.session)
        self.process.terminate()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    # ------------------------------------------------------------ what a reader does

    def open(self, address: str | Path) -> None:
        """Open a page or a file."""
        url = address.as_uri() if isinstance(address, Path) else address
        self.call("POST", f"{self.session}/url", {"url": "about:blank"})
        self.call("POST", f"{self.session}/url", {"url": url})

    def find(self, selector: str) -> str:
        """Return the element that a selector means."""
        body = {"using": "css selector", "value": selector}
        return str(self.call("POST", f"{self.session}/element", body)[ELEMENT])

    def click(self, selector: str) -> None:
        """Click an element."""
        self.call("POST", f"{self.session}/element/{self.find(selector)}/click")

    def point(self, selector: str) -> None:
        """Move the mouse to an element."""
        origin = {ELEMENT: self.find(selector)}
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin}
        self._act({"type": "pointer", "id": "mouse", "actions": [move]})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": t, "value": value} for t in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def _act(self, actions: Any) -> None:
        self.call("POST", f"{self.session}/actions", {"actions": [actions]})

    def run(self, script: str, *args: Any) -> Any:
        """Run a script in the page and return what it returns."""
        body = {"script": script, "args": list(args)}
        return self.call("POST", f"{self.session}/execute/sync", body)

    def emulate(self, **features: str) -> None:
        """Set features of the medium, as `prefers_color_scheme="dark"`."""
        media = features.pop("media", "")
        pairs = [
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()
        ]
        parameters = {"media": media, "features": pairs}
        command = {"cmd": "Emulation.setEmulatedMedia", "params": parameters}
        self.call("POST", f"{self.session}/goog/cdp/execute", command)

    def screenshot(self) -> str:
        """Return a picture of the page, base64 of a PNG."""
        return str(self.call("GET", f"{self.session}/screenshot"))

    # ------------------------------------------------------------ what the page did

    def log(self, kind: str = "browser") -> list[dict[str, Any]]:
        """Return what was logged since the last time."""
        return list(self.call("POST", f"{self.session}/se/log", {"type": kind}))

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time."""
        messages = [
            json.loads(e["message"])["message"] for e in self.log("performance")
        ]
        return [
            m["params"]["request"]["url"]
            for m in messages
            if m["method"] == "Network.requestWillBeSent"
        ]
