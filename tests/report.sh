#!/usr/bin/env bash
# Reports of mk-validate over every machine at hand, good and bad: JSON fits
# contrib/report.schema.json, YAML carries the same facts, the status is that of
# the run without a report, and nothing in a description can forge either. TAP.
set -u
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/.." || exit 2
PATH=$(cd "${MK_BIN:-build/bin}" && pwd):$PATH || exit 2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# the distribution's Python has the packages, which need not be the first one in PATH
for python in python3 /usr/bin/python3; do
	"$python" -c 'import jsonschema, yaml' 2>/dev/null && break
done

hostile() {
	cat <<'END'
/
/:compatible="linux,multikernel-host"
/:model="\x1b[31m\n\"status\": \"valid\""
/resources
/resources:cpus=/bits/ 64 <4 5>
/resources:memory-base=<0x0 0x40000000>
/resources:memory-bytes=<0x0 0x40000000>
/resources/devices
/resources/devices/d%22%3a%20x
/resources/devices/d%22%3a%20x:pci-id="a\"b: [c]\x0a- d"
/instances
/instances/a%0a%0astatus%3a%20valid%0a%1b[2J
/instances/a%0a%0astatus%3a%20valid%0a%1b[2J:devices="x\n  y: z", "\xe2\x80\xae"
/instances/a%0a%0astatus%3a%20valid%0a%1b[2J/resources
/instances/a%0a%0astatus%3a%20valid%0a%1b[2J/resources:cpus=/bits/ 64 <9>
END
}

n=0 failed=0
ok() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | head -n 12 | sed 's/^/# /'
		failed=1
	fi
}

# phandles in a circle, a deep tree, numbers at the ends of what there is
circle() {
	cat <<'END'
/multikernel-v1/;
/ {
	compatible = "linux,multikernel-host";
	resources {
		cpus = /bits/ 64 <0 0xffffffffffffffff 0x8000000000000000>;
		cpu-total = <0xffffffffffffffff>;
		memory@0 { reg = /bits/ 64 <0 0xffffffffffffffff>; numa-node-id = <0xfffffffe>; };
		memory@f { reg = /bits/ 64 <0xfffffffffffff000 0x1000>; };
		devices { a: x { sriov-vfs = <0xffffffff>; available-vfs = <0xffffffff>; parent = <&b>; }; };
	};
	instances {
		i { id = <0xffffffff>; resources { cpus = /bits/ 64 <0xffffffffffffffff>; memory-bytes = <0xffffffffffffffff>; devices = <&b &c>; }; };
	};
	b: y { parent = <&c>; vf-id = <4294967295>; };
	c: z { parent = <&b>; namespace-id = <0>; };
	deep {
END
	for ((i = 0; i < 58; i++)); do echo "n$i {"; done
	for ((i = 0; i < 58; i++)); do echo '};'; done
	echo '}; };'
}

hostile >"$tmp/hostile.lines"
circle >"$tmp/circle.dts"
machines=(tests/data/rules/*.dts examples/*.dts "$tmp/hostile.lines" "$tmp/circle.dts")
for machine in "${machines[@]}"; do
	mk-validate -o /dev/null "$machine" 2>/dev/null
	plain=$?
	for form in json yaml text; do
		mk-validate -r $form "$machine" >"$tmp/$form.${machine##*/}" 2>"$tmp/err"
		status=$?
		if [ "$status" != "$plain" ] || [ -s "$tmp/err" ]; then
			ok "${machine##*/} as $form" "status $status, not $plain: $(cat "$tmp/err")"
		fi
	done
done

faults=$("$python" - "$tmp" <<'END'
import glob, json, sys
import jsonschema, yaml

tmp = sys.argv[1]
schema = json.load(open("contrib/report.schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
judge = jsonschema.Draft7Validator(schema)
reports = sorted(glob.glob(tmp + "/json.*"))
for path in reports:
    name = path[len(tmp) + 6:]
    try:
        report = json.load(open(path))
    except ValueError as e:
        print(name, "is no JSON:", e)
        continue
    for e in judge.iter_errors(report):
        print(name, "/".join(map(str, e.path)), e.message[:200])
    try:
        documents = list(yaml.safe_load_all(open(tmp + "/yaml." + name, encoding="utf-8")))
    except yaml.YAMLError as e:
        print(name, "is no YAML:", e)
        continue
    if documents != [report]:
        print(name, "YAML says something else than JSON")
    text = open(tmp + "/text." + name, encoding="utf-8").read()
    if any(ord(c) < 32 and c != "\n" or ord(c) in (0x7f, 0x202e) for c in text):
        print(name, "control characters in the text")
    if report["status"] not in text.lower() or len(report["findings"]) != text.count("[MK"):
        print(name, "text says something else than JSON")
    for f in report["findings"]:
        if f.get("line") and "Line %d: " % f["line"] not in text:
            print(name, "the text does not name line", f["line"])
if len(reports) < 70:
    print("too few reports:", len(reports))
if not any(json.load(open(p))["findings"] for p in reports):
    print("no findings anywhere")
END
) || faults="$faults
$python failed"
ok 'JSON by its schema, YAML and text with the same facts' "$faults"

forged=$(grep -c '^Status:' "$tmp/text.hostile.lines")
ok 'a name cannot forge a line of the text' "$([ "$forged" = 1 ] || echo "$forged lines begin with Status:")"

# a stream: one document a state, numbered
cat <(mk-parse -O dtb tests/data/rules/good.dts) <(mk-parse -O dtb tests/data/rules/MK404-*.dts) >"$tmp/two.dtb"
got=$(mk-validate -r json "$tmp/two.dtb" | jq -c '[.number, .status]' | tr '\n' ' ')
ok 'states of a stream are numbered' "$([ "$got" = '[1,"valid"] [2,"invalid"] ' ] || echo "$got")"
got=$(mk-validate -r yaml "$tmp/two.dtb" | grep -c '^---$')
ok 'a YAML document a state' "$([ "$got" = 2 ] || echo "$got documents")"
echo "1..$n"
exit $failed
