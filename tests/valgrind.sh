#!/usr/bin/env bash
# valgrind: the main job and some refusals under memcheck, on the plain build:
# the sanitizers see writes, memcheck also sees what is read before it is set.
# TAP.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=$PWD/build/bin
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
# try STATUS COMMAND...: COMMAND must end with STATUS, and memcheck find nothing
try() {
	local want=$1 got
	shift
	n=$((n + 1))
	valgrind --quiet --error-exitcode=99 --exit-on-first-error=yes --log-file="$tmp/log" "$bin/$1" "${@:2}" \
		>"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if [ "$got" -eq "$want" ]; then
		echo "ok $n - $*"
		return
	fi
	echo "not ok $n - $*"
	echo "# status $got, wanted $want"
	sed 's/^/# /' "$tmp/log" "$tmp/err" | head -n 30
}

"$bin/mk-alloc" -i examples/baseline.dts -f /dev/null -o "$tmp/now.dtb" || exit 1
"$bin/mk-alloc" -i "$tmp/now.dtb" -f examples/requests.mk -o "$tmp/next.dtb" || exit 1
"$bin/mk-diff" "$tmp/now.dtb" "$tmp/next.dtb" >"$tmp/delta" || exit 1
"$bin/mk-overlay" "$tmp/delta" >"$tmp/o.dtbo" || exit 1

try 0 mk-parse -O dts examples/baseline.dts
try 0 mk-parse -@ -O lines tests/data/seeds/instance-view.dts
try 0 mk-parse -s -j tests/data/seeds/numa.dts
try 2 mk-parse tests/data/corpus/missing-close-brace.dts
try 2 mk-parse tests/data/corpus/trunc-1byte.dtb
try 0 mk-validate --since "$tmp/now.dtb" "$tmp/next.dtb"
try 1 mk-validate -b tests/data/seeds/bad_baseline.dts
try 1 mk-validate tests/data/corpus/cpus-dup.dtb
try 0 mk-alloc -i "$tmp/now.dtb" -f examples/requests.mk
try 1 mk-alloc -i "$tmp/now.dtb" create big cpu-count=99 memory=1G
try 0 mk-diff "$tmp/now.dtb" "$tmp/next.dtb"
try 0 mk-diff -j "$tmp/next.dtb" "$tmp/now.dtb"
try 0 mk-overlay "$tmp/delta"
try 0 mk-overlay --abi 2 tests/cases/mk-overlay/create-abi2/in.delta
try 0 mk-overlay -a "$tmp/now.dtb" "$tmp/o.dtbo"
try 0 mk-overlay -p -j tests/data/golden/abi2/update-all.dtbo
try 0 mk-show -i "$tmp/next.dtb"
try 0 mk-show -j -i tests/data/seeds/kernel-readback.dts
echo "1..$n"
