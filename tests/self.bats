#!/usr/bin/env bats
# The house looks at itself: what every tool, page, completion and source file
# owes. Nothing here knows what a tool is for; a new tool is found by its name.
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	MK_BIN=$(cd "${MK_BIN:-build/bin}" && pwd) || return 1
	VERSION=$(sed -n 's/^VERSION := //p' Makefile)
	export MK_BIN VERSION LC_ALL=C
	tools=''
	for path in "$MK_BIN"/mk-*; do
		tools="$tools ${path##*/}"
	done
	export tools
	# whatever a tool might touch lies here
	export MK_ROOT=$BATS_FILE_TMPDIR/root
	mkdir "$MK_ROOT"
	export empty=$BATS_FILE_TMPDIR/empty state=$BATS_FILE_TMPDIR/state
	: >"$empty"
	"$MK_BIN/mk-parse" -o "$state" <<-'END'
		/multikernel-v1/;
		/ {
			compatible = "linux,multikernel-host";
			resources {
				cpus = <4 5 6 7>;
				memory-base = <0x80000000>;
				memory-bytes = <0x0 0x80000000>;
			};
			instances { };
		};
	END
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	export PATH=$MK_BIN:$PATH
	: >"$BATS_TEST_TMPDIR/faults"
}

# A test looks at all tools and tells all faults, not only the first.
fault() {
	echo "$*" >>"$BATS_TEST_TMPDIR/faults"
}

no_faults() {
	cat "$BATS_TEST_TMPDIR/faults"
	[ ! -s "$BATS_TEST_TMPDIR/faults" ]
}

# try STATUS COMMAND...: runs it with standard input as it is; leaves $out and $err.
try() {
	local want=$1 got=0
	shift
	timeout 20 "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || got=$?
	out=$(tr -d '\0' <"$BATS_TEST_TMPDIR/out")
	err=$(tr -d '\0' <"$BATS_TEST_TMPDIR/err")
	[ "$got" = "$want" ] || fault "$*: status $got, not $want: $err"
}

# The words that a tool needs so that it gets as far as reading standard input.
words() {
	case $1 in
	mk-alloc) echo delete web ;;
	mk-diff) echo - "$state" ;;
	esac
}

# A tool that reads standard input says so in its help.
reads_stdin() {
	"$1" -h | grep -q 'standard input'
}

sources() {
	if [ -e .git ]; then
		git ls-files -c
	else
		find . -type f ! -path './build*' | sed 's|^\./||'
	fi | LC_ALL=C sort | grep -v -e '^tests/data/' -e '^tests/cases/' | while read -r f; do
		[ ! -f "$f" ] || printf '%s\n' "$f"
	done
}

# ------------------------------------------------------------ options

# The options in a text: -x, --long; a cluster as in [-hqv] is taken apart.
options_of() {
	grep -oE '(^|[^A-Za-z0-9_-])--?[A-Za-z@][A-Za-z0-9-]*' | sed 's/^[^-]*//' | awk '
	/^--/ { print; next }
	{ for (i = 2; i <= length($0); i++) print "-" substr($0, i, 1) }' | LC_ALL=C sort -u
}

help_options() {
	"$1" -h | options_of
}

# What the section OPTIONS defines: the lines that begin with an option.
page_options() {
	sed -n '/^# OPTIONS/,/^# [^O]/p' man/"$1".[1-8].scd | grep '^\*-' |
		grep -oE '\*--?[A-Za-z@][A-Za-z0-9-]*\*' | tr -d '*' | LC_ALL=C sort -u
}

# A completion says what it completes in one place: options='...'.
completion_options() {
	tr '\n' ' ' <contrib/completion/"$1" | sed -n "s/.*[[:space:]]options='\([^']*\)'.*/\1/p" |
		tr -s '[:space:]' '\n' | sed '/^$/d' | LC_ALL=C sort -u
}

# Long options in the source of a tool.
source_options() {
	cat tools/"$1".c tools/"$1"/*.c 2>/dev/null |
		grep -oE '\{"[a-z][a-z0-9-]*", *(no|required|optional)_argument' |
		sed 's/^{"\([^"]*\)".*/--\1/' | LC_ALL=C sort -u
}

# ------------------------------------------------------------ tools

