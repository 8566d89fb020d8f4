#!/usr/bin/env bash
# Installs packages of Debian or Ubuntu, as root or by sudo; fails where neither can be done.
set -euo pipefail
if ! command -v apt-get >/dev/null; then
  echo "Not found here and no apt-get to install it: $*" >&2
  exit 1
fi
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  # Without a terminal nobody can type a password.
  if [ -t 0 ]; then as_root=(sudo "${as_root[@]}"); else as_root=(sudo -n "${as_root[@]}"); fi
fi
echo "Installing Debian packages: $*"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  exit 1
fi
