#!/usr/bin/env bash
# Runs what the manual shows. In the section EXAMPLES of a page every literal
# block (between lines of ```) is a transcript: a line `$ command`, continued by
# lines `> more`, then exactly what it writes to standard output and standard
# error; a line `...` stands for any number of lines. All commands of a page
# run one after the other in one temporary folder that holds copies of
# examples/* and contrib/jq as jq. A page without an example fails.
#
#   tests/examples.sh [PAGE...]     prints TAP; MK_BIN names the folder of the
#                                   tools (default: build/bin)
set -u
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd) || exit 2
bin=$(cd "$root" && cd "${MK_BIN:-build/bin}" && pwd) || exit 2
cd "$root" || exit 2
export PATH=$bin:$root/build/bin:$PATH # mk-sim is not static
unset MK_ROOT NO_COLOR

[ $# -gt 0 ] || set -- man/*.scd

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# Splits the transcripts of a page into numbered files N.cmd and N.want.
# In scdoc's literal blocks a backslash is written twice.
split_page() {
	awk -v dir="$2" '
	/^# / { examples = $0 == "# EXAMPLES"; next }
	!examples { next }
	/^```/ { literal = !literal; begun = 0; next }
	!literal { next }
	{ gsub(/\\\\/, "\\") }
	/^\$ / {
		n++
		begun = 1
		cmd = dir "/" n ".cmd"
		want = dir "/" n ".want"
		print substr($0, 3) >cmd
		printf "" >want
		more = 1
		next
	}
	/^>( |$)/ && more { print substr($0, 3) >cmd; next }
	begun { more = 0; print >want; next }
	{ print "line " NR ": a block of EXAMPLES does not begin with \"$ \"" }
	END { if (literal) print "a block does not end"; if (!n) print "there is no example" }' "$1"
}

# Whether file $2 is what file $1 describes; "..." stands for any lines.
matches() {
	awk '
	FILENAME == ARGV[1] { want[++n] = $0; next }
	{ got[++m] = $0 }
	function match_from(i, j) {
		for (; i <= n; i++) {
			if (want[i] == "...") {
				for (; j <= m + 1; j++)
					if (match_from(i + 1, j))
						return 1
				return 0
			}
			if (j > m || want[i] != got[j])
				return 0
			j++
		}
		return j > m
	}
	END { exit !match_from(1, 1) }' "$1" "$2"
}

# Prints what is wrong with a page.
run_page() {
	local parts=$tmp/parts work=$tmp/work n status

	rm -rf "$parts" "$work"
	mkdir "$parts" "$work"
	for n in examples/*; do
		[ -e "$n" ] && cp -R "$n" "$work"
	done
	cp -R contrib/jq "$work/jq"
	split_page "$1" "$parts"
	for ((n = 1; ; n++)); do
		[ -e "$parts/$n.cmd" ] || break
		status=0
		(cd "$work" && exec timeout -k 5 60 bash -o pipefail "$parts/$n.cmd") \
			</dev/null >"$parts/$n.got" 2>&1 || status=$?
		sed -i "s|^$parts/$n.cmd: line |bash: line |" "$parts/$n.got"
		matches "$parts/$n.want" "$parts/$n.got" && [ $status -lt 99 ] && continue
		echo "\$ $(cat "$parts/$n.cmd")"
		[ $status -lt 99 ] || echo "ended with status $status"
		diff -a -u -L 'the page' -L 'this run' "$parts/$n.want" "$parts/$n.got"
	done | cat -v
}

failed=0 i=0
echo "1..$#"
for page in "$@"; do
	i=$((i + 1))
	why=$(run_page "$page")
	if [ -z "$why" ]; then
		echo "ok $i - $page"
	else
		failed=1
		echo "not ok $i - $page"
		printf '%s\n' "$why" | sed 's/^/# /'
	fi
done
exit $failed
