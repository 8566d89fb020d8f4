#!/usr/bin/env bash
# Builds the bundle anew and compares it with the one in $1, which is what users get.
set -euo pipefail
cd "$(dirname "$0")/.."
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
(cd js && OUTDIR="$built" npm run --silent build >/dev/null)
if ! diff -rq "$built" "$1"; then
  echo "The bundle in $1 is not what js/ builds. Run: make js, and commit the result." >&2
  exit 1
fi
echo "The bundle in $1 is what js/ builds."
