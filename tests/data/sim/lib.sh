# lib.sh: words for tests in a simulated host (mk-sim). Sourced by what runs there:
#
#   mk-sim -M -- bash -euc '. "$MK_DATA/sim/lib.sh"; ...'
#
# call(1) of tests/helper makes single system calls and prints what came of them.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
fs=/sys/fs/multikernel
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# blob NAME <DTS: compiles it to $tmp/NAME; it may be as wrong as one likes
blob() {
	{ echo '/dts-v1/;'; cat; } | dtc -q -I dts -O dtb -o "$tmp/$1" -
}

# baseline [CPUS [MEMORY-LINES [MORE]]]: writes one, prints what came of it
baseline() {
	blob baseline <<-END
		/ { resources {
			cpus = /bits/ 64 <${1-4 5 6 7 8 9 10 11}>;
			${2-memory@0 { size = /bits/ 64 <0x100000000>; numa-node-id = <0>; \};}
			${3-}
		}; };
	END
	call write $fs/device_tree "$tmp/baseline"
}

# old_baseline BASE BYTES [CPUS [MORE]]: the same for ABI 1
old_baseline() {
	blob baseline <<-END
		/ { resources {
			cpus = /bits/ 64 <${3-4 5 6 7 8 9 10 11}>;
			memory-base = /bits/ 64 <$1>; memory-bytes = /bits/ 64 <$2>;
			${4-}
		}; };
	END
	call write $fs/device_tree "$tmp/baseline"
}

# overlay TARGET BODY [TARGET BODY]...: compiles fragments to $tmp/overlay
overlay() {
	local i=0
	{
		echo '/ {'
		while [ $# -gt 0 ]; do
			printf 'fragment@%x { target-path = "%s"; __overlay__ { %s }; };\n' "$i" "$1" "$2"
			shift 2
			i=$((i + 1))
		done
		echo '};'
	} | blob overlay
}

# apply TARGET BODY...: writes such an overlay, prints the bytes' fate, status and error of its tx
apply() {
	overlay "$@"
	put "$tmp/overlay"
}

# put FILE: the same of a blob that is there
put() {
	local said
	said=$(call write $fs/overlays/new "$1")
	if [ "$said" = "$(wc -c <"$1")" ]; then said=all; fi
	echo "$said $(last)"
}

# last: the newest transaction: its name, status, and what the kernel's log would say
last() {
	mk-sim ctl state | awk '$1 == "transaction" {
		s = $2 " "; for (i = 3; i <= NF; i++) if ($i ~ /^(status|error)=/) { sub(/^.*=/, "", $i); s = s $i " " }
	} END { sub(/ $/, "", s); print s ? s : "none" }'
}

# create NAME [CPUS [BYTES [ID [MORE]]]]: an instance, by ABI 2
create() {
	apply /instances "instance-create { instance-name = \"$1\"; ${4:+id = <$4>;}
		resources { cpus = /bits/ 64 <${2-4 5}>; memory-bytes = /bits/ 64 <${3-0x10000000}>; ${5-} }; };"
}

remove() {
	apply /instances "instance-remove { instance-name = \"$1\"; };"
}

# instance NAME [KEY]...: what the simulation knows of it, by these keys
instance() {
	local name=$1 k
	shift
	for k in "${@:-state}"; do
		mk-sim ctl state | awk -v n="$name" -v k="$k" '$1 == "instance" && $2 == n {
			for (i = 3; i <= NF; i++) if (index($i, k "=") == 1) print substr($i, length(k) + 2) }'
	done | paste -sd' '
}

# up NAME ID: loads and boots it, waits until its kernel answers
up() {
	[ -e "$tmp/vmlinux" ] || call elf "$tmp/vmlinux" 0x1000000
	call load "$2" "$tmp/vmlinux" - "${3-console=mktty0}" >/dev/null
	call boot "$2" >/dev/null
	until [ "$(instance "$1" life)" = running ]; do sleep 0.02; done
}

# tree FILE [PATTERN]: a tree of the kernel's as lines
tree() {
	cat "$1" >"$tmp/tree.dtb"
	fdtdump "$tmp/tree.dtb" 2>/dev/null | sed '/^\/\//d; /^$/d' | grep -e "${2-.}"
}
