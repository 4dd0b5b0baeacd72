#!/usr/bin/env bash
# kerf itself, unchanged, on a simulated host: runs a script of kerf command
# lines (NAME.kerf) under mk-sim and compares what it says with the transcript
# beside it (NAME.out), or writes that with --accept. By hand, not part of
# make check: kerf, python3-click, python3-yaml, python3-libfdt and
# python3-pyudev must be there.
#
#   tests/kerf/run.sh [--accept] KERF-SOURCES NAME
#
# abi1 is a transcript of kerf 0.1.0 (main, 2026-08-19), abi2 one of its branch
# pool-reinit. KERF-SOURCES is a checkout; nothing is installed or changed.
set -u
export LC_ALL=C.UTF-8
accept=''
[ "${1-}" = --accept ] && accept=1 && shift
[ $# = 2 ] || { echo "usage: tests/kerf/run.sh [--accept] KERF-SOURCES NAME" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
sources=$(cd "$1" && pwd) || exit 2
name=$2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export PATH=$here/../../build/bin:$here/../../build/helper:$PATH

# kerf wants the package rdtsc, for a figure that it prints with -v
mkdir "$tmp/stub"
printf 'def get_cycles():\n    return 0\n' >"$tmp/stub/rdtsc.py"
export PYTHONPATH=$sources/src:$tmp/stub PYTHONDONTWRITEBYTECODE=1
call elf "$tmp/vmlinux" 0x1000000
echo initrd >"$tmp/initrd"
export kernel=$tmp/vmlinux initrd=$tmp/initrd
cat >"$tmp/script" <<'END'
mount -t tmpfs none /var/lib # kerf keeps files there
kerf() {
	echo "\$ kerf $*"
	/usr/bin/python3 -m kerf.cli "$@" 2>&1
	echo "[$?]"
}
END
cat "$here/$name.kerf" >>"$tmp/script"
mk-sim --abi "${name#abi}" -- bash "$tmp/script" 2>&1 |
	sed -e "s|$tmp/||g" -e 's/^\( *Loaded At *\).*/\1(some time)/' \
		-e 's/^\( *\(Size\|SHA-256\|sha256\) *\).*/\1(of the kernel)/I' >"$tmp/out"
if [ -n "$accept" ]; then
	cp "$tmp/out" "$here/$name.out"
	exit
fi
diff -u "$here/$name.out" "$tmp/out" && echo "$name: as it was"
