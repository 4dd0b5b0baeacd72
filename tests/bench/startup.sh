#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Start-up and peak memory of every static tool against a static program that
# does nothing, in one run. Prints "name value" lines.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${MK_BIN:-$root/build-static/bin}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$tmp/run" "$root/tests/bench/run.c" || exit 2
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
${MUSL_CC:-musl-gcc} -static -Os -s -o "$tmp/empty" "$tmp/empty.c" || exit 2

empty=0
# by turns, so that a slow moment of the machine falls on all
for round in 1 2 3; do
	for tool in "$tmp/empty" "$bin"/mk-*; do
		name=$(basename "$tool")
		read -r us min kib < <("$tmp/run" 501 "$tool" -V)
		echo "$name $round $us $min $kib"
	done
done >"$tmp/all"

while read -r name; do
	# the best median of three rounds
	us=$(awk -v n="$name" '$1 == n && (!b || $3 < b) { b = $3 } END { print b }' "$tmp/all")
	kib=$(awk -v n="$name" '$1 == n && $5 > b { b = $5 } END { print b }' "$tmp/all")
	if [ "$name" = empty ]; then
		empty=$us
		echo "startup_empty_us $us"
		echo "startup_empty_peak_kib $kib"
		continue
	fi
	name_=${name//-/_}
	echo "startup_${name_}_us $us"
	echo "startup_${name_}_ratio $(awk -v a="$us" -v b="$empty" 'BEGIN { printf "%.2f", a / b }')"
	echo "startup_${name_}_peak_kib $kib"
	echo "size_${name_}_kib $(($(wc -c <"$bin/$name") / 1024))"
done < <(echo empty; cd "$bin" && ls -d mk-*)
