"""A real JupyterLab for tests: its own settings, kernels and folder, on a free port of this machine."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 90
SETTINGS = {
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    # Cells out of view stay in the page, so that a test finds them without scrolling.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
OWN_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


@dataclass(frozen=True, slots=True)
class Lab:
    """A running JupyterLab: its address, its token and the folder that holds its notebooks."""

    url: str
    token: str
    root: Path

    def address(self, path: str) -> str:
        """Address of a notebook; `reset` forgets what an earlier test had open."""
        return f"{self.url}/lab/tree/{path}?token={self.token}&reset"

    def write_notebook(self, path: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells; returns its path for `open_notebook`."""
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [_code_cell(f"cell-{i}", source) for i, source in enumerate(cells)],
        }
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook), encoding="utf-8")
        return path

    def read_notebook(self, path: str) -> dict[str, Any]:
        """Read a notebook as it stands on the disk."""
        notebook: dict[str, Any] = json.loads((self.root / path).read_text(encoding="utf-8"))
        return notebook

    def stop_kernels(self) -> None:
        """End all kernels, so that none works on beside the next test."""
        for session in json.loads(self._request("GET", "/api/sessions")):
            self._request("DELETE", f"/api/sessions/{session['id']}")

    def _request(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab with everything it reads or writes in `folder`; stop it at the end."""
    root = folder / "notebooks"
    root.mkdir(parents=True)
    _write_settings(folder / OWN_FOLDERS["JUPYTERLAB_SETTINGS_DIR"])
    lab = Lab(url=f"http://127.0.0.1:{_free_port()}", token=secrets.token_hex(16), root=root)
    log_path = folder / "lab.log"
    with log_path.open("wb") as log:
        server = subprocess.Popen(
            _command(lab), cwd=root, env=_environment(lab, folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(lab, server, log_path)
            yield lab
        finally:
            server.terminate()
            server.wait(timeout=30)


def _code_cell(cell_id: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _command(lab: Lab) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={lab.url.rsplit(':', 1)[1]}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={lab.root}",
        "--LabApp.extension_manager=readonly",
    ]


def _environment(lab: Lab, folder: Path) -> dict[str, str]:
    own = {name: str(folder / value) for name, value in OWN_FOLDERS.items()}
    # Lab must not take the warnings filters or the plugins of the test run.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "JUPYTER"))}
    return {**kept, **own, "JUPYTER_TOKEN": lab.token}


def _write_settings(folder: Path) -> None:
    for plugin, settings in SETTINGS.items():
        path = folder / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port


def _wait_until_ready(lab: Lab, server: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{lab.url}/api", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    log = log_path.read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"JupyterLab did not answer within {START_SECONDS} s:\n{log[-4000:]}")
