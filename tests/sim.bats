#!/usr/bin/env bats
# mk-sim as a program among others: what it leaves behind, what happens when it
# is killed, and what it says where it cannot work. What it simulates is in
# tests/cases/mk-sim.
# shellcheck disable=SC2154 # stderr_lines is of run --separate-stderr
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	bin=$(cd "${MK_BIN:-build/bin}" && pwd) || return 1
	export LC_ALL=C PATH=$bin:$PWD/build/helper:$PWD/build/bin:$PATH
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A length of sleep that nobody else has, so that it can be looked for.
mark() {
	echo "$((100000 + BATS_TEST_NUMBER * 100 + RANDOM % 100)).$$"
}

running() {
	pgrep -f "^sleep $1\$" >/dev/null
}

# until COMMAND...: for three seconds at most
until_true() {
	local i
	for ((i = 0; i < 150; i++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}

not() {
	! "$@"
}

# What is left of a run: mounts, and files where one might leave some. Other
# suites run beside this one: /tmp is theirs, too.
traces() {
	cat /proc/self/mounts
	find /run /dev -maxdepth 1 2>/dev/null | sort
	find /tmp -maxdepth 1 -name '*mk*sim*' | sort
}

@test "nothing is left after the command has ended" {
	m=$(mark)
	traces >before
	run -7 mk-sim -M -- sh -c "setsid sleep $m >/dev/null 2>&1 & (sleep $m >/dev/null 2>&1 &) ; mount -t tmpfs x /mnt; exit 7"
	until_true not running "$m"
	traces >after
	diff before after
}

@test "nothing is left when mk-sim is killed" {
	m=$(mark)
	traces >before
	mk-sim -M -- sh -c "sleep $m & sleep $m" 3>&- &
	sim=$!
	until_true running "$m"
	kill -KILL $sim
	until_true not running "$m"
	until_true not pgrep -f "mk-sim -M -- sh -c sleep $m"
	traces >after
	diff before after
}

@test "nothing is left when the simulated kernel is killed" {
	m=$(mark)
	traces >before
	mk-sim -M -- sh -c "sleep $m & sleep $m" 3>&- &
	sim=$!
	until_true running "$m"
	kill -KILL "$(pgrep -P $sim)"
	status=0
	wait $sim || status=$?
	[ $status = 137 ]
	until_true not running "$m"
	traces >after
	diff before after
}

@test "a stopped simulation lets nothing through, and ends with its parent" {
	m=$(mark)
	mk-sim -- sh -c "sleep $m & call boot 1 >boot; sleep $m" 3>&- &
	sim=$!
	until_true running "$m"
	until_true test -s boot
	grep -qx EINVAL boot
	kill -STOP "$(pgrep -P $sim)"
	kill -KILL $sim
	until_true not running "$m"
}

@test "calls go on failing when nobody answers them any more" {
	run -0 filter gone
	[ "${lines[0]}" = "reboot ENOSYS" ]
	[ "${lines[1]}" = "kexec_file_load ENOSYS" ]
	[ "${lines[2]}" = "mount ENOSYS" ]
	[ "${lines[3]}" = "kexec_load EPERM" ]
	[ "${lines[4]}" = "fsopen ENOSYS" ]
	[ "${lines[5]}" = "x32 ENOSYS" ]
	[ "${lines[6]}" = "i386 ENOSYS" ]
}

@test "SIGTERM goes to the command, whose status comes back" {
	mk-sim -- sh -c 'trap "echo got it; exit 9" TERM; echo there >ready; while :; do sleep 0.05; done' >out 3>&- &
	sim=$!
	until_true test -s ready
	kill -TERM $sim
	status=0
	wait $sim || status=$?
	[ $status = 9 ]
	[ "$(cat out)" = "got it" ]
}

@test "root inside can become anybody" {
	run -0 mk-sim -- setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'id -u; head -n 1 /proc/iomem'
	[ "${lines[0]}" = 65534 ]
	[ "${lines[1]}" = "00000000-00000000 : Reserved" ]
}

@test "it works without privilege, where /dev/fuse is anybody's" {
	if [ "$EUID" != 0 ]; then
		run -0 mk-sim -M -- call statfs /sys/fs/multikernel
		[ "$output" = 6d6b6673 ]
		return
	fi
	mknod -m 666 fuse c 10 229
	# nobody may look into our folders as little as into a checkout in /root
	run -0 unshare -m sh -c "mount --bind fuse /dev/fuse && mount -t tmpfs -o mode=755 none /mnt &&
		cp $(command -v mk-sim) $(command -v call) /mnt && cd /mnt && PATH=/mnt:\$PATH &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups mk-sim -M -- sh -c 'id -u; cat /sys/fs/multikernel/instances/* 2>&1; call statfs /sys/fs/multikernel'"
	[ "${lines[0]}" = 0 ]
	[ "${lines[-1]}" = 6d6b6673 ]
}

@test "without FUSE it says so" {
	run -2 --separate-stderr unshare -Urm sh -c 'mount -t tmpfs t /dev && exec mk-sim -- true'
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "mk-sim: error: FUSE is missing: /dev/fuse: No such file or directory" ]]
	[[ ${stderr_lines[1]} == hint:* ]]
}

