#!/bin/sh
# Creates .venv and brings the system packages that the Makefile's targets need; run by make, safe to repeat.
#   sh tools/bootstrap.sh venv   a Python >= 3.10 with venv and pip, g++, and .venv itself
#   sh tools/bootstrap.sh lib    Python's shared library, which the simulation loads
#   sh tools/bootstrap.sh tcl    tclsh, in which the tests run the scripts for Vitis and Vivado
#   sh tools/bootstrap.sh pynq   .venv/pynq-VERSION for the tests of the backend `board`, where that is possible
#   sh tools/bootstrap.sh data   Fashion-MNIST from the Debian package, where that is possible
# PYTHON names the interpreter to use; TRIVIT_DATA a folder that already holds the data set.
set -eu

say() { printf 'trivit: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command as root, or fails without asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

can_install() { command -v apt-get >/dev/null 2>&1 && as_root true; }

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

apt_install() {
    say "installing $*"
    log=$(mktemp)
    # The package lists may be missing (a fresh container) or old.
    if apt_get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
        { apt_get update && apt_get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 5 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

need() {
    can_install || die "these system packages are missing: $*; install them (sudo apt-get install $*) and run make again"
    apt_install "$@" || die "apt-get could not install: $*"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10}; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Prints the Debian packages that are missing, all at once.
missing_packages() {
    command -v g++ >/dev/null 2>&1 || echo g++
    if [ -z "${python:-}" ]; then
        echo python3 python3-venv
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian ships venv without ensurepip unless pythonX.Y-venv is there.
        "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
}

make_venv() {
    if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        python=.venv/bin/python
    else
        python=$(find_python) || python=
        [ -z "${PYTHON:-}" ] || [ -n "$python" ] || die "PYTHON=$PYTHON is not a Python of version 3.10 or later"
    fi
    packages=$(missing_packages)
    # shellcheck disable=SC2086  # one word for each package
    [ -z "$packages" ] || need $packages
    [ "$python" != .venv/bin/python ] || return 0
    [ -n "$python" ] || python=$(find_python) ||
        die "no Python of version 3.10 or later was found; install one and run make PYTHON=/path/to/python3"
    say "creating .venv with $python ($("$python" --version))"
    rm -rf .venv
    "$python" -m venv .venv
}

get_library() {
    has_library() { .venv/bin/python -c 'import sys, find_libpython as f; sys.exit(f.find_libpython() is None)'; }
    has_library || need "$(.venv/bin/python -c 'import sys; print("libpython%d.%d" % sys.version_info[:2])')"
    has_library || die "this Python has no shared library; use another one: rm -r .venv; make PYTHON=/usr/bin/python3 test"
}

get_tcl() {
    command -v tclsh >/dev/null 2>&1 || need tcl
}

get_data() {
    if [ -n "${TRIVIT_DATA:-}" ] || [ -e /usr/share/datasets/fashion-mnist ] || ! can_install; then
        return
    fi
    # Not fatal: without the package `trivit` downloads the files and checks their sums.
    apt_install dataset-fashion-mnist || say "no package dataset-fashion-mnist here; the files will be downloaded"
}

# PYNQ takes no numpy 2, so each release has an environment of its own. Not fatal: where one cannot be
# made, its tests skip. pynqmetadata imports a module that pycparser 3 has no more.
make_pynq() {
    if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
        say "no PYNQ for $(.venv/bin/python --version): numpy below 2 has no wheels for it; its tests skip"
        return
    fi
    for version in 3.1.2 4.0.0; do
        folder=.venv/pynq-$version
        if [ -e "$folder/stamp" ]; then continue; fi
        say "creating $folder"
        rm -rf "$folder"
        log=$(mktemp)
        if .venv/bin/python -m venv "$folder" >"$log" 2>&1 &&
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
                "pynq==$version" 'numpy<2' 'pycparser<3' >"$log" 2>&1 &&
            "$folder/bin/python" -m pip check >"$log" 2>&1; then
            touch "$folder/stamp"
        else
            say "no PYNQ $version, its tests skip: $(tail -n 1 "$log")"
            rm -rf "$folder"
        fi
        rm -f "$log"
    done
}

case "${1:-}" in
    venv) make_venv ;;
    lib) get_library ;;
    tcl) get_tcl ;;
    pynq) make_pynq ;;
    data) get_data ;;
    *) die "usage: sh tools/bootstrap.sh venv|lib|tcl|pynq|data" ;;
esac
