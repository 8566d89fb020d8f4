"""Open the quick start in JupyterLab and print its address.

The server listens on 127.0.0.1 only and asks for a token, which the printed address carries. It has folders of its own
in the environment, so that neither settings nor kernels of the user's other Jupyter change what is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "notebooks/01_quickstart.ipynb"
FIRST_PORT = 8888
START_SECONDS = 90
SETTINGS = {
    # A saved notebook shows its widgets again without a kernel.
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


def main() -> int:
    """Run the server until it is stopped; return its exit status."""
    parser = argparse.ArgumentParser(description="Open the quick start in JupyterLab.")
    parser.add_argument("--port", type=int, help=f"port to listen on (default: the first free one from {FIRST_PORT})")
    given_port: int | None = parser.parse_args().port
    if given_port is not None and not is_free(given_port):
        print(f"Port {given_port} is taken. Hint: leave PORT out, or name another.", file=sys.stderr)
        return 1
    port = given_port if given_port is not None else first_free_port()
    token = secrets.token_hex(16)
    write_settings()
    # In a session of its own the server does not see Ctrl-C: it is told to end here, and ends its kernels first.
    server = subprocess.Popen(
        server_command(port),
        cwd=ROOT,
        env=server_environment(token),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: server.terminate())
    try:
        if not has_started(server, port):
            server.terminate()
            print("JupyterLab did not start; its messages stand above.", file=sys.stderr)
            return server.wait() or 1
        address = f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}"
        print(f"\nJupyterLab is ready. Open this address; stop with Ctrl-C:\n\n    {address}\n", flush=True)
        if has_screen():
            webbrowser.open(address)
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        return 0


def server_command(port: int) -> list[str]:
    """Build the command line of the server; the token is not on it, where other users could read it."""
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--Application.log_level=ERROR",
        "--LabApp.extension_manager=readonly",
    ]


def server_environment(token: str) -> dict[str, str]:
    """Build the variables of the server: its token, and folders of its own."""
    folder = Path(sys.prefix) / "jupyter"
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**os.environ, "JUPYTER_TOKEN": token, **{name: str(folder / value) for name, value in own.items()}}


def write_settings() -> None:
    """Write the defaults of this environment's JupyterLab."""
    path = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(SETTINGS, indent=2) + "\n", encoding="utf-8")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on that port."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def first_free_port() -> int:
    """Find a port, one that is easy to remember first."""
    return next(port for port in range(FIRST_PORT, FIRST_PORT + 1000) if is_free(port))


def has_started(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server answers; False when it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2):
                return True
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    return False


def has_screen() -> bool:
    """Tell whether a browser can be opened for the user, rather than one in this terminal."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
