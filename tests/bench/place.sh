#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Placement and change: N requests at once on 8,192 CPUs (two to a core) and 64
# NUMA nodes with a matrix of distances; the same where one by one fails and all
# at once does not; diff, overlays, fold and inverse of N instances. Time a
# request should not grow. Prints "name value" lines.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${MK_BIN:-$root/build-static/bin}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2

# machine ABI: 64 nodes of 128 CPUs and 64 GiB
machine() {
	awk -v abi="$1" 'BEGIN {
		print "/multikernel-v1/;\n/ {\n\tcompatible = \"linux,multikernel-state\";\n\tmk,abi = <" abi ">;\n\tresources {\n\t\tcpus = /bits/ 64 <"
		for (i = 0; i < 8192; i++) printf "%d ", i
		print ">;"
		for (n = 0; n < 64; n++)
			printf "\t\tmemory@%x { reg = <0x%x 0x0 0x10 0x0>; numa-node-id = <%d>; };\n", (n + 1) * 16, (n + 1) * 16, n
		print "\t\ttopology {\n\t\t\tnuma-nodes {"
		for (n = 0; n < 64; n++) {
			printf "\t\t\t\tnode@%d { node-id = <%d>; cpus = /bits/ 64 <", n, n
			for (i = 0; i < 64; i++) printf "%d %d ", n * 64 + i, 4096 + n * 64 + i
			printf ">; distance-matrix = <"
			for (k = 0; k < 64; k++) printf "%d ", k == n ? 10 : int(k / 8) == int(n / 8) ? 16 : 32
			print ">; };"
		}
		print "\t\t\t};\n\t\t\tcores {"
		for (i = 0; i < 4096; i++) printf "\t\t\t\tcore@%d { cpus = /bits/ 64 <%d %d>; };\n", i, i, 4096 + i
		print "\t\t\t};\n\t\t};\n\t};\n\tinstances { };\n};"
	}'
}

ms() {
	awk -v t="$1" 'BEGIN { printf "%.2f", t / 1000 }'
}

for abi in 1 2; do
	machine $abi | "$bin/mk-parse" -o "$tmp/now$abi.dtb" || exit 2
	for n in 100 1000 2000; do
		awk -v n=$n 'BEGIN { for (i = 0; i < n; i++) printf "create i%d cpu-count=%d memory=%dM\n", i, 1 + i % 6, 64 + 64 * (i % 7) }' >"$tmp/r"
		read -r us _ kib < <("$tmp/run" 11 "$bin/mk-alloc" -i "$tmp/now$abi.dtb" -f "$tmp/r" -o "$tmp/next$abi.$n.dtb")
		echo "place_abi${abi}_${n}_ms $(ms "$us")"
		echo "place_abi${abi}_${n}_us_a_request $(awk -v t="$us" -v n=$n 'BEGIN { printf "%.1f", t / n }')"
	done
	echo "place_abi${abi}_${n}_peak_kib $kib"
done
# large ones that go anywhere are placed after small ones that may not: all at once finds room
awk 'BEGIN {
	for (i = 0; i < 64; i++) printf "create a%d cpu-count=40 memory=40G numa-nodes=%d,%d\n", i, i, (i + 1) % 64
	for (i = 0; i < 64; i++) printf "create b%d cpu-count=80 memory=20G numa-nodes=%d\n", i, i
}' >"$tmp/r"
read -r us _ _ < <("$tmp/run" 11 "$bin/mk-alloc" -i "$tmp/now1.dtb" -f "$tmp/r" -o "$tmp/tight.dtb")
echo "place_tight_128_ms $(ms "$us")"
for abi in 1 2; do
	for n in 100 1000 2000; do
		next=$tmp/next$abi.$n.dtb
		read -r us _ _ < <("$tmp/run" 11 "$bin/mk-diff" -o "$tmp/d" "$tmp/now$abi.dtb" "$next")
		echo "diff_abi${abi}_${n}_ms $(ms "$us")"
		read -r us _ _ < <("$tmp/run" 11 "$bin/mk-overlay" -o "$tmp/o" "$tmp/d")
		echo "overlay_abi${abi}_${n}_ms $(ms "$us")"
		read -r us _ _ < <("$tmp/run" 11 "$bin/mk-overlay" -q -o /dev/null -a "$tmp/now$abi.dtb" "$tmp/o")
		echo "fold_abi${abi}_${n}_ms $(ms "$us")"
		read -r us _ _ < <("$tmp/run" 11 "$bin/mk-overlay" -q -o /dev/null -r "$tmp/now$abi.dtb" "$tmp/o")
		echo "inverse_abi${abi}_${n}_ms $(ms "$us")"
	done
done
exit 0
