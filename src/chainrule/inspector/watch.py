"""Serve the page live: it is made anew when a file of the user's changes.

In: the arguments of the command. Out: a server on 127.0.0.1 until it is interrupted.
Each page is made by another process (`live`), so that every module is imported afresh
and a broken file breaks nothing; what it says is shown in the page. The page asks for
the version and comes again when it is another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chainrule.inspector import page, show
from chainrule.inspector.target import UsageError

PAUSE = 0.25


class Live:
    """The page as it is now; `refresh` makes it anew if a file has changed."""

    def __init__(self, target: str, argv: Sequence[str]) -> None:
        self.target = target
        self.argv = [arg for arg in argv if arg != "--watch"]
        self.files = [target.replace("::", ":").rpartition(":")[0]]
        self.stamps: dict[str, int | None] = {}
        self.start = f"{os.getpid()}-{time.time_ns():x}"
        self.number = 0
        self.html = ""

    @property
    def version(self) -> str:
        """A text that changes with the page, and is new in each run."""
        return f"{self.start}-{self.number}"

    def refresh(self) -> bool:
        """Make the page if it is not there or old; say whether it was made."""
        stamps = {name: _stamp(name) for name in self.files}
        if self.number and stamps == self.stamps:
            return False
        made = self.make()
        self.files = sorted({*self.files, *made["files"]})
        known = {name: _stamp(name) for name in self.files}
        self.stamps = {**known, **stamps}  # a change since then is another one
        self.number += 1
        if made["page"]:
            html = made["page"].replace("<html ", f'<html data-live="{self.version}" ')
        else:
            html = page.error_page(self.target, made["messages"], self.version)
        self.html = html
        return True

    def make(self) -> dict[str, Any]:
        """Run the command once, in another process."""
        command = [sys.executable, "-m", "chainrule.inspector.live", *self.argv]
        done = subprocess.run(command, capture_output=True, text=True)
        try:
            out: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return {"page": "", "messages": done.stderr, "files": []}
        return out


def _stamp(name: str) -> int | None:
    try:
        return Path(name).stat().st_mtime_ns
    except OSError:
        return None


def server(live: Live, port: int) -> ThreadingHTTPServer:
    """Return a server of the page on this machine only."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in ("127.0.0.1", "localhost"):
                self.send_error(403)  # another name may have been led here
            elif self.path == "/":
                self.answer(live.html, "text/html")
            elif self.path == "/version":
                self.answer(live.version, "text/plain")
            else:
                self.send_error(404)

        def answer(self, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise UsageError(f"cannot serve on port {port}: {reason}") from None


def serve(target: str | None, argv: Sequence[str], port: int, style: show.Style) -> int:
    """Serve until the user has had enough."""
    if not target:
        raise UsageError("name a function: inspect-derivative module:function --watch")
    live = Live(target, argv)
    with server(live, port) as made:
        live.refresh()
        threading.Thread(target=made.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{made.server_port}/"
        show.message(f"{target} is served at {address} (Ctrl-C ends it)", style)
        try:
            while True:
                time.sleep(PAUSE)
                if live.refresh():
                    clock = time.strftime("%H:%M:%S")
                    show.message(f"{clock} made anew", style)
        except KeyboardInterrupt:
            made.shutdown()
    return 0
