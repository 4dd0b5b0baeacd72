#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench: runs all measurements and writes them to BENCH.md. With --print, to
# standard output alone. Figures of tests/check-dtbs.sh, which downloads, are
# kept from its last run (build/dtbs/figures).
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

for part in startup parse validate place pipeline sim; do
	echo "bench: $part" >&2
	"tests/bench/$part.sh" >"$tmp/$part" || exit 2
done
if [ -f build/dtbs/figures ]; then
	cp build/dtbs/figures "$tmp/dtbs"
else
	echo "bench: no figures of Debian's device trees here, their table is left out (make check-dtbs finds them)" >&2
fi

table() {
	echo
	echo "## $1"
	echo
	echo "| what | value |"
	echo "|---|---|"
	awk '{ name = $1; $1 = ""; print "| " name " |" $0 " |" }' "$2"
}

{
	cat <<EOT
# Figures

Written by \`make bench\`. Times are wall clock, medians; a ratio says how many times as fast as the other program in the same
run, unless its name says otherwise. They are claims about one machine at one time, and no test depends on them.

Machine: $(nproc) CPUs, Linux $(uname -r | sed 's/^\([0-9.]*\).*/\1/'), $(dtc --version | sed 's/Version: //'), $(${MUSL_CC:-musl-gcc} --version 2>/dev/null | head -n 1 | sed 's/ .*gcc/ gcc/' | awk '{ print $1, $NF }') for the static programs.
EOT
	table "Start-up and size of the static programs, against an empty one" "$tmp/startup"
	table "mk-parse against dtc" "$tmp/parse"
	table "mk-validate" "$tmp/validate"
	table "Placement and change: 8,192 CPUs, 64 NUMA nodes" "$tmp/place"
	table "The pipeline as a whole, run by bash" "$tmp/pipeline"
	table "mk-sim" "$tmp/sim"
	[ ! -f "$tmp/dtbs" ] || table "The device trees of Debian's arm64 and armhf kernels (make check-dtbs)" "$tmp/dtbs"
} >"$tmp/BENCH.md"

if [ "${1-}" = --print ]; then
	cat "$tmp/BENCH.md"
else
	cp "$tmp/BENCH.md" BENCH.md
	echo "bench: wrote BENCH.md" >&2
fi
