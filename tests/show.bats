#!/usr/bin/env bats
# What mk-show does for eyes alone: colours, and only where they are seen.
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	PATH=$(cd "${MK_BIN:-build/bin}" && pwd):$PATH
	export PATH
	unset NO_COLOR
	export TERM=xterm
	state=$BATS_TEST_TMPDIR/state
	mk-alloc -i examples/two-socket.dts -o "$state" create web cpus=2,18 memory=1G
	shown=$BATS_TEST_TMPDIR/shown
}

escapes() {
	LC_ALL=C grep -qaP '\x1b\[' "$shown"
}

@test "a map has colours on a terminal" {
	script -qec "mk-show -m -i $state" /dev/null </dev/null >"$shown"
	escapes
	# without them it is the same
	sed 's/\x1b\[[0-9;]*m//g; s/\r//' "$shown" | diff - <(mk-show -m -i "$state")
}

@test "there are none in a pipe, in a file, or where they are not wanted" {
	mk-show -m -i "$state" >"$shown"
	run ! escapes
	mk-show -m -i "$state" -o "$shown"
	run ! escapes
	NO_COLOR=1 script -qec "mk-show -m -i $state" /dev/null </dev/null >"$shown"
	run ! escapes
	TERM=dumb script -qec "mk-show -m -i $state" /dev/null </dev/null >"$shown"
	run ! escapes
}

@test "nothing in a name steers the terminal" {
	mk-parse -O lines examples/two-socket.dts | mk-parse -o "$state"
	{
		mk-parse -O lines "$state"
		printf '/instances\n/instances/a%%1b%%5b2J%%0a\n/instances/a%%1b%%5b2J%%0a/resources\n'
		printf '/instances/a%%1b%%5b2J%%0a/resources:cpus=/bits/ 64 <2>\n'
	} | mk-parse -o "$shown.dtb"
	for how in -m -b -j; do
		mk-show -q $how -i "$shown.dtb" >"$shown"
		grep -q 'a%1B\|a%1b\|a\\u001b' "$shown"
		run ! escapes
		[ "$(grep -c '^2J' "$shown")" = 0 ]
	done
}
