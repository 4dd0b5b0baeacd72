#!/usr/bin/env bash
# fleet: plans and checks many hosts at once with GNU parallel.
#
#     examples/fleet.sh [HOSTS [DIR]]      10000 hosts, a temporary folder
#
# A line of the inventory is a host: its name, the description of its machine,
# and what it shall run. Lines are handed out in blocks; each worker places,
# validates and writes overlays host by host. The states that come out are one
# stream of trees, which is handed out again, to be judged: a tree begins with
# the magic of a blob.
#
# On other machines, which have mktools and this folder, the same with
#
#     parallel --sshlogin big1,big2 --workdir . --env plan --pipe -N 500 plan <hosts
set -eo pipefail
hosts=${1:-10000}
dir=${2:-$(mktemp -d)}
[ -n "${2-}" ] || trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cd "$(dirname "$0")"
PATH=$(cd "${MK_BIN:-../build/bin}" && pwd):$PATH
jobs=$(nproc)
magic=$'\xd0\x0d\xfe\xed'
export PATH dir

# Every host has one of three machines and one of four jobs.
inventory() {
	awk -v n="$hosts" 'BEGIN {
		split("baseline.dts numa.dts four-nodes.dts", machine)
		split("web:2:512M db:4:1G cache:1:256M ci:2:1G", job)
		for (i = 1; i <= n; i++) {
			split(job[i % 4 + 1], j, ":")
			printf "host%05d %s create %s cpu-count=%d memory=%s\n", i, machine[i % 3 + 1], j[1], j[2], j[3]
		}
	}'
}

# Reads lines of the inventory; writes the new states, and a file of overlays a host.
plan() {
	local host machine request

	set -o pipefail
	while read -r host machine request; do
		# the words of a request are its arguments
		# shellcheck disable=SC2086
		mk-alloc -i "$machine" $request | tee "$dir/$host.dtb" | mk-diff "${machine%.dts}.dtb" - |
			mk-overlay -o "$dir/$host.dtbo" && cat "$dir/$host.dtb" || echo "$host: not planned" >&2
	done
}
export -f plan

# What each machine is before: the same for all hosts that have it.
for machine in baseline numa four-nodes; do
	mk-alloc -i "$machine.dts" -f /dev/null -o "$dir/$machine.dtb"
done
ln -sf "$PWD"/{baseline,numa,four-nodes}.dts "$dir"
cd "$dir"

inventory >hosts
parallel --will-cite -j "$jobs" --pipe -N 500 plan <hosts >states
echo "$(find . -name 'host*.dtbo' | wc -l) hosts planned, $(du -bc host*.dtbo | tail -n 1 | cut -f 1) bytes of overlays"

# Judged in blocks of 1000 states; what is wrong is said, what is valid is counted.
parallel --will-cite -j "$jobs" --pipe --recstart "$magic" -N 1000 --block 64M mk-validate -r json <states |
	jq -r .status | sort | uniq -c

# The same without parallel: one process, and its memory does not grow with the fleet.
mk-validate -q -o valid.dtb states
cmp states valid.dtb
echo "the stream of all of them passes as it is"
