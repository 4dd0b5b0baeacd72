#!/usr/bin/env bash
# Static analysis as tests: prints TAP, one test for each program that reads
# the sources. What a program is told to overlook lies beside it, with a
# reason: .clang-tidy, tests/lint.cppcheck, tests/lint.words (words that are
# right, whatever codespell thinks).
#
#   tests/lint.sh [TEST...]
#
# shellcheck disable=SC2317 # functions are called by name
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# Everything that is ours, in a checkout or in an unpacked release.
sources() {
	if [ -e .git ]; then
		git ls-files -c
	else
		find . -type f ! -path './build*' | sed 's|^\./||'
	fi | sort | while read -r f; do
		[ ! -f "$f" ] || printf '%s\n' "$f"
	done
}

# What tests feed to the tools is as it is.
written() {
	sources | grep -v -e '^tests/data/' -e '^tests/cases/[^/]*/[^/]*/\(in\.\|out$\|err$\)' \
		-e '^tests/fuzz/.*/' -e '^tests/kerf/.*\.out$' -e '\.dtb$' -e '^LICENSE$'
}

c_files() {
	sources | grep -E '^(lib|tools)/.*\.c$'
}

# Scripts are known by their name or by their first line.
scripts() {
	written | while read -r f; do
		case $f in
		*.sh | *.bats | contrib/completion/*) echo "$f" ;;
		*) head -n 1 "$f" | tr -d '\0' | grep -qE '^#!.*[/ ](ba)?sh' && echo "$f" ;;
		esac
	done
}

# The flags that the Makefile compiles with, one a line; the include folders are all they need.
flags() {
	# shellcheck disable=SC2016 # make expands it
	env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory --eval='print-flags:;@printf "%s\n" $(MK_CPPFLAGS) $(SIM_CPPFLAGS) $(MK_CFLAGS)' print-flags
}
readarray -t flags < <(flags)

# ------------------------------------------------------------ the checks
# Each prints what it finds, and fails if that is anything.

gcc_analyzer() {
	c_files | xargs -P2 -I{} gcc "${flags[@]}" -O1 -fanalyzer -Werror -c -o /dev/null {} 2>&1
}

# All that clang has, without what is about layout (padded), about the habits
# of other compilers and standards (declaration-after-statement,
# disabled-macro-expansion, reserved-identifier, vla), about a default in a
# switch that is complete or not (covered-switch-default, switch-enum), about
# pointers as such (unsafe-buffer-usage), "i++, k++" (comma), a cast of a
# result (bad-function-cast), or cannot see that a status decides whether a
# value is there (conditional-uninitialized; the analyzers can).
clang_warnings() {
	c_files | xargs -P2 -I{} clang "${flags[@]}" -Weverything -Werror -Wno-unknown-warning-option \
		-Wno-padded -Wno-declaration-after-statement -Wno-disabled-macro-expansion \
		-Wno-reserved-identifier -Wno-vla -Wno-covered-switch-default -Wno-switch-enum \
		-Wno-unsafe-buffer-usage -Wno-conditional-uninitialized -Wno-bad-function-cast \
		-Wno-comma -fsyntax-only {} 2>&1
}

# The analyzer's budget is cut to a quarter of its default: it takes minutes otherwise.
clang_tidy() {
	c_files | xargs -P2 -I{} clang-tidy --quiet {} -- "${flags[@]}" \
		-Xclang -analyzer-config -Xclang max-nodes=50000 2>"$tmp/err" || grep -v 'generated\.$' "$tmp/err"
}

cpp_check() {
	c_files | cppcheck --file-list=- --quiet -j2 --std=c11 --inline-suppr --error-exitcode=1 \
		--enable=warning,style,performance,portability --suppressions-list=tests/lint.cppcheck \
		-D_GNU_SOURCE -D__x86_64__ -Ilib -Itools -Itools/mk-sim 2>&1
}

shell_check() {
	scripts | while read -r f; do
		case $f in
		contrib/completion/*) shellcheck -s bash "$f" ;;
		*) shellcheck "$f" ;;
		esac || return 1
	done
}

spelling() {
	written | grep -v '^tests/cases/' | xargs -d '\n' codespell --ignore-words tests/lint.words
}

# scdoc accepts some mistakes in silence: a full stop that begins a line is lost.
pages() {
	local page headings bad=0
	for page in man/*.scd; do
		if ! scdoc <"$page" >"$tmp/page" 2>"$tmp/err" || [ -s "$tmp/err" ] || [ ! -s "$tmp/page" ]; then
			echo "$page: $(cat "$tmp/err")"
			bad=1
		fi
		awk '
		/^[[:space:]]*```/ { literal = !literal }
		!literal && /^[[:space:]]*\\?\./ { print FILENAME ":" FNR ": " $0; bad = 1 }
		END { exit bad }' "$page" || bad=1
		# what a table or a literal swallows is not seen otherwise
		headings=$(awk '/^[[:space:]]*```/ { literal = !literal } !literal && /^# / { n++ } END { print n }' "$page")
		if [ "$headings" != "$(grep -c '^\.SH ' "$tmp/page")" ]; then
			echo "$page: headings are lost on the way"
			bad=1
		fi
	done
	return "$bad"
}

white_space() {
	local f bad=0
	while read -r f; do
		! grep -nHE '[[:blank:]]+$' "$f" || bad=1
		[ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || { echo "$f: no newline at the end"; bad=1; }
	done < <(written)
	return "$bad"
}

# ------------------------------------------------------------ the run

checks='gcc_analyzer clang_warnings clang_tidy cpp_check shell_check spelling pages white_space'
if [ $# -gt 0 ]; then
	checks=$*
fi
# shellcheck disable=SC2086 # words
set -- $checks
echo "1..$#"
n=0 failed=0
[ -n "$(c_files)" ] || { echo 'Bail out! no sources'; exit 1; }
for check in "$@"; do
	n=$((n + 1))
	if "$check" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]; then
		echo "ok $n - $check"
	else
		failed=1
		echo "not ok $n - $check"
		head -n 200 "$tmp/out" | sed 's/^/# /'
	fi
done
exit $failed
