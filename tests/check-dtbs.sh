#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The device trees of Debian's arm64 and armhf kernels, about 1,474, through
# mk-parse and back: DTB -> DTS -> DTB and DTB -> lines -> DTB must give the
# same tree, by mk-parse's own canonical bytes and by dtc's sorted source. And
# how long that takes, against dtc on the same files.
#
# Packages come from the machine's own apt sources, into build/dtbs; nothing of
# the system is changed. Prints "key value" lines; status 1 when a tree changed.
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
mk=${MK_BIN:-$root/build-static/bin}/mk-parse
work=$root/build/dtbs

die() {
	echo "check-dtbs: $*" >&2
	exit 2
}

# apt with lists and caches of its own, for one architecture
scratch_apt() {
	local arch=$1 command=$2
	shift 2
	"$command" -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o Dir::State::lists="$work/apt/$arch/lists" -o Dir::State::status=/dev/null \
		-o Dir::Cache::archives="$work/apt/$arch/archives" \
		-o Dir::Cache::pkgcache="$work/apt/$arch/pkgcache.bin" \
		-o Dir::Cache::srcpkgcache="$work/apt/$arch/srcpkgcache.bin" \
		-o APT::Sandbox::User=root "$@"
}

# fetch ARCH METAPACKAGE: the DTBs of the kernel that METAPACKAGE stands for
fetch() {
	local arch=$1 meta=$2 package=
	mkdir -p "$work/apt/$arch/lists/partial" "$work/apt/$arch/archives/partial" "$work/$arch"
	[ -e "$work/$arch/.complete" ] && return
	# one archive of several may be out of reach: what counts is whether the package is known
	scratch_apt "$arch" apt-get update >"$work/apt/$arch.log" 2>&1
	package=$(scratch_apt "$arch" apt-cache depends "$meta" 2>>"$work/apt/$arch.log" |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ :]*\).*/\1/p' | head -n 1)
	[ -n "$package" ] || die "no package $meta for $arch, see $work/apt/$arch.log"
	(cd "$work/apt/$arch" && scratch_apt "$arch" apt-get download "$package") \
		>>"$work/apt/$arch.log" 2>&1 || die "cannot download $package, see $work/apt/$arch.log"
	dpkg-deb --fsys-tarfile "$work/apt/$arch/$package"_*.deb |
		tar -x -C "$work/$arch" --wildcards '*.dtb' || die "cannot unpack $package"
	echo "$package" >"$work/$arch/.complete"
	rm -f "$work/apt/$arch/$package"_*.deb
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# The same tree. Source has no boot_cpuid, it follows from /cpus: where a blob
# has another one, -O dts says so, and only then these four bytes may differ.
same_tree() {
	local t=$1 f=$2
	cmp -s "$t/canonical" "$t/back" && return
	[[ $(<"$t/said") == *boot_cpuid* ]] && echo "boot_cpuid $f" &&
		cmp -s -n 28 "$t/canonical" "$t/back" && cmp -s -i 32 "$t/canonical" "$t/back"
}

# One blob: "changed WHAT FILE" for each way in which it does not come back.
check_one() {
	local f=$1 t=$2
	if ! "$mk" -q "$f" >"$t/canonical"; then
		echo "refused $f"
		return
	fi
	{ "$mk" -O dts "$f" >"$t/dts" 2>"$t/said" && "$mk" -q "$t/dts" >"$t/back" &&
		same_tree "$t" "$f"; } || echo "changed dts $f"
	cmp -s "$f" "$t/back" && echo "identical $f"
	dtc -q -q -s -I dtb -O dts "$f" >"$t/sorted" 2>/dev/null </dev/null
	dtc -q -q -s -I dtb -O dts "$t/back" 2>/dev/null </dev/null | cmp -s "$t/sorted" - ||
		echo "changed dts-by-dtc $f"
	{ "$mk" -q -O lines "$f" >"$t/lines" && "$mk" -q "$t/lines" >"$t/back" &&
		cmp -s "$t/canonical" "$t/back"; } || echo "changed lines $f"
}

if [ "${1-}" = --check ]; then
	shift
	t=$(mktemp -d) || exit 2
	for f; do check_one "$f" "$t"; done
	rm -r "$t"
	exit 0
fi

[ -x "$mk" ] || die "$mk is missing: run make static"
fetch arm64 linux-image-arm64
fetch armhf linux-image-armmp
mapfile -d '' -t dtbs < <(find "$work/arm64" "$work/armhf" -name '*.dtb' -print0 | sort -z)
[ "${#dtbs[@]}" -gt 1000 ] || die "only ${#dtbs[@]} DTBs found"

echo "packages $(cat "$work"/*/.complete | tr '\n' ' ')"
echo "dtbs ${#dtbs[@]}"
echo "bytes $(cat "${dtbs[@]}" | wc -c)"
printf '%s\0' "${dtbs[@]}" | xargs -0 -P "$(nproc)" -n 100 "$0" --check >"$work/report"
count() { grep -c "^$1 " "$work/report"; }
echo "refused $(count refused)"
echo "changed_dts $(count 'changed dts')"
echo "changed_dts_by_dtc $(count 'changed dts-by-dtc')"
echo "changed_lines $(count 'changed lines')"
echo "boot_cpuid_that_source_cannot_hold $(count boot_cpuid)"
echo "byte_identical_to_the_original $(count identical)"
grep -E '^(refused|changed)' "$work/report" | head -n 20 >&2

# the same loop for both, one file after the other, files in memory where /dev/shm is
t=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "$work")") || exit 2
trap 'rm -rf "$t"' EXIT
cat "${dtbs[@]}" >/dev/null
dtc_refused=0
mk_ms=0 dtc_ms=0
for round in 1 2 3; do
	begin=$(now_ms)
	for f in "${dtbs[@]}"; do
		"$mk" -q -O dts -o "$t/x.dts" "$f"
		"$mk" -q -o "$t/x.dtb" "$t/x.dts"
	done
	end=$(now_ms)
	[ "$round" = 1 ] || [ $((end - begin)) -lt "$mk_ms" ] && mk_ms=$((end - begin))
	begin=$end
	for f in "${dtbs[@]}"; do
		dtc -q -q -I dtb -O dts -o "$t/x.dts" "$f"
		dtc -q -q -I dts -O dtb -o "$t/x.dtb" "$t/x.dts" || dtc_refused=$((dtc_refused + 1))
	done 2>/dev/null </dev/null
	end=$(now_ms)
	[ "$round" = 1 ] || [ $((end - begin)) -lt "$dtc_ms" ] && dtc_ms=$((end - begin))
done
echo "mk_parse_ms $mk_ms"
echo "dtc_ms $dtc_ms"
echo "dtc_refused_its_own_source $((dtc_refused / 3))"
echo "times_as_fast $(awk -v a="$dtc_ms" -v b="$mk_ms" 'BEGIN { printf "%.2f", a / b }')"
! grep -qE '^(refused|changed)' "$work/report"