@test "without namespaces it says so" {
	run -2 --separate-stderr unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec mk-sim -- true'
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "mk-sim: error: user, mount and pid namespaces are missing: "* ]]
	[[ ${stderr_lines[1]} == hint:* ]]
}

@test "without user notification it says so" {
	run -2 --separate-stderr filter none mk-sim -- true
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "mk-sim: error: seccomp's user notification is missing: Function not implemented" ]]
	[[ ${stderr_lines[1]} == hint:* ]]
}

@test "behind somebody else's listener it says so" {
	run -2 --separate-stderr filter hold mk-sim -- true
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "mk-sim: error: somebody answers system calls here already" ]]
	[[ ${stderr_lines[1]} == hint:* ]]
}

@test "mk-sim in mk-sim is refused by name" {
	run -2 --separate-stderr mk-sim -- mk-sim -- true
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "mk-sim: error: this is a simulated host already" ]]
	[[ ${stderr_lines[1]} == "hint: mk-sim does not run inside of mk-sim" ]]
}

@test "a shell in it has job control" {
	run -0 script -qec 'mk-sim -- bash --norc -ic "sleep 0.1 & fg; echo done \$?"' /dev/null
	[[ $output == *"done 0"* ]]
}

@test "a shell in it leaves the terminal as it was" {
	run -3 script -qec 'mk-sim -- dash -i' /dev/null <<<'exit 3'
	[[ $output != *"Cannot"* ]]
	cat >job.sh <<-'END'
		mk-sim -- dash -ic true
		read -r line </dev/tty
		echo "got $line"
	END
	run -0 script -qec 'bash --norc -i job.sh' /dev/null <<<'a line'
	[[ $output == *"got a line"* ]]
}

@test "at a terminal it stops and goes on with its command" {
	cat >job.sh <<-'END'
		mk-sim -- sh -c 'kill -TSTP $$; read -r line; echo "back with $line"; exit 5'
		echo "stopped with $?"
		jobs
		fg
		echo "ended with $?"
		jobs
	END
	run -0 script -qec 'bash --norc -i job.sh' /dev/null <<<'a line'
	[[ $output == *"stopped with 148"*Stopped*mk-sim*"back with a line"*"ended with 5"* ]]
}

@test "in the background it leaves the terminal alone" {
	cat >job.sh <<-'END'
		mk-sim -- sh -c 'kill -TSTP $$; read -r line; echo "back with $line"' </dev/tty
		bg
		until [[ $(jobs) == *Stopped* ]]; do :; done # a process between would mend it
		read -r line </dev/tty
		echo "we had $line"
		fg
	END
	run -0 script -qec 'bash --norc -i job.sh' /dev/null <<<$'one\ntwo'
	[[ $output == *"we had one"*"back with two"* ]]
}

@test "five hundred instances at once" {
	cat >machine.dts <<-END
		/multikernel-v1/;
		/ { compatible = "linux,multikernel-host"; resources {
			cpus { total = <520>; host-reserved = <0>; available = <$(seq -s' ' 1 519)>; };
			memory { total-bytes = <0x800000000>; memory-pool-base = <0x40000000>; memory-pool-bytes = <0x7c0000000>; };
		}; };
	END
	cat >inside <<-'END'
		. "$MK_DATA/sim/lib.sh"
		baseline "$(seq -s' ' 1 519)" 'memory@0 { size = /bits/ 64 <0x780000000>; };' >/dev/null
		for i in $(seq 511); do
			overlay /instances "instance-create { instance-name = \"i$i\"; resources { cpus = /bits/ 64 <$i>; memory-bytes = /bits/ 64 <0x3000000>; }; };"
			call write $fs/overlays/new "$tmp/overlay" >/dev/null
		done
		call elf "$tmp/k" 0x1000000
		for i in $(seq 511); do call load "$i" "$tmp/k" - -; call boot "$i"; done | sort | uniq -c
		cat $fs/instances/*/status | sort | uniq -c
		wc -l </proc/kimage
	END
	MK_DATA=$BATS_TEST_DIRNAME/data run -0 mk-sim -M --speed 100 -m machine.dts -- bash inside
	[ "${lines[0]}" = "   1022 0" ]
	[ "${lines[1]}" = "    511 active" ]
	[ "${lines[2]}" = 513 ]
}