@test "there are tools" {
	[ -n "${tools// /}" ]
	for tool in $tools; do
		[ -e "tools/$tool.c" ] || [ -d "tools/$tool" ] || fault "$tool has no source"
	done
	for source in tools/mk-*.c; do
		tool=${source##*/}
		[ -x "$MK_BIN/${tool%.c}" ] || fault "$source is not built"
	done
	no_faults
}

@test "every tool has a page, a completion and tests" {
	for tool in $tools; do
		set -- man/"$tool".[1-8].scd
		[ $# = 1 ] && [ -f "$1" ] || fault "$tool: no man/$tool.[1-8].scd, or more than one"
		[ -f "contrib/completion/$tool" ] || fault "$tool: no contrib/completion/$tool"
		set -- tests/cases/"$tool"/*/cmd
		[ -f "$1" ] || grep -lw -- "$tool" tests/*.bats | grep -qv '/self\.bats$\|/run\.bats$' ||
			fault "$tool: neither tests/cases/$tool nor a tests/*.bats that runs it"
	done
	no_faults
}

@test "every page and completion has its tool or format" {
	# a program in a folder of its own need not be static
	for page in man/mk-*.[18].scd; do
		tool=${page#man/}
		tool=${tool%.[18].scd}
		[ -x "$MK_BIN/$tool" ] || [ -d "tools/$tool" ] || fault "$page: no such tool"
	done
	for completion in contrib/completion/mk-*; do
		tool=${completion##*/}
		[ -x "$MK_BIN/$tool" ] || [ -d "tools/$tool" ] || fault "$completion: no such tool"
	done
	no_faults
}

@test "-h and --help go to standard output" {
	for tool in $tools; do
		for option in -h --help; do
			try 0 "$tool" "$option" <"$empty"
			[[ $out == "usage: $tool"* ]] || fault "$tool $option begins with: ${out:0:40}"
			[ -z "$err" ] || fault "$tool $option writes to standard error: $err"
		done
	done
	no_faults
}

@test "-V and --version print the name and the version" {
	[ -n "$VERSION" ]
	for tool in $tools; do
		for option in -V --version; do
			try 0 "$tool" "$option" <"$empty"
			[ "$out" = "$tool $VERSION" ] || fault "$tool $option prints: $out"
			[ -z "$err" ] || fault "$tool $option writes to standard error: $err"
		done
	done
	no_faults
}

@test "an unknown option is refused by name" {
	for tool in $tools; do
		for option in '-,' --no-such-option; do
			try 2 "$tool" "$option" <"$empty"
			[ -z "$out" ] || fault "$tool $option writes to standard output"
			[[ $err == "$tool: "*"$option"* ]] || fault "$tool $option is not named: $err"
			[[ $err == *hint:* ]] || fault "$tool $option: no hint what to do: $err"
		done
	done
	no_faults
}

@test "a full disk and a closed standard output are trouble" {
	for tool in $tools; do
		for option in -h -V; do
			status=0
			"$tool" "$option" >/dev/full 2>"$BATS_TEST_TMPDIR/err" <"$empty" || status=$?
			[ $status = 2 ] || fault "$tool $option >/dev/full: status $status"
			grep -q 'No space left' "$BATS_TEST_TMPDIR/err" ||
				fault "$tool $option >/dev/full: no message"
			status=0
			"$tool" "$option" >&- 2>"$BATS_TEST_TMPDIR/err" <"$empty" || status=$?
			[ $status = 2 ] || fault "$tool $option >&-: status $status"
		done
	done
	no_faults
}

@test "an empty input is trouble, silent on a pipe unless -v" {
	for tool in $tools; do
		reads_stdin "$tool" || continue
		# shellcheck disable=SC2046 # words
		set -- $(words "$tool")
		try 2 "$tool" "$@" <"$empty"
		[ -z "$out" ] || fault "$tool $* <empty: writes to standard output"
		[[ $err == *empty* ]] || fault "$tool $* <empty: does not say so: $err"
		try 2 "$tool" "$@" < <(:)
		[ -z "$out$err" ] || fault ": | $tool $*: not silent: $out$err"
		try 2 "$tool" -v "$@" < <(:)
		[ -z "$out" ] || fault ": | $tool -v $*: writes to standard output"
		[[ $err == *empty* ]] || fault ": | $tool -v $*: does not say so: $err"
	done
	no_faults
}

@test "no blob is written to a terminal" {
	delta=$BATS_TEST_TMPDIR/delta
	printf '#mk 1\nbasis - abi=2\ncpu-add web cpus=4\n#end 2\n' >"$delta"
	for tool in $tools; do
		reads_stdin "$tool" || continue
		words=$(words "$tool")
		[ "$tool" != mk-alloc ] || words='create web cpus=4 memory=4KB'
		for input in "$state" "$delta"; do
			# shellcheck disable=SC2086 # words
			"$tool" $words <"$input" >"$BATS_TEST_TMPDIR/piped" 2>&1 || true
			script -qec "$tool $words <$input" /dev/null </dev/null >"$BATS_TEST_TMPDIR/shown" || true
			[ -s "$BATS_TEST_TMPDIR/shown" ] || fault "$tool says nothing to a terminal"
			[ "$(head -c 4 "$BATS_TEST_TMPDIR/piped" | od -An -tx1)" = ' d0 0d fe ed' ] || continue
			echo "$tool" >>"$BATS_TEST_TMPDIR/blobs"
			! LC_ALL=C grep -qaP '\xd0\x0d\xfe\xed|\x00' "$BATS_TEST_TMPDIR/shown" ||
				fault "$tool writes a blob to a terminal"
		done
	done
	[ "$(wc -l <"$BATS_TEST_TMPDIR/blobs")" -ge 4 ] || fault "too few tools gave a blob to a pipe"
	no_faults
}

@test "options may follow what they are about" {
	for tool in $tools; do
		reads_stdin "$tool" || continue
		try 2 "$tool" "$state" "$state" --no-such-option
		[[ $err == *--no-such-option* ]] || fault "$tool: an option in the last place is not looked at: $err"
	done
	no_faults
}

@test "a closed standard input is trouble, not a crash" {
	for tool in $tools; do
		try 0 "$tool" -h <&-
		reads_stdin "$tool" || continue
		# shellcheck disable=SC2046
		set -- $(words "$tool")
		try 2 "$tool" "$@" <&-
		[ -z "$out" ] || fault "$tool $* <&-: writes to standard output"
		[[ $err == "$tool: "* ]] || fault "$tool $* <&-: no message: $err"
	done
	no_faults
}

@test "help, page and completion know the same options" {
	for tool in $tools; do
		help_options "$tool" >"$BATS_TEST_TMPDIR/help"
		page_options "$tool" >"$BATS_TEST_TMPDIR/page" 2>/dev/null || true
		completion_options "$tool" >"$BATS_TEST_TMPDIR/completion" 2>/dev/null || true
		[ -s "$BATS_TEST_TMPDIR/page" ] || { fault "$tool: no option in its page" && continue; }
		[ -s "$BATS_TEST_TMPDIR/completion" ] ||
			{ fault "$tool: no options='...' in its completion" && continue; }
		source_options "$tool" >"$BATS_TEST_TMPDIR/source"
		cd "$BATS_TEST_TMPDIR"
		# the help is short: long names may be left to the page
		{
			comm -23 help page | sed 's/$/ is in its help, not in its page/'
			comm -23 <(grep -v ^-- page) help | sed 's/$/ is in its page, not in its help/'
			comm -23 source page | sed 's/$/ is in its source, not in its page/'
			comm -23 page completion | sed 's/$/ is in its page, not in its completion/'
			comm -23 completion page | sed 's/$/ is in its completion, not in its page/'
		} | sed "s/^/$tool: /" >>faults
		cd "$OLDPWD"
	done
	no_faults
}

@test "every completion works by itself" {
	for tool in $tools; do
		# shellcheck disable=SC2016 # for the inner shell
		got=$(bash --norc -c '
			source "$1" && set -- "$2" $(complete -p "$2") || exit 1
			while [ "$1" != -F ]; do shift; done
			COMP_WORDS=("$3" --) COMP_CWORD=1 COMP_LINE="$3 --" COMP_POINT=$((${#3} + 3))
			compopt() { :; }
			"$2" "$3" -- "$3"
			printf "%s\n" "${COMPREPLY[@]}"' bash "contrib/completion/$tool" "$tool" 2>&1) || true
		grep -qx -- --help <<<"$got" || fault "$tool -- does not complete to --help: $got"
	done
	no_faults
}

@test "every option that is written down is known to the tool" {
	for tool in $tools; do
		for option in $(page_options "$tool"); do
			# an argument, even where none belongs, and -h: nothing is run
			case $option in
			--*) timeout 20 "$tool" "$option=?" -h ;;
			*) timeout 20 "$tool" "$option" -h ;;
			esac >/dev/null 2>"$BATS_TEST_TMPDIR/err" <"$empty" || true
			! grep -q 'unknown option' "$BATS_TEST_TMPDIR/err" ||
				fault "$tool does not know its $option"
		done
	done
	no_faults
}

@test "the page of a tool has its sections" {
	for tool in $tools; do
		page=$(ls man/"$tool".[1-8].scd) || continue
		for section in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qx "# $section" "$page" || fault "$page: no section $section"
		done
		sed -n '/^# SYNOPSIS/,/^# D/p' "$page" | grep -qF "*$tool*" ||
			fault "$page: SYNOPSIS does not name $tool"
	done
	no_faults
}

@test "SEE ALSO names pages that exist" {
	for page in man/*.scd; do
		while read -r name; do
			[ -f "man/$name.scd" ] || fault "$page: there is no $name"
		done < <(sed -n '/^# SEE ALSO/,$p' "$page" | grep -oE '\*(mk[a-z-]*)\*\([1-8]\)' |
			sed 's/^\*\(.*\)\*(\(.\))$/\1.\2/')
	done
	no_faults
}

# ------------------------------------------------------------ sources

# Which room stands on which floor. A file belongs to the room its name begins
# with (dts_lex.c to dts), and includes only what is on its floor or below.
floors() {
	cat <<'END'
0 arena buf doc err flow json num ranges record sort utf8
1 dts fdt lines stream tree
2 cpumap decode dialect encode keys memmap pool state
3 delta fold invert load overlay place report rules
4 inventory kexec kmp link mkfs
END
}

# Prints what is wrong with files of lib/ as to floors; one process for all.
check_floors() {
	floors | awk -v question="$1" '
	function room(path) {
		sub(/.*\//, "", path)
		sub(/[_.].*/, "", path)
		return path
	}
	NR == FNR { for (i = 2; i <= NF; i++) floor[$i] = $1; next }
	FNR == 1 && question == "rooms" && !(room(FILENAME) in floor) {
		print FILENAME " is on no floor: see floors() in tests/self.bats"
	}
	question == "includes" && /^[[:space:]]*#[[:space:]]*include[[:space:]]*"/ {
		split($0, part, "\"")
		if (!(("lib/" part[2]) in ours))
			print FILENAME " includes " part[2] ", which is not of lib/"
		else if (floor[room(part[2])] + 0 > floor[room(FILENAME)] + 0)
			print FILENAME " (floor " floor[room(FILENAME)] ") includes " part[2] \
				" (floor " floor[room(part[2])] ")"
	}
	BEGIN { for (i = 2; i < ARGC; i++) ours[ARGV[i]] = 1 }' - lib/*.[ch]
}

