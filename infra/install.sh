#!/bin/sh
# install.sh VENV LOCK: put what a lock file pins, and the project itself, into an environment.
# uv does it several times as fast as pip; where uv cannot be had, or fails, pip does it.
set -eu
python=$1/bin/python
lock=$2
pip() { "$python" -m pip --disable-pip-version-check --quiet "$@"; }
say() { echo "install: $*" >&2; }

find_uv() {
  command -v uv || { [ -x "$1/bin/uv" ] && echo "$1/bin/uv"; } || {
    say "fetching uv"
    pip install --require-hashes -r requirements-uv.lock 2>/dev/null && echo "$1/bin/uv"
  }
}

# uv does not read pip's settings: who has set an index or certificates for pip means both.
follow_pip() {
  index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)}
  certificates=${PIP_CERT:-$(pip config get global.cert 2>/dev/null || true)}
  [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
  [ -z "${PIP_EXTRA_INDEX_URL:-}" ] || export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"
  [ -z "$certificates" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
}

with_uv() {
  follow_pip
  "$uv" pip install --quiet --python "$python" --require-hashes -r "$lock" &&
    "$uv" pip install --quiet --python "$python" --no-deps --no-build-isolation -e .
}

with_pip() { pip install --require-hashes -r "$lock" && pip install --no-deps --no-build-isolation -e .; }

packages=$(grep -c '^[A-Za-z0-9]' "$lock")
began=$(date +%s)
if uv=$(find_uv "$1"); then
  say "installing $packages packages of $lock into $1 with uv (once; a few seconds when they are cached)"
  with_uv || { say "uv failed; installing with pip"; with_pip; }
else
  say "installing $packages packages of $lock into $1 with pip (once; about a minute)"
  with_pip
fi
say "done after $(($(date +%s) - began)) s"
