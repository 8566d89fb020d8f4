#!/usr/bin/env bash
# Makes the virtual environment $1 with $PYTHON (python3 when not set).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "mlm_widgets needs Python 3.10 or newer, and '$python' is not that. Name one: make PYTHON=/path/to/python3.12 ..." >&2
  exit 1
fi
# Debian and Ubuntu keep what `venv` needs in a package of its own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || scripts/apt.sh python3-venv
"$python" -m venv "$1"
