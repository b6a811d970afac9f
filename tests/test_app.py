"""`python app.py` serves the chat and says when it is ready; `import app; app.demo` is what hosts look for."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_app_has_nothing_but_demo():
    import app

    with pytest.raises(AttributeError, match="nonsense"):
        _ = app.nonsense


def test_app_stays_short():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < 40


@pytest.mark.slow
def test_hosts_of_gradio_applications_find_demo():
    program = "import app, gradio; print(isinstance(app.demo, gradio.Blocks), app.demo is app.demo)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=ROOT, check=False)
    assert done.stdout == "True True\n", done.stderr


@pytest.mark.slow
def test_the_address_is_printed_when_the_page_answers_and_interrupting_ends_it():
    with start(SPANWISE_PORT="0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"Spanwise is ready: (http://127\.0\.0\.1:\d+) \(Ctrl\+C stops it\)\n", line)
        assert found, (line, process.poll() is not None and process.stderr.read())
        with urlopen(f"{found.group(1)}/readyz") as response:
            assert response.status == 200
        with urlopen(found.group(1)) as response:
            assert b"Spanwise" in response.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_a_port_in_use_is_one_line_and_status_1(taken_port):
    with start("--port", str(taken_port)) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert out == ""
    assert re.fullmatch(rf"spanwise: [^\n]*{taken_port}[^\n]*\n", err), err


@pytest.mark.slow
def test_a_document_that_is_not_there_is_one_line_and_status_1(tmp_path):
    with start("--port", "0", str(tmp_path / "missing.txt")) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert out == ""
    assert re.fullmatch(r"spanwise: [^\n]*missing\.txt[^\n]*\n", err), err
