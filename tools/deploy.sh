#!/bin/sh
# Copies wheel, bitstream and bundle to a board over ssh and installs the wheel; run by `make deploy`.
#   HOST=xilinx@192.168.2.99              the board, as ssh names it; needs a key, not a password
#   BITSTREAM=build/bitstream/trivit.bit  with .hwh and .json beside it
#   BUNDLE=runs/demo/program.trivit       what to run there
#   BOARD_FOLDER=/home/xilinx/trivit      where both go; the driver looks there
#   BOARD_VENV=/usr/local/share/pynq-venv PYNQ's environment, which gets the wheel
# Files arrive under another name and are renamed when all are there.
set -eu

die() { printf 'make deploy: %s\n' "$*" >&2; exit 2; }

host=${HOST:-}
bitstream=${BITSTREAM:-build/bitstream/trivit.bit}
bundle=${BUNDLE:-runs/demo/program.trivit}
folder=${BOARD_FOLDER:-/home/xilinx/trivit}
venv=${BOARD_VENV:-/usr/local/share/pynq-venv}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

reason() { tail -n 1 "$log" | tr -d '\r'; }
remote() { ssh -o BatchMode=yes -o ConnectTimeout=10 "$host" "$1" </dev/null >"$log" 2>&1; }

[ -n "$host" ] || die "HOST is missing: make deploy HOST=xilinx@192.168.2.99"
base=${bitstream%.bit}
for file in "$bitstream" "$base.hwh" "$base.json"; do
    [ -f "$file" ] || die "no bitstream: $file is missing; make bitstream, or name the .bit in BITSTREAM"
done
[ -f "$bundle" ] || die "no bundle: $bundle is missing; make demo, or name one in BUNDLE"
for tool in ssh scp; do
    command -v "$tool" >/dev/null 2>&1 || die "$tool is missing: install an OpenSSH client"
done
remote true || die "no login at $host: $(reason); check cable and address, then ssh-copy-id $host"
remote "test -x $venv/bin/python3" ||
    die "$host has no PYNQ environment $venv: write a PYNQ image, or name its folder in BOARD_VENV"

wheel=$(.venv/bin/python -m trivit.tools.host_wheel dist 2>"$log") || die "$(reason)"
incoming=$folder/.incoming
remote "rm -rf '$incoming' && mkdir -p '$incoming'" || die "$host cannot make $folder: $(reason)"
scp -q -B -o ConnectTimeout=10 "$wheel" "$bitstream" "$base.hwh" "$base.json" "$bundle" \
    "$host:$incoming/" </dev/null >"$log" 2>&1 || die "copying to $host:$folder failed: $(reason)"
# As one name, so that the driver finds the three files of one build.
name=$(basename "$base")
remote "cd '$incoming' && for end in bit hwh json; do mv -f '$name'.\$end ../trivit.\$end || exit; done &&
    mv -f ./*.trivit ./*.whl .. && cd .. && rmdir '$incoming'" ||
    die "$host could not put the files into $folder: $(reason)"
# The wheel needs numpy alone, which the image has: nothing is downloaded, nothing else is changed.
remote "sudo=; [ -w '$venv' ] || sudo='sudo -n'; \$sudo '$venv/bin/python3' -m pip install --no-deps \
    --force-reinstall --disable-pip-version-check --quiet '$folder/$(basename "$wheel")'" ||
    die "$host could not install the wheel: $(reason); where sudo asks for a password use HOST=root@..."
remote "'$venv/bin/trivit-board' version" || die "trivit-board does not start on $host: $(reason)"
echo "$host has $(head -n 1 "$log"), $folder/trivit.bit and $folder/$(basename "$bundle"); next:"
echo "  ssh -t $host sudo -E $venv/bin/trivit-board check"
