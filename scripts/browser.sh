#!/usr/bin/env bash
# Sees to it that there is a browser for the tests: the system's chromium, Debian's, or playwright's own. $1: python.
set -euo pipefail
cd "$(dirname "$0")/.."
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  # Ubuntu's chromium-browser may be a stub without the browser: it must answer.
  if "$name" --version >/dev/null 2>&1; then
    exit 0
  fi
done
scripts/apt.sh chromium || "$1" -m playwright install chromium
