#!/usr/bin/env bash
# corpus: every file of tests/data/corpus gets the verdict that expected.tsv
# states: ok, refuse, or refuse-as-baseline (with -b). TAP.
set -u
cd "$(dirname "$0")/data/corpus" || exit 1
bin=${MK_BIN:-$(pwd)/../../../build/bin}
case $bin in /*) ;; *) bin=$OLDPWD/$bin ;; esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
report() { # ok|not ok, name
	n=$((n + 1))
	echo "$1 $n - $2"
}

while IFS=$'\t' read -r file verdict; do
	args=()
	[ "$verdict" = refuse-as-baseline ] && args=(-b)
	"$bin/mk-validate" "${args[@]}" "$file" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	problem=
	if [ "$verdict" = ok ]; then
		[ $status -eq 0 ] || problem="status $status, wanted 0"
		[ -s "$tmp/out" ] || problem="$problem; nothing on standard output"
	else
		[ $status -eq 1 ] || [ $status -eq 2 ] || problem="status $status, wanted 1 or 2"
		[ ! -s "$tmp/out" ] || problem="$problem; refused, and yet wrote to standard output"
		grep -q "error: " "$tmp/err" || problem="$problem; no error message"
	fi
	if [ -z "$problem" ]; then
		report ok "$file: $verdict"
	else
		report "not ok" "$file: $verdict"
		echo "# $problem"
		sed 's/^/# /' "$tmp/err"
	fi
done <expected.tsv

# no file without a verdict
for file in *.dts *.dtb; do
	grep -q "^$file	" expected.tsv && continue
	report "not ok" "$file has no verdict in expected.tsv"
done
echo "1..$n"
