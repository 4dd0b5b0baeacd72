#!/usr/bin/env bash
# golden: overlays of ABI 1 against those that kerf 0.1.0 writes
# (tests/data/golden/abi1), compared as trees. Two ways lead to each: from its
# records (mk-overlay -p | mk-overlay), and from the two states that it lies
# between (mk-diff | mk-overlay). The root of ours says more (mk,resources).
#
# Where ours differ on purpose:
# - delta-add2-remove1: kerf puts three fragments into one overlay, of which a
#   kernel of ABI 1 executes the first (T21), and adds before it removes. Ours
#   are three overlays, the removal first.
# - delta-modified-instance-becomes-create: kerf creates an instance again that
#   is there, which the kernel refuses (EEXIST). Ours removes what is too much.
# - update-noop: kerf writes an empty __overlay__; ours has no fragment, and
#   mk-apply will write nothing for it.
# TAP.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=${MK_BIN:-build/bin}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
PATH=$bin:$PATH
golden=$PWD/tests/data/golden
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

n=0
result() { # status, name
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' differs err 2>/dev/null
	fi
}

# the machine of all states, and one instance
state() { # file, instance body
	cat >"$1" <<EOT
/multikernel-v1/;
/ {
	compatible = "linux,multikernel-host";
	resources {
		cpus = <4 5 6 7 8 9 10 11 12 13 14 15 128 129 511>;
		memory-base = <0x80000000>;
		memory-bytes = <0x0 0x380000000>;
		devices {
			eth0 { pci-id = "0000:01:00.0"; sriov-vfs = <8>; host-reserved-vf = <0>; available-vfs = <1 2 3>; };
			nvme0 { pci-id = "0000:02:00.0"; namespaces = <4>; host-reserved-ns = <1>; available-ns = <2 3 4>; };
			enp9s0 { device-type = "pci"; pci-id = "0000:09:00.0"; };
			enpas0 { device-type = "pci"; pci-id = "0000:0a:00.0"; };
			enpbs0 { device-type = "pci"; pci-id = "0000:0b:00.1"; };
		};
	};
	instances {
		$2
	};
};
EOT
}

web() { # cpus, memory, more of resources
	echo "web { resources { cpus = <$1>; $2 ${3-} }; };"
}

lines() {
	mk-parse -O lines "$@" | grep -v '^/:mk,resources='
}

# file of ours, file of kerf's: the same tree
same() {
	lines "$1" >ours.lines && lines "$2" >kerf.lines && diff kerf.lines ours.lines >differs
}

from_records() {
	mk-overlay -p "$golden/abi1/$1.dtbo" 2>err | mk-overlay 2>>err >ours.dtbo && same ours.dtbo "$golden/abi1/$1.dtbo"
}

from_states() {
	mk-diff old.dts new.dts 2>err | mk-overlay --abi 1 2>>err >ours.dtbo && same ours.dtbo "$golden/abi1/$1.dtbo"
}

m='memory@80000000 { reg = <0x0 0x80000000 0x0 0x80000000>; };'
compact='cpu-affinity = "compact";'

for name in create-full create-min remove update-all update-cpus update-devices update-grow \
	update-memory-zero update-move update-shrink; do
	from_records $name
	result $? "$name from its records"
done

state old.dts ''
state new.dts "$(web '4 5 6 7' "$m" "$compact")"
from_states create-min
result $? "create-min from two states"

state new.dts 'database { id = <7>; resources { cpus = <128 129 511>;
	memory@100000000 { reg = <0x1 0x0 0x2 0x0>; }; numa-nodes = <0 1>; cpu-affinity = "spread";
	memory-policy = "interleave"; device-names = "eth0_vf2", "nvme0_ns2";
	uring { sq-entries = <512>; cq-entries = <256>; shim-data-pages = <64>; }; };
	options { enable-host-kcore; }; };'
from_states create-full
result $? "create-full from two states"

state old.dts "$(web '4 5 6 7' "$m")"
state new.dts ''
from_states remove
result $? "remove from two states"

state old.dts "$(web '6 7 4 5' "$m" 'numa-nodes = <1>;')"
state new.dts "$(web '6 7 8 9' "$m" 'numa-nodes = <1>;')"
from_states update-cpus
result $? "update-cpus from two states"

