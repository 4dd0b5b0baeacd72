#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How fast mk-parse is, alone and against dtc in the same run. Prints "name
# value" lines; times are medians of wall time, ratios are dtc's time by
# mk-parse's. Uses the static mk-parse of `make static` (MK_BIN for another).
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
mk=${MK_BIN:-$root/build-static/bin}/mk-parse
[ -x "$mk" ] || { echo "parse.sh: $mk is missing: run make static" >&2 && exit 2; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2

# N nodes side by side, 4 properties each
siblings() {
	awk -v n="$1" 'BEGIN {
		print "/dts-v1/;\n/ {"
		for (i = 0; i < n; i++)
			printf "\tnode@%x {\n\t\tcompatible = \"vendor,device\";\n\t\treg = <0x%x>;\n" \
				"\t\tstatus = \"okay\";\n\t\tsize = <0x0 0x1000>;\n\t};\n", i, i
		print "};"
	}'
}

# one node with N properties
properties() {
	awk -v n="$1" 'BEGIN {
		print "/dts-v1/;\n/ {"
		for (i = 0; i < n; i++) printf "\tprop-%d = <%d>;\n", i, i
		print "};"
	}'
}

# one property with N cells
cells() {
	awk -v n="$1" 'BEGIN {
		printf "/dts-v1/;\n/ {\n\tcells = <"
		for (i = 0; i < n; i++) printf "0x%x%s", i, i % 8 == 7 ? "\n\t\t" : " "
		print ">;\n};"
	}'
}

us=0 kib=0

# measure NAME COUNT COMMAND...: leaves us and kib
measure() {
	local name=$1
	shift
	if ! read -r us _ kib < <("$tmp/run" "$@" 2>/dev/null) || [ -z "$us" ]; then
		us=0 kib=0
		echo "${name}_failed 1"
		return 1
	fi
	echo "${name}_ms $(awk -v t="$us" 'BEGIN { printf "%.2f", t / 1000 }')"
}

ratio() {
	[ "$2" -gt 0 ] && echo "$1 $(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", a / b }')"
}

# against NAME RUNS FILE.dts: both ways, mk-parse and dtc by turns
against() {
	local name=$1 runs=$2 dts=$3 ours
	measure "${name}_to_dtb_mk_parse" "$runs" "$mk" "$dts" && ours=$us &&
		measure "${name}_to_dtb_dtc" "$runs" dtc -q -q -O dtb "$dts" &&
		ratio "${name}_to_dtb_ratio" "$us" "$ours"
	"$mk" -o "$tmp/x.dtb" "$dts"
	measure "${name}_to_dts_mk_parse" "$runs" "$mk" -O dts "$tmp/x.dtb" && ours=$us &&
		measure "${name}_to_dts_dtc" "$runs" dtc -q -q -I dtb -O dts "$tmp/x.dtb" &&
		ratio "${name}_to_dts_ratio" "$us" "$ours"
}

for n in 1000 9900; do
	siblings "$n" >"$tmp/$n.dts"
	against "siblings_$n" $((n < 5000 ? 41 : 7)) "$tmp/$n.dts"
done

# dtc cannot read as many: how the time of one node changes from 1,000 to a million
first=0
for n in 1000 10000 100000 1000000; do
	siblings "$n" >"$tmp/many.dts"
	measure "siblings_${n}_alone" $((n > 500000 ? 3 : n > 50000 ? 7 : 21)) "$mk" "$tmp/many.dts" || continue
	per_node=$(awk -v t="$us" -v n="$n" 'BEGIN { printf "%d", t * 1000 / n }')
	echo "siblings_${n}_ns_per_node $per_node"
	echo "siblings_${n}_source_kib $(($(wc -c <"$tmp/many.dts") / 1024))"
	echo "siblings_${n}_peak_kib $kib"
	[ "$n" = 10000 ] && first=$per_node
	[ "$n" = 1000000 ] && ratio siblings_1000000_per_node_against_10000 "$per_node" "$first"
done

cells 1000000 >"$tmp/cells.dts"
against cells_1000000 3 "$tmp/cells.dts"
properties 20000 >"$tmp/properties.dts"
against properties_20000 1 "$tmp/properties.dts"
