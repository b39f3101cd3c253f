"""The page served live: what is served to whom, and what makes it new."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chainrule.inspector import watch
from chainrule.inspector.main import USAGE, main
from chainrule.inspector.target import UsageError


@pytest.fixture
def live(tmp_path: Path) -> watch.Live:
    """Return the live page of a model that uses another file."""
    (tmp_path / "watched_helper.py").write_text("FACTOR = 3.0\n")
    model = tmp_path / "watched_model.py"
    model.write_text(
        "from watched_helper import FACTOR\n\n"
        "def f(x: float):\n    return FACTOR * x * x\n"
    )
    target = f"{model}:f"
    made = watch.Live(target, [target, "--watch"])
    made.refresh()
    return made


@pytest.fixture
def address(live: watch.Live) -> Iterator[tuple[str, int]]:
    """Return where the page is served."""
    with watch.server(live, 0) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield "127.0.0.1", made.server_port
        made.shutdown()


def get(
    address: tuple[str, int], path: str, host: str = "127.0.0.1"
) -> tuple[int, str]:
    """Ask the server for something."""
    connection = http.client.HTTPConnection(*address)
    connection.request("GET", path, headers={"Host": f"{host}:{address[1]}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_page_and_version(live: watch.Live, address: tuple[str, int]) -> None:
    """The page knows its version, and the server tells it."""
    status, html = get(address, "/")
    assert status == 200
    assert "f_grad" in html
    assert f'data-live="{live.version}"' in html
    assert get(address, "/version") == (200, live.version)
    assert get(address, "/other")[0] == 404


def test_only_this_machine(address: tuple[str, int]) -> None:
    """A page from elsewhere whose name was led here gets nothing."""
    assert get(address, "/", host="evil.example")[0] == 403
    assert get(address, "/", host="localhost")[0] == 200


def test_made_anew_when_a_file_changes(live: watch.Live, tmp_path: Path) -> None:
    """A change of any file that was imported makes a new page; no change, none."""
    before = live.version
    assert not live.refresh()
    helper = tmp_path / "watched_helper.py"
    assert str(helper) in live.files
    helper.write_text("FACTOR = 'a'\n")
    os.utime(helper, ns=(1, 1))
    assert live.refresh()
    assert live.version != before
    assert "no derivative to show" in live.html


def test_installed_files_are_not_watched(live: watch.Live) -> None:
    """The libraries stay as they are."""
    installed = Path(np.__file__).parent
    assert not any(installed in Path(name).parents for name in live.files)


def test_a_broken_file(live: watch.Live, tmp_path: Path) -> None:
    """What is wrong with a file is shown in the page."""
    (tmp_path / "watched_model.py").write_text("def f(x: float:\n    return x\n")
    assert live.refresh()
    assert "SyntaxError" in live.html
    (tmp_path / "watched_model.py").write_text("def f(x: float):\n    return x * x\n")
    assert live.refresh()
    assert "f_grad" in live.html


def test_a_refusal(live: watch.Live, tmp_path: Path) -> None:
    """A function that cannot be differentiated shows its diagnostic."""
    text = "def f(x: float):\n    global y\n    y = x\n    return y\n"
    (tmp_path / "watched_model.py").write_text(text)
    assert live.refresh()
    assert "CR106" in live.html
    assert live.version in live.html


def test_a_port_that_is_taken(live: watch.Live, address: tuple[str, int]) -> None:
    """A port that somebody else has is a mistake of the command line."""
    with pytest.raises(UsageError, match=f"cannot serve on port {address[1]}"):
        watch.server(live, address[1])


def test_no_target(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a target there is nothing to serve."""
    assert main(["--watch"]) == USAGE
    assert "name a function" in capsys.readouterr().err


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    """`--watch` says where it serves, and ends with status 0 on Ctrl-C."""
    (tmp_path / "m.py").write_text("def f(x: float):\n    return x * x\n")
    command = [sys.executable, "-m", "chainrule.inspector", "m.py:f", "--watch"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = int(line.split("127.0.0.1:")[1].split("/")[0])
        assert "f_grad" in get(("127.0.0.1", port), "/")[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
