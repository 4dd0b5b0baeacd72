#!/usr/bin/env bash
# demo: the main job on the machine of examples/baseline.dts: from a description
# to overlays that a kernel takes, every step checked. `make demo` runs it.
set -eo pipefail
cd "$(dirname "$0")"
PATH=${MK_BIN:-../build/bin}:$PATH
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
now=$tmp/now.dtb

say() {
	printf '\n\033[1m# %s\033[0m\n' "$*"
}
[ -t 1 ] || say() { printf '\n# %s\n' "$*"; }

say "A machine: 32 CPUs, 16 GB, a pool of 28 CPUs and 14 GB. No instances yet."
mk-validate -b baseline.dts | mk-alloc -f /dev/null >"$now"
mk-show <"$now"

# request WORDS...: the canonical pipeline; what comes out is folded into the state
n=0
request() {
	n=$((n + 1))
	say "mk-alloc $*"
	mk-alloc -i "$now" "$@" | mk-validate --since "$now" | mk-diff "$now" - | mk-overlay >"$tmp/$n.dtbo"
	mk-overlay -p "$tmp/$n.dtbo"
	mk-overlay -a "$now" "$tmp/$n.dtbo" >"$tmp/next.dtb"
	mv "$tmp/next.dtb" "$now"
}

request create web-server cpus=4-7 memory=2GB

say "A database with 16 GB does not fit into what is left of 14 GB:"
if mk-alloc -i "$now" create database cpu-count=8 memory=16GB >/dev/null; then
	echo "demo: this should have been refused" >&2
	exit 1
else
	echo "(refused with status $?)"
fi

request create database cpu-count=8 memory=8GB
request create compute cpu-count=8 memory=4GB

say "The overlays as the kernel reads them"
for i in $(seq "$n"); do
	mk-parse -O dts "$tmp/$i.dtbo"
done

say "The machine with all of them applied"
mk-validate "$now" | mk-show
mk-diff -q "$now" <(mk-overlay -a <(mk-validate -b baseline.dts | mk-alloc -f /dev/null) "$tmp"/[0-9]*.dtbo)
echo
echo "Folding all overlays over the first state leads to the same machine."
