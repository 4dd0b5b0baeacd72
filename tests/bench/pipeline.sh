#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The canonical pipeline as a whole, from a state with N instances to the
# overlay of one more: mk-alloc | mk-validate --since | mk-diff | mk-overlay,
# as a shell runs it. Beside it, what a shell takes to run four programs that do
# nothing in a pipeline, and what kerf 0.1.0's create was measured at elsewhere
# (62 ms with 100 instances, 373 ms with 1,000). Prints "name value" lines.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${MK_BIN:-$root/build-static/bin}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
${MUSL_CC:-musl-gcc} -static -Os -s -o "$tmp/empty" "$tmp/empty.c" || exit 2

# a machine with room for N + 1 instances, and N of them
machine() {
	awk -v n="$1" 'BEGIN {
		print "/multikernel-v1/;\n/ {\n\tcompatible = \"linux,multikernel-host\";\n\tresources {\n\t\tcpus = <"
		for (i = 1; i <= n + 8; i++) printf "%d ", i
		printf ">;\n\t\tmemory-base = <0x80000000>;\n\t\tmemory-bytes = <0x%x 0x0>;\n\t};\n\tinstances {\n", 1 + int(n / 16)
		for (i = 1; i <= n; i++)
			printf "\t\ti%d { id = <%d>; resources { cpus = <%d>; memory-base = <0x%x 0x%x>; memory-bytes = <0x8000000>; }; };\n", \
				i, i, i, int((2147483648 + i * 134217728) / 4294967296), (2147483648 + i * 134217728) % 4294967296
		print "\t};\n};"
	}'
}

cat >"$tmp/pipeline.sh" <<EOT
set -eo pipefail
$bin/mk-alloc -i $tmp/now.dtb create web cpus=\$1 memory=64M | $bin/mk-validate --since $tmp/now.dtb |
	$bin/mk-diff $tmp/now.dtb - | $bin/mk-overlay
EOT
cat >"$tmp/nothing.sh" <<EOT
set -eo pipefail
$tmp/empty | $tmp/empty | $tmp/empty | $tmp/empty
EOT

for n in 10 100 1000; do
	machine "$n" | "$bin/mk-alloc" -f /dev/null >"$tmp/now.dtb" || exit 2
	read -r us _ < <("$tmp/run" $((n > 500 ? 21 : 101)) bash "$tmp/pipeline.sh" $((n + 5)))
	echo "pipeline_${n}_ms $(awk -v t="$us" 'BEGIN { printf "%.2f", t / 1000 }')"
	case $n in
	100) echo "pipeline_100_kerf_ratio $(awk -v t="$us" 'BEGIN { printf "%.1f", 62000 / t }')" ;;
	1000) echo "pipeline_1000_kerf_ratio $(awk -v t="$us" 'BEGIN { printf "%.1f", 373000 / t }')" ;;
	esac
done
read -r us _ < <("$tmp/run" 101 bash "$tmp/nothing.sh")
echo "pipeline_of_nothing_ms $(awk -v t="$us" 'BEGIN { printf "%.2f", t / 1000 }')"
