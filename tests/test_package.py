"""The package as it is installed: what is in the wheel, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = [
    "mlm_widgets/__init__.py",
    "mlm_widgets/datasets/PROVENANCE.md",
    "mlm_widgets/datasets/hsb.csv",
    "mlm_widgets/plots/theme.json",
    "mlm_widgets/py.typed",
    "mlm_widgets/widgets/static/builder.css",
    "mlm_widgets/widgets/static/builder.js",
    "mlm_widgets/widgets/static/core.js",
]
# What notebooks need and scripts do not, and what takes long to import.
NOT_AT_IMPORT = ["altair", "anywidget", "formulaic", "ipywidgets", "IPython", "traitlets"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with no node in sight."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/nonexistent"}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_wheel_is_pure_and_holds_bundle_theme_and_tables(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not set(NEEDED) - names
    in_tree = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mlm_widgets").glob("datasets/*.csv")}
    assert in_tree <= names


@pytest.mark.slow
def test_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"mlm_widgets", "mlm_widgets-0.1.0.dist-info"}


def test_import_brings_in_nothing_heavy() -> None:
    code = f"import sys, mlm_widgets; print([name for name in {NOT_AT_IMPORT!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
