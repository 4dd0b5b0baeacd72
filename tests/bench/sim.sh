#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mk-sim: what it costs to start one, a transaction, an opened file; and how
# much it holds. Beside it: unshare(1) with the same namespaces, and the same
# system calls on /dev/null. Prints "name value" lines.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export PATH=$root/build/bin:$root/build/helper:$PATH MK_DATA=$root/tests/data
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'
}

read -r sim _ < <("$tmp/run" 51 mk-sim -- true)
read -r bare _ < <("$tmp/run" 51 unshare -Urmpf --mount-proc true)
echo "sim_start_ms $(awk -v t="$sim" 'BEGIN { printf "%.1f", t / 1000 }')"
echo "sim_start_to_unshare_ratio $(ratio "$sim" "$bare")"

cat >"$tmp/storm" <<'END'
. "$MK_DATA/sim/lib.sh"
baseline >/dev/null
overlay /instances 'instance-create { instance-name = "web"; resources { cpus = /bits/ 64 <4 5>; memory-bytes = /bits/ 64 <0x10000000>; }; };'
mv "$tmp/overlay" "$tmp/a"
overlay /instances 'instance-remove { instance-name = "web"; };'
echo "transaction $(call storm $fs/overlays/new 10000 "$tmp/a" "$tmp/overlay")"
echo "null $(call storm /dev/null 10000 "$tmp/a" "$tmp/overlay")"
echo "applied $(mk-sim ctl state | grep -c 'transaction.*status=applied')"
awk '/^VmHWM/ { print "peak", $2 }' /proc/1/status
END
mk-sim -M -- bash "$tmp/storm" >"$tmp/out" || exit 2
call storm /dev/null 10000 "$tmp/storm" "$tmp/storm" >"$tmp/outside" || exit 2
value() { awk -v n="$1" '$1 == n { print $2 }' "$tmp/out"; }
[ "$(value applied)" = 10000 ] || exit 2
echo "sim_transactions 10000"
echo "sim_transaction_us $(value transaction)"
echo "sim_transaction_to_null_ratio $(ratio "$(value transaction)" "$(value null)")"
echo "sim_open_write_close_us $(value null)"
echo "sim_open_write_close_to_outside_ratio $(ratio "$(value null)" "$(cat "$tmp/outside")")"
echo "sim_10000_transactions_peak_kib $(value peak)"

{
	echo '/multikernel-v1/; / { compatible = "linux,multikernel-host"; resources {'
	echo "cpus { total = <520>; host-reserved = <0>; available = <$(seq -s' ' 1 519)>; };"
	echo 'memory { total-bytes = <0x800000000>; memory-pool-base = <0x40000000>; memory-pool-bytes = <0x7c0000000>; }; }; };'
} >"$tmp/machine.dts"
cat >"$tmp/many" <<'END'
. "$MK_DATA/sim/lib.sh"
baseline "$(seq -s' ' 1 519)" 'memory@0 { size = /bits/ 64 <0x780000000>; };' >/dev/null
for i in $(seq 511); do
	overlay /instances "instance-create { instance-name = \"i$i\"; resources { cpus = /bits/ 64 <$i>; memory-bytes = /bits/ 64 <0x3000000>; }; };"
	mv "$tmp/overlay" "$tmp/o$i"
done
call elf "$tmp/k" 0x1000000
start=$EPOCHREALTIME
for i in $(seq 511); do cat "$tmp/o$i" >$fs/overlays/new; done
created=$EPOCHREALTIME
for i in $(seq 511); do call load "$i" "$tmp/k" - - && call boot "$i"; done >/dev/null
awk -v a="$start" -v b="$created" -v c="$EPOCHREALTIME" 'BEGIN { print "create", b - a; print "boot", c - b }'
echo "active $(cat $fs/instances/*/status | grep -c active)"
awk '/^VmHWM/ { print "peak", $2 }' /proc/1/status
END
mk-sim -M --speed 1000 -m "$tmp/machine.dts" -- bash "$tmp/many" >"$tmp/out" || exit 2
[ "$(value active)" = 511 ] || exit 2
echo "sim_instances 511"
echo "sim_511_creates_s $(printf %.2f "$(value create)")"
echo "sim_511_loads_and_boots_s $(printf %.2f "$(value boot)")"
echo "sim_511_instances_peak_kib $(value peak)"
