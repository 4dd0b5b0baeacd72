#!/usr/bin/env bats
# The runner must fail when it should: it is fed suites that misbehave.
bats_require_minimum_version 1.5.0

setup() {
	suites=$BATS_TEST_TMPDIR/suites
	run=$BATS_TEST_DIRNAME/run
	: >"$suites"
	unset JOBS MK_SUITE_SECONDS
	export MK_SUITES=$suites
}

# suite NAME STATUS TAP...: adds a suite that prints the lines and ends so.
suite() {
	local name=$1 status=$2 file=$BATS_TEST_TMPDIR/suite-$1
	shift 2
	{
		echo "cat <<'END'"
		[ $# -eq 0 ] || printf '%s\n' "$@"
		echo END
		echo "echo 'noise of $name' >&2"
		echo "exit $status"
	} >"$file"
	echo "$name bash '$file'" >>"$suites"
}

last_line() {
	[ "${lines[-1]}" = "$1" ] || { echo "last line: ${lines[-1]}"; return 1; }
}

says() {
	[[ $output == *"$1"* ]] || { echo "$output"; return 1; }
}

@test "good suites pass" {
	suite a 0 1..2 'ok 1 - one' 'ok 2 - two'
	suite b 0 'ok 1 okay' 1..1
	run -0 "$run"
	last_line '3 passed, 0 failed'
}

@test "the last line stands alone and ends the output" {
	suite a 0 1..1 'ok 1 - one'
	"$run" >"$BATS_TEST_TMPDIR/out"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = '1 passed, 0 failed' ]
	[ "$(tail -c 1 "$BATS_TEST_TMPDIR/out" | od -An -c | tr -d ' ')" = '\n' ]
}

@test "a failing test fails, with its name, its suite and its diagnostics" {
	suite good 0 1..1 'ok 1 - fine'
	suite bad 1 1..2 'ok 1 - one' 'not ok 2 - two is wrong' '# wanted 5' '# got 6'
	run -1 "$run"
	says 'bad: two is wrong'
	says '    wanted 5'
	says '    got 6'
	last_line '2 passed, 1 failed'
}

@test "a failing test fails even when its suite ends with status 0" {
	suite bad 0 1..1 'not ok 1 - quiet'
	run -1 "$run"
	last_line '0 passed, 1 failed'
}

@test "a skipped test fails" {
	suite bad 0 1..2 'ok 1 - one' 'ok 2 - two # skip no such thing here'
	run -1 "$run"
	says 'bad: skipped: two'
	last_line '1 passed, 1 failed'
}

@test "a missing plan fails" {
	suite bad 0 'ok 1 - one'
	run -1 "$run"
	says 'no plan'
	last_line '1 passed, 1 failed'
}

@test "fewer results than planned fail" {
	suite bad 0 1..3 'ok 1 - one'
	run -1 "$run"
	says 'planned 3 tests and reported 1'
	last_line '1 passed, 1 failed'
}

@test "more results than planned fail" {
	suite bad 0 1..1 'ok 1 - one' 'ok 2 - two'
	run -1 "$run"
	says 'planned 1 tests and reported 2'
}

@test "two plans fail" {
	suite bad 0 1..1 'ok 1 - one' 1..1
	run -1 "$run"
	says '2 plans'
}

@test "a bad status without a failed test fails, and shows standard error" {
	suite bad 3 1..1 'ok 1 - one'
	run -1 "$run"
	says 'status 3'
	says '    noise of bad'
	last_line '1 passed, 1 failed'
}

@test "a crash fails" {
	# shellcheck disable=SC2016
	echo 'bad echo 1..2; echo ok 1; kill -SEGV $$' >>"$suites"
	run -1 "$run"
	says 'planned 2 tests and reported 1'
	says 'status 139'
}

@test "a suite that cannot be started fails" {
	echo 'bad tests/there-is-no-such-suite.sh' >>"$suites"
	run -1 "$run"
	says 'status 127'
	says 'there-is-no-such-suite.sh'
}

@test "no test at all fails" {
	suite bad 0 1..0
	run -1 "$run"
	says 'plans no test'
	last_line '0 passed, 1 failed'
}

@test "no output at all fails" {
	suite bad 0
	run -1 "$run"
	last_line '0 passed, 1 failed'
}

@test "bailing out fails" {
	suite bad 0 1..1 'ok 1' 'Bail out! the disk is on fire'
	run -1 "$run"
	says 'the disk is on fire'
}

@test "a suite that hangs is stopped" {
	echo 'bad echo 1..1; echo ok 1; sleep 60' >>"$suites"
	MK_SUITE_SECONDS=1 run -1 "$run"
	says 'stopped after 1 s'
}

@test "-l lists, patterns choose" {
	suite one 0 1..1 'ok 1'
	suite two 1 1..1 'not ok 1'
	suite three 0 1..1 'ok 1'
	run -0 "$run" -l
	[ "$output" = $'one\ntwo\nthree' ]
	run -0 "$run" -l 't*' one
	[ "$output" = $'one\ntwo\nthree' ]
	run -0 "$run" one hre
	last_line '2 passed, 0 failed'
}

@test "a pattern that matches nothing is trouble, not success" {
	suite one 0 1..1 'ok 1'
	run -2 "$run" nothing
	says 'no suite matches'
}

@test "an unknown option is trouble" {
	suite one 0 1..1 'ok 1'
	run -2 "$run" -z
	says 'unknown option -z'
}

@test "-t starts nothing behind a failure" {
	suite one 1 1..1 'not ok 1'
	suite two 0 1..1 'ok 1'
	JOBS=1 run -1 "$run" -t
	last_line '0 passed, 1 failed'
}

@test "all suites of the house are there" {
	unset MK_SUITES
	run -0 "$run" -l
	for suite in lint fuzz static:cases asan:self static:dtc-random; do
		[[ $'\n'$output$'\n' == *$'\n'$suite$'\n'* ]]
	done
	for suite in "$BATS_TEST_DIRNAME"/*.sh "$BATS_TEST_DIRNAME"/*.bats; do
		name=${suite##*/}
		[ "$name" != check-dtbs.sh ] || continue
		name=${name%.*}
		[[ $output$'\n' == *[$'\n':]"$name"$'\n'* || $output == "$name"$'\n'* ]] ||
			{ echo "$name is not run"; return 1; }
	done
	for unit in "$BATS_TEST_DIRNAME"/unit/*.c; do
		[ -e "$unit" ] || continue
		name=${unit##*/}
		[[ $'\n'$output$'\n' == *$'\n'asan:unit/${name%.c}$'\n'* ]]
		[[ $'\n'$output$'\n' == *$'\n'static:unit/${name%.c}$'\n'* ]]
	done
}
