#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mk-parse against dtc on random sources (tests/gen/gen-dts.c): what dtc
# accepts, mk-parse compiles to the same bytes; what dtc refuses, mk-parse
# refuses with the place; and what mk-parse prints it reads back unchanged.
#
#     tests/dtc-random.sh [COUNT] [SEED]      COUNT sources, 500 to a TAP line
#
# MK_BIN says where mk-parse is. A failing batch is kept and named.
#
# Where mk-parse differs from dtc 1.6.1 on purpose, or dtc is wrong. The
# generator keeps away from these; nothing here looks the other way:
#
#   - A plugin may not refer to a path that it does not have, <&{/path}>: dtc
#     writes a fixup that nobody can apply.
#   - A byte above 0x7f outside of strings and comments: dtc takes it for the
#     end of the source.
#   - '\\' and '\'' with more quotes behind them: dtc's lexer runs on to the
#     next quote. "\x 1": dtc takes the blank for a sign. Sources that get a
#     random change hold neither.
#   - A named root, "/name { };", is refused by dtc and ours.
#   - More than 64 levels of nodes, 256 of parentheses, 32 labels on one thing.
#   - /delete-property/ name;: dtc looks at the deleted property all the same.
#   - /delete-node/ &{/}; is refused: dtc writes a blob without any node.
#   - Names of nodes that begin with '@', numbers that do not fit: versions of
#     dtc differ; 1.6.1 refuses the latter, and so do we.
#   - A plugin with phandle = <&itself>: its __local_fixups__ say phandle = <0>,
#     which no source can say, so that it cannot be printed and read back.
#
# boot_cpuid: a source has none, it follows from /cpus. Where /cpus does not
# give the one in hand (its first node was deleted), -O dts says so on standard
# error; then, and only then, these four bytes may differ behind -O dts.
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
mk=${MK_BIN:-$root/build/bin}/mk-parse
per_batch=500

# One source: prints what is wrong with it, and counts.
refused() {
	local line=
	if [ "$rm" -ne 2 ]; then
		echo "# $f: dtc refuses it, mk-parse exits $rm"
	elif [ -s got ]; then
		echo "# $f: refused, but standard output is not empty"
	else
		read -r line <mk.err
		[[ $line =~ ^mk-parse:\ .+:[0-9]+:[0-9]+:\ error:\ . ]] && return 0
		echo "# $f: refused without file:line:col: $line"
	fi
	return 1
}

same_but_boot_cpuid() {
	cmp -s "$1" "$2" && return 0
	[[ $(<print.err) == *boot_cpuid* ]] && cmp -s -n 28 "$1" "$2" && cmp -s -i 32 "$1" "$2"
}

round_trips() {
	if ! "$mk" -O dts "$f" >print.dts 2>print.err || ! "$mk" -q <print.dts >again 2>mk.err ||
		! same_but_boot_cpuid got again; then
		echo "# $f: -O dts does not give the same blob again: $(head -n 1 mk.err)"
		return 1
	fi
	if ! "$mk" -q -O lines "$f" >print.lines || ! "$mk" -q <print.lines >again 2>mk.err ||
		! cmp -s got again; then
		echo "# $f: -O lines does not give the same blob again: $(head -n 1 mk.err)"
		return 1
	fi
}

compare() {
	local options=$1
	rm -f want
	# shellcheck disable=SC2086
	dtc -q -q $options -O dtb -o want "$f" </dev/null >/dev/null 2>dtc.err
	rd=$?
	# shellcheck disable=SC2086
	"$mk" -q $options "$f" >got 2>mk.err
	rm=$?
	if [ "$rm" -ne 0 ] && [ "$rm" -ne 2 ]; then
		echo "# $f: mk-parse $options exits $rm"
	elif [ "$rd" -gt 2 ]; then
		died=$((died + 1))
		return 2
	elif [ "$rd" -ne 0 ]; then
		refused && return 2
	elif [ "$rm" -ne 0 ]; then
		echo "# $f: dtc $options accepts it, mk-parse says: $(head -n 1 mk.err)"
	elif ! cmp -s want got; then
		echo "# $f: dtc $options and mk-parse differ: $(cmp want got 2>&1)"
	else
		return 0
	fi
	return 1
}

# In a folder of its own; leaves "report": diagnostics, then the counts.
batch() {
	local seed=$1 count=$2 accepted=0 refused=0 died=0 bad=0 i f rd rm
	ulimit -t 20 -c 0
	cd "$3" || exit 2
	"$4" -n "$count" -s "$seed" . || exit 2
	for ((i = seed; i < seed + count; i++)); do
		f=$i.dts
		compare ''
		case $? in
		0) accepted=$((accepted + 1)) ;;
		2) refused=$((refused + 1)) && continue ;;
		*) bad=$((bad + 1)) && continue ;;
		esac
		round_trips && compare -@ || bad=$((bad + 1))
		if ((i % 4 == 0)); then
			compare "-s -@" || bad=$((bad + 1))
		elif ((i % 4 == 2)); then
			compare -s || bad=$((bad + 1))
		fi
	done >diagnostics
	echo "$accepted $refused $died $bad" >counts
}

if [ "${1-}" = --batch ]; then
	shift
	batch "$@"
	exit 0
fi

count=${1:-5000}
seed=${2:-1}
[ -x "$mk" ] || { echo "Bail out! $mk is missing: run make" && exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/dtc-random.XXXXXX") || exit 2
${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -o "$tmp/gen-dts" "$root/tests/gen/gen-dts.c" || exit 2

batches=$(((count + per_batch - 1) / per_batch))
echo "1..$((batches + 1))"
echo "# $(dtc -v), seed $seed"
for ((b = 0; b < batches; b++)); do
	n=$((count - b * per_batch))
	mkdir "$tmp/$b"
	printf '%s %s %s %s\n' $((seed + b * per_batch)) $((n < per_batch ? n : per_batch)) \
		"$tmp/$b" "$tmp/gen-dts"
done | xargs -P "$(nproc)" -L 1 "$0" --batch

accepted=0 refused=0 died=0 failed=0
for ((b = 0; b < batches; b++)); do
	title="$((b + 1)) - random sources from $((seed + b * per_batch))"
	if ! read -r a r d bad 2>/dev/null <"$tmp/$b/counts"; then
		echo "not ok $title"
		echo "# the batch did not end, see $tmp/$b"
		failed=1
		continue
	fi
	accepted=$((accepted + a)) refused=$((refused + r)) died=$((died + d))
	if [ "$bad" -eq 0 ]; then
		echo "ok $title: $a accepted, $r refused"
		rm -r "${tmp:?}/$b"
	else
		echo "not ok $title"
		head -n 20 "$tmp/$b/diagnostics"
		echo "# $bad of them, in $tmp/$b; one alone: gen-dts SEED"
		failed=1
	fi
done

# a generator that went wrong would make all of this worth nothing
if [ $((accepted * 2)) -ge "$count" ] && [ $((refused * 10)) -ge "$count" ] &&
	[ $((died * 100)) -le "$count" ]; then
	echo "ok $((batches + 1)) - the mix: $accepted accepted, $refused refused, dtc died of $died"
else
	echo "not ok $((batches + 1)) - the mix: $accepted accepted, $refused refused, dtc died of $died"
	failed=1
fi
[ "$failed" -eq 0 ] && rm -r "$tmp"
exit "$failed"