@test "every file of lib/ stands on a floor" {
	for file in lib/*; do
		[[ $file == *.[ch] ]] || fault "$file: what is this?"
	done
	check_floors rooms >>"$BATS_TEST_TMPDIR/faults"
	no_faults
}

@test "no file of lib/ reaches up" {
	check_floors includes >>"$BATS_TEST_TMPDIR/faults"
	no_faults
}

@test "lib/ neither prints nor exits nor looks at the environment" {
	[ -n "$(ls "${MK_BIN%/bin}"/lib/*.o)" ]
	nm -u -A "${MK_BIN%/bin}"/lib/*.o |
		sed -n 's/.*\/\([^/:]*\): *U \(__\)\{0,1\}\([A-Za-z0-9_]*\)$/\1 uses \3/p' | sed 's/_chk$//' |
		grep -E ' (v?f?printf|v?dprintf|puts|putchar|putc|fputs|fputc|fwrite|stdout|stderr|stdin|_?exit|_Exit|quick_exit|(secure_)?getenv|setenv|environ|perror|psignal|v?warnx?|v?errx?|error|syslog|system|popen)$' \
			>>"$BATS_TEST_TMPDIR/faults" || true
	no_faults
}

@test "every C file begins with its licence" {
	# shellcheck disable=SC2016 # for awk
	sources | grep '\.[ch]$' | tr '\n' '\0' | xargs -0 awk '
		FNR == 1 && $0 != "/* SPDX-License-Identifier: Apache-2.0 */" { print FILENAME ": no SPDX line" }' \
		>>"$BATS_TEST_TMPDIR/faults"
	no_faults
}

@test "every shell script can be parsed" {
	n=0
	while read -r file; do
		[[ $file != *.bats ]] || continue
		read -r first <"$file" 2>/dev/null || true
		case $file:$first in
		contrib/completion/*:*) set -- bash ;;
		*:'#!/bin/sh'*) set -- sh ;;
		*:'#!'*bash*) set -- bash ;;
		*.sh:*) fault "$file: a script without #!" && continue ;;
		*) continue ;;
		esac
		n=$((n + 1))
		message=$("$1" -n "$file" 2>&1) || fault "$message"
		[[ $file == contrib/completion/* ]] || [ -x "$file" ] || fault "$file is not executable"
	done < <(sources)
	[ $n -gt 3 ]
	no_faults
}
