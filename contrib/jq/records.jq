# records.jq: JSON Lines of mktools as records again, mk-records(5).
#
#     mk-diff -j OLD NEW | jq -rs -f records.jq | mk-overlay
#
# Reads all objects at once (-s) and writes lines (-r): "#mk 1", a record an
# object, "#end N". What a key holds is told from its JSON type, but for ids:
# they are the keys of this list.
def id_keys: ["available-ns", "available-vfs", "boot-cpu", "cpus", "free-cpus", "host-cpus", "numa-nodes"];

# A byte as %XX.
def hex: "0123456789ABCDEF" as $d | "%" + $d[(. / 16 | floor):(. / 16 | floor) + 1] + $d[. % 16:. % 16 + 1];

# What may not stand in a word: blanks, controls, % and the comma of a list.
def escaped:
	explode | map(if . <= 32 or . == 37 or . == 44 or . == 127 then hex
		elif . >= 128 and . < 160 then "%C2" + hex
		else [.] | implode end) | add // "";

# A subject that is read back as it is: @pool, @host, tx_N, - and %XX stand as such already.
def subject: if test("^(%[0-9A-F]{2}|@|tx_|-$)") then . else escaped end;

# Ids as a cpulist: the order is kept, rising neighbours are joined.
def cpulist:
	reduce .[] as $i ([]; if length > 0 and .[-1][1] + 1 == $i then .[-1][1] = $i else . + [[$i, $i]] end)
	| map(if .[0] == .[1] then "\(.[0])" else "\(.[0])-\(.[1])" end) | join(",");

def region:
	(if has("base") then .base + "+" else "" end) + "\(.size)" + (if has("node") then "@\(.node)" else "" end);

def value($key):
	if type == "boolean" then (if . then "yes" else "no" end)
	elif type == "number" then tostring
	elif type == "string" then escaped
	elif $key == "memory" then map(region) | join(",")
	elif ($key | IN(id_keys[])) then cpulist
	else map(escaped) | join(",") end;

def record:
	"\(.verb) \(.subject | subject)" +
	(del(.verb, .subject) | to_entries | map(" \(.key)=\(.key as $k | .value | value($k))") | add // "");

"#mk 1", (.[] | record), "#end \(length)"
