#!/usr/bin/env bash
# mk-rules(7) against the table of rules: every rule stands there, in the order
# of the table, with its severity, text and cure; and no rule that is none. TAP.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2
bin=$(cd "${MK_BIN:-build/bin}" && pwd) || exit 2
page=man/mk-rules.7.scd

# The page as the table is printed. A rule is a line "*ID* severity: text" and
# the indented lines behind it, which end with "Cure: ...".
page_rules() {
	awk '
	function unescape(s) { gsub(/\\\\/, "\001", s); gsub(/\\/, "", s); gsub("\001", "\\", s); return s }
	function put() {
		if (id == "")
			return
		sub(/^.*Cure: /, "", body)
		sub(/\.$/, "", body)
		print id "\t" severity "\t" unescape(text) "\t" unescape(body)
		id = ""
	}
	/^\*MK[0-9]*\* / {
		put()
		id = substr($1, 2, length($1) - 2)
		severity = $2
		sub(/:$/, "", severity)
		text = substr($0, length($1) + length($2) + 3)
		body = ""
		next
	}
	id != "" && /^\t/ { body = body (body == "" ? "" : " ") substr($0, 2); next }
	{ put() }
	END { put() }' "$page"
}

table=$("$bin/mk-validate" --rules) || { echo "Bail out! mk-validate --rules failed"; exit 1; }
listed=$(page_rules)
failed=0 n=0
while IFS= read -r rule; do
	n=$((n + 1))
	id=${rule%%$'\t'*}
	if grep -qxF -- "$rule" <<<"$listed"; then
		echo "ok $n - $id"
		continue
	fi
	failed=1
	echo "not ok $n - $id stands in $page as the table has it"
	echo "# the table: $rule"
	echo "# the page:  $(grep "^$id"$'\t' <<<"$listed" || echo 'does not have it')"
done <<<"$table"
n=$((n + 1))
if [ "$(cut -f 1 <<<"$table")" = "$(cut -f 1 <<<"$listed")" ]; then
	echo "ok $n - no others, in this order"
else
	failed=1
	echo "not ok $n - no others, in this order"
	diff <(cut -f 1 <<<"$table") <(cut -f 1 <<<"$listed") | sed 's/^/# /'
fi
echo "1..$n"
exit $failed
