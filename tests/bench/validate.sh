#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mk-validate with N instances in one state, valid and all in conflict (each has
# a CPU and memory of the next one's), as blobs: time an instance should not grow.
# kerf 0.1.0 was measured at 3.6 s with 4,000 valid ones elsewhere. And 10,000
# small states in one stream: its memory should not grow. Prints "name value" lines.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${MK_BIN:-$root/build-static/bin}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2

# a verdict of "not valid" is what is measured, too
cat >"$tmp/judge" <<EOT
#!/bin/sh
$bin/mk-validate --max-id 1000000 -o /dev/null "\$1" 2>/dev/null || [ \$? = 1 ]
EOT
chmod +x "$tmp/judge"

# machine N OVERLAP: instance i has CPU i and, with an overlap, CPU i + 1 and a page of its memory, too
machine() {
	awk -v n="$1" -v more="$2" 'BEGIN {
		print "/multikernel-v1/;\n/ {\n\tcompatible = \"linux,multikernel-host\";\n\tresources {\n\t\tcpus = <"
		for (i = 1; i <= n + 1; i++) printf "%d ", i
		printf ">;\n\t\tmemory-base = <0x0 0x80000000>;\n\t\tmemory-bytes = <0x%x 0x0>;\n\t};\n\tinstances {\n", 1 + int(n / 1024)
		for (i = 1; i <= n; i++) {
			base = 2147483648 + i * 1048576
			printf "\t\ti%d { id = <%d>; resources { cpus = <%d%s>; memory-base = <0x%x 0x%x>; memory-bytes = <0x%x>; }; };\n", \
				i, i, i, more ? " " (i + 1) : "", int(base / 4294967296), base % 4294967296, 1048576 + (more ? 4096 : 0)
		}
		print "\t};\n};"
	}'
}

for n in 1000 4000 10000 100000; do
	for kind in valid conflict; do
		machine "$n" "$([ $kind = valid ] || echo 1)" | "$bin/mk-parse" -o "$tmp/now.dtb" || exit 2
		read -r us _ kib < <("$tmp/run" $((n > 20000 ? 5 : 21)) "$tmp/judge" "$tmp/now.dtb")
		echo "${kind}_${n}_ms $(awk -v t="$us" 'BEGIN { printf "%.2f", t / 1000 }')"
		echo "${kind}_${n}_us_an_instance $(awk -v t="$us" -v n="$n" 'BEGIN { printf "%.2f", t / n }')"
		[ "$n" = 100000 ] && echo "${kind}_${n}_peak_kib $kib"
		[ "$n$kind" = 4000valid ] &&
			echo "valid_4000_kerf_ratio $(awk -v t="$us" 'BEGIN { printf "%.0f", 3600000 / t }')"
	done
done
"$bin/mk-parse" -o "$tmp/one.dtb" "$root/examples/two-socket.dts" || exit 2
for n in 100 10000; do
	for ((i = 0; i < n; i++)); do cat "$tmp/one.dtb"; done >"$tmp/many.dtb"
	read -r us _ kib < <("$tmp/run" 3 "$bin/mk-validate" -o /dev/null "$tmp/many.dtb")
	echo "states_${n}_ms $(awk -v t="$us" 'BEGIN { printf "%.1f", t / 1000 }')"
	echo "states_${n}_peak_kib $kib"
done
exit 0
