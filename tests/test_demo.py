"""`make demo`'s server: on this machine only, with a token, and an address that opens the quick start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "scripts/demo.py"]
ENVIRONMENT = {**os.environ, "CI": "true"}


@pytest.mark.slow
def test_demo_prints_an_address_that_only_opens_with_its_token() -> None:
    port = _free_port()
    with subprocess.Popen(
        [*COMMAND, "--port", str(port)], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            address = next(line.strip() for line in demo.stdout if "token=" in line)
            assert re.fullmatch(
                rf"http://127\.0\.0\.1:{port}/lab/tree/notebooks/01_quickstart\.ipynb\?token=\w{{32}}", address
            )
            token = address.split("token=")[1]
            content = f"http://127.0.0.1:{port}/api/contents/notebooks/01_quickstart.ipynb?content=0"
            with urllib.request.urlopen(f"{content}&token={token}", timeout=30) as answer:
                assert answer.status == 200
            with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                urllib.request.urlopen(content, timeout=30)
            refused.value.close()
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(timeout=30)


def test_demo_says_when_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--port", str(port)], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port
