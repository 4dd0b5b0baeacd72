#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target that `make fuzz-build` left in build-fuzz:
#
#     tests/fuzz/run.sh [SECONDS]      SECONDS each, 60 if not said
#
# An input that crashes a target is kept in build-fuzz/crashes and named; run
# the target on that file to see it again. What the fuzzer learns is thrown
# away: worth keeping is what is small and new, in tests/fuzz/corpus.
set -u

seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
tests=("$root"/tests/fuzz/*.c)
crashes=$root/build-fuzz/crashes
tmp=$(mktemp -d "${TMPDIR:-/tmp}/fuzz.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1

echo "1..${#tests[@]}"
n=0 failed=0
for source in "${tests[@]}"; do
	name=$(basename "$source" .c)
	target=$root/build-fuzz/$name
	n=$((n + 1))
	mkdir -p "$tmp/$name" "$crashes"
	if [ ! -x "$target" ]; then
		echo "not ok $n - fuzz $name"
		echo "# $target is missing: run make fuzz-build"
		failed=1
		continue
	fi
	[ -d "$root/tests/fuzz/corpus/$name" ] && cp "$root/tests/fuzz/corpus/$name"/* "$tmp/$name"
	# machines are at hand where the tools are tested
	if [ "$name" = state ]; then
		for input in "$root"/tests/cases/*/*/in*.dts; do
			cp "$input" "$tmp/$name/$(sha256sum "$input" | cut -c 1-16)"
		done
	fi
	options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096
		-print_final_stats=1 -artifact_prefix="$tmp/$name-")
	[ -f "$root/tests/fuzz/$name.dict" ] && options+=(-dict="$root/tests/fuzz/$name.dict")
	if "$target" "${options[@]}" "$tmp/$name" >"$tmp/$name.log" 2>&1 </dev/null; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$tmp/$name.log")
		echo "ok $n - fuzz $name: ${runs:-0} runs"
		continue
	fi
	failed=1
	echo "not ok $n - fuzz $name"
	grep -m 8 -E 'ERROR|SUMMARY|runtime error|^ +#[0-6] ' "$tmp/$name.log" | sed 's/^/# /'
	for input in "$tmp/$name"-*; do
		[ -f "$input" ] || continue
		cp "$input" "$crashes/"
		echo "# input: build-fuzz/crashes/${input##*/}"
	done
done
exit "$failed"