state old.dts "$(web '4' "$m" 'device-names = "enp9s0";')"
state new.dts "$(web '4' "$m" 'device-names = "enpas0", "enpbs0";')"
from_states update-devices
result $? "update-devices from two states"

state old.dts "$(web '4' "$m")"
state new.dts "$(web '4' "$m memory@100000000 { reg = <0x1 0x0 0x0 0x80000000>; };")"
from_states update-grow
result $? "update-grow from two states"

state new.dts "$(web '4' '')"
from_states update-memory-zero
result $? "update-memory-zero from two states (which no rule lets through)"

state new.dts "$(web '4' 'memory@200000000 { reg = <0x2 0x0 0x1 0x0>; };')"
from_states update-move
result $? "update-move from two states"

state new.dts "$(web '4' 'memory@80000000 { reg = <0x0 0x80000000 0x0 0x40000000>; };')"
from_states update-shrink
result $? "update-shrink from two states"

state old.dts "$(web '6 4 5 7' "$m" 'device-names = "enp9s0";')"
state new.dts "$(web '6 8' 'memory@200000000 { reg = <0x2 0x0 0x0 0xc0000000>; };')"
from_states update-all
result $? "update-all from two states"

# where ours differ
state old.dts "$(web '4' "$m")"
state new.dts 'db { id = <2>; resources { cpus = <8 9>; memory@100000000 { reg = <0x1 0x0 0x0 0x40000000>; }; }; };
	cache { id = <3>; resources { cpus = <10>; memory@140000000 { reg = <0x1 0x40000000 0x0 0x40000000>; };
	device-names = "enp9s0"; }; };'
mk-diff old.dts new.dts 2>err | mk-overlay 2>>err >ours.dtbo
mk-overlay -p ours.dtbo 2>>err | sed -n 's/^\([a-z-]* [a-z@-]*\).*/\1/p' >verbs
printf '%s\n' 'basis -' 'delete web' 'create db' 'create cache' | diff - verbs >differs
result $? "delta-add2-remove1: three overlays, the removal first"
mk-parse -O json ours.dtbo 2>>err | jq -se 'length == 3 and all(.[]; [.["/"] | keys[] |
	select(startswith("fragment@"))] == ["fragment@0"])' >differs 2>>err
result $? "delta-add2-remove1: each overlay has fragment@0 alone"

state old.dts "$(web '4 5 6 7' "$m" "$compact")"
state new.dts "$(web '4 5' "$m" "$compact")"
mk-diff old.dts new.dts 2>err | grep -v '^#' | grep -v '^basis' >verbs
echo 'cpu-remove web cpus=6-7' | diff - verbs >differs
result $? "delta-modified-instance-becomes-create: a cpu-remove"

mk-diff old.dts old.dts 2>err | mk-overlay 2>>err | mk-parse -O lines 2>>err | grep -c '^/fragment' >verbs
echo 0 | diff - verbs >differs
result $? "update-noop: an overlay without fragments"

# what kerf wrote as trees of whole machines is read as such
for name in baseline-full global-with-instance; do
	mk-validate -q "$golden/abi1/$name.dtbo" >out.dtb 2>err && cmp -s out.dtb "$golden/abi1/$name.dtbo"
	result $? "$name is a valid state and passes unchanged"
done
mk-show -b -i "$golden/abi1/global-with-instance.dtbo" >out 2>err
printf '  web  1  -  4-7  0x80000000-0xffffffff (2GB)  eth0_vf1\n' | diff - out >differs
result $? "global-with-instance: the instance is read"

# ABI 2: what kerf writes for it is understood
for name in create-min pool-grow pool-shrink remove update-all update-grow update-shrink; do
	mk-overlay -p "$golden/abi2/$name.dtbo" 2>err | mk-overlay 2>>err >ours.dtbo && mk-overlay -p ours.dtbo 2>>err >again &&
		mk-overlay -p "$golden/abi2/$name.dtbo" 2>>err | grep -v ^basis | diff - <(grep -v ^basis again) >differs
	result $? "ABI 2 $name: the same records again"
done
echo "1..$n"
