#!/usr/bin/env bash
# Every rule of mk-validate --rules has a fixture in tests/data/rules that breaks
# it, and nothing else: ID-what.SUFFIX, where SUFFIX says how it is tried. TAP.
#
#   .dts .lines   a machine; .old is what it was before
#   .overlay      an overlay, behind good.dts
#   .requests     requests to good.dts
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2
PATH=$(cd "${MK_BIN:-build/bin}" && pwd):$PATH || exit 2
dir=tests/data/rules
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0 failed=0
verdict() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '# %s\n' "$2"
		sed 's/^/# /' "$tmp/err"
		failed=1
	fi
}

# try FIXTURE: leaves the status in $got
try() {
	case $1 in
	*-idle.dts) mk-validate -E MK123 -o "$tmp/out" "$1" ;;
	*.overlay) cat "$tmp/good.dtb" <(mk-parse -q -O dtb <"$1") 2>/dev/null | mk-validate -o "$tmp/out" ;;
	*.requests) mk-alloc -i $dir/good.dts -o "$tmp/out" -f "$1" ;;
	*-half-a-block.dts) mk-validate --since "${1%.dts}.old" -o "$tmp/out" "$1" ;;
	*-instances.dts) mk-validate -b -o "$tmp/out" "$1" ;;
	*) mk-validate -o "$tmp/out" "$1" ;;
	esac 2>"$tmp/err"
	got=$?
}

# fixture FILE ID SEVERITY: what is wrong with it, or nothing
judge() {
	local rules
	rm -f "$tmp/out"
	try "$1"
	rules=$(grep -o '\[MK[0-9]*\]$' "$tmp/err" | sort -u | tr -d '[]' | tr '\n' ' ')
	if [ "$3" = note ]; then
		mk-validate -o /dev/null "$1" 2>&1 | grep -q . && echo 'a note is printed that nobody asked for'
		LC_ALL=C mk-validate -r text "$1" | grep -q "^  - .*\[$2\]" || echo 'the report has no note'
	fi
	if [ "$rules" != "$2 " ]; then
		echo "rules that it breaks: $rules"
	elif [ "$3" = warning ]; then
		[ $got = 0 ] || echo "a warning, and status $got"
		[ -e "$tmp/out" ] || echo 'a warning, and no output'
		grep -q 'error:' "$tmp/err" && echo 'an error is printed for a warning'
	else
		[ $got = 1 ] || [ $got = 2 ] || echo "an error, and status $got"
		[ ! -e "$tmp/out" ] || echo 'an error, and output'
	fi
	grep -q '^mk-[a-z]*: [^ ]*:[0-9]*:[0-9]*: ' "$tmp/err" || [ "${1##*.}" = overlay ] || [ "${1##*.}" = lines ] ||
		echo 'no file, line and column'
}

rules=$(mk-validate --rules) || { echo 'Bail out! mk-validate --rules failed'; exit 1; }
cat /dev/null >"$tmp/err"
mk-validate -o "$tmp/good.dtb" $dir/good.dts 2>"$tmp/err" && [ ! -s "$tmp/err" ]
verdict 'the machine that is broken in the others is a good one' "$([ -s "$tmp/good.dtb" ] && [ ! -s "$tmp/err" ] || echo 'it is not')"

while IFS=$'\t' read -r id severity _; do
	files=$(ls $dir/"$id"-* 2>/dev/null)
	[ -n "$files" ] || verdict "$id has a fixture" 'there is none in tests/data/rules'
	for file in $files; do
		[ "${file##*.}" != old ] || continue
		verdict "${file##*/}" "$(judge "$file" "$id" "$severity")"
	done
done <<<"$rules"
for file in "$dir"/MK*-*.*; do
	id=${file##*/}
	grep -q "^${id%%-*}	" <<<"$rules" || verdict "$id" 'there is no such rule'
done
# what people begin with is right, but for the one that is wrong on purpose
for file in examples/*.dts; do
	mk-validate -o /dev/null "$file" 2>"$tmp/err"
	got=$?
	want=0
	[ "$file" != examples/conflict.dts ] || want=1
	verdict "$file" "$([ $got = $want ] && { [ $want = 1 ] || [ ! -s "$tmp/err" ]; } || echo "status $got, not $want, or warnings")"
done
echo "1..$n"
exit $failed
