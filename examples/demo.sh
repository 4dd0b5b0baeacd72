#!/usr/bin/env bash
# demo: the main job on the machine of examples/baseline.dts: from a description
# to overlays that a kernel takes, every step checked. `make demo` runs it.
set -eo pipefail
cd "$(dirname "$0")"
PATH=$(cd "${MK_BIN:-../build/bin}" && pwd):$PATH
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

say "On a host whose kernel is simulated (mk-sim): what goes to the pool, and two instances"
command -v mk-sim >/dev/null || { echo "(mk-sim was not built: it needs libfuse3)"; exit 0; }
cat >"$tmp/host.sh" <<'END'
set -eo pipefail
tmp=$1
cd /sys/fs/multikernel
mk-parse - >device_tree <<DTS
/dts-v1/;
/ { resources {
	cpus = /bits/ 64 <8 9 10 11 12 13 14 15>;
	memory@0 { size = /bits/ 64 <0x200000000>; numa-node-id = <0>; };
}; };
DTS
mk-alloc -i device_tree -f /dev/null -o "$tmp/host.dtb"
for request in 'web cpus=8-9 memory=1G@0' 'database cpu-count=4 memory=4G@0'; do
	read -ra words <<<"$request"
	echo "mk-alloc create $request"
	mk-alloc -i "$tmp/host.dtb" create "${words[@]}" | mk-validate --since "$tmp/host.dtb" |
		mk-diff "$tmp/host.dtb" - | mk-overlay -o "$tmp/change.dtb"
	cat "$tmp/change.dtb" >overlays/new
	mk-overlay -a -o "$tmp/next.dtb" "$tmp/host.dtb" "$tmp/change.dtb"
	mv "$tmp/next.dtb" "$tmp/host.dtb"
done
echo
for f in overlays/tx_*/status instances/*/status; do
	echo "$f: $(cat "$f")"
done
grep Multikernel /proc/iomem
mk-sim ctl state | grep -E '^(pool|instance) '
[ "$(sort -u overlays/tx_*/status)" = applied ]
END
mk-sim -M -- bash "$tmp/host.sh" "$tmp"
echo
echo "The kernel has applied both overlays."
