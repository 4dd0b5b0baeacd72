#!/usr/bin/env bash
# Tests as data. Each directory tests/cases/TOOL/NAME holds
#
#   cmd      a shell snippet, run by bash as under `set -eo pipefail`
#   in.*     whatever it reads (optional)
#   out      the standard output it must give, byte by byte; absent: none
#   err      the standard error it must give; absent: none
#   status   the status it must end with; absent: 0
#
# cmd runs in a copy of its directory, with standard input from /dev/null,
# LC_ALL=C, the tools first in PATH, and MK_DATA and MK_EXAMPLES naming
# tests/data and examples; where err shows those two paths it holds @DATA@ and
# @EXAMPLES@ instead. A blob is no readable expectation: pipe it into
# `mk-parse -O lines`.
#
#   tests/cases.sh [TOOL/NAME]...            prints TAP
#   tests/cases.sh --accept [TOOL/NAME]...   rewrites what is expected, shows the change
#
# MK_BIN names the folder of the tools (default: build/bin).
set -u
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd) || exit 2
bin=$(cd "$root" && cd "${MK_BIN:-build/bin}" && pwd) || exit 2
cases=$root/tests/cases
export MK_BIN=$bin MK_DATA=$root/tests/data MK_EXAMPLES=$root/examples
# mk-sim is not static, and what helps tests is built once
export PATH=$bin:$root/build/helper:$root/build/bin:$PATH
unset MK_ROOT NO_COLOR

accept=''
if [ "${1-}" = --accept ]; then
	accept=1
	shift
fi

if [ $# -eq 0 ]; then
	cd "$cases" || exit 2
	for dir in */*/; do
		[ -d "$dir" ] && set -- "$@" "${dir%/}"
	done
fi

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
got=$tmp/got
mkdir "$got"

# run_case TOOL/NAME: fills $got with out, err and status; says what is wrong
# with the case itself, if anything.
run_case() {
	local dir=$cases/$1 work=$tmp/work f

	if [ ! -f "$dir/cmd" ]; then
		echo "$1 has no cmd"
		return 1
	fi
	for f in "$dir"/* "$dir"/.[!.]*; do
		case ${f##*/} in
		cmd | out | err | status | in.* | '*' | '.[!.]*') ;;
		*)
			echo "$1 holds '${f##*/}', which nothing looks at: inputs are called in.*"
			return 1
			;;
		esac
	done
	rm -rf "$work"
	cp -R "$dir" "$work" || return 1
	rm -f "$work/out" "$work/err" "$work/status" "$work/cmd"
	(cd "$work" && exec timeout -k 5 60 bash -eo pipefail -c "$(cat "$dir/cmd")" cmd) \
		</dev/null >"$got/out" 2>"$tmp/err"
	echo $? >"$got/status"
	sed -e "s|$MK_DATA|@DATA@|g" -e "s|$MK_EXAMPLES|@EXAMPLES@|g" "$tmp/err" >"$got/err"
}

# What is expected; an absent file stands for nothing, or for status 0.
expected() {
	if [ -e "$1/$2" ]; then
		cat "$1/$2"
	elif [ "$2" = status ]; then
		echo 0
	fi
}

differs() {
	local dir=$cases/$1 what

	for what in status out err; do
		expected "$dir" "$what" | cmp -s - "$got/$what" && continue
		expected "$dir" "$what" |
			diff -a -u -L "$1/$what (expected)" -L "$1/$what (got)" - "$got/$what"
	done | cat -v
}

accept_case() {
	local dir=$cases/$1 what

	if [ "$(cat "$got/status")" -gt 2 ]; then
		echo "$1: status $(cat "$got/status") is no status of a tool: not accepted" >&2
		sed 's/^/    /' "$got/err" >&2
		return 1
	fi
	if [ "$(tr -d '\0' <"$got/out" | wc -c)" != "$(wc -c <"$got/out")" ]; then
		echo "$1: the output is a blob: not accepted, pipe it into mk-parse -O lines" >&2
		return 1
	fi
	differs "$1"
	for what in out err status; do
		if [ ! -s "$got/$what" ] || { [ $what = status ] && [ "$(cat "$got/status")" = 0 ]; }; then
			rm -f "$dir/$what"
		else
			cp "$got/$what" "$dir/$what"
		fi
	done
}

failed=0 n=0
[ -n "$accept" ] || echo "1..$#"
for name in "$@"; do
	name=${name#tests/cases/}
	name=${name%/}
	n=$((n + 1))
	if ! why=$(run_case "$name"); then
		:
	elif [ -n "$accept" ]; then
		accept_case "$name" || failed=1
		continue
	else
		why=$(differs "$name")
	fi
	if [ -z "$why" ]; then
		echo "ok $n - $name"
	else
		failed=1
		echo "not ok $n - $name"
		printf '%s\n' "$why" | sed 's/^/# /'
	fi
done
exit $failed
