# free.jq: what is free on a machine, a line for grep: mk-show -j | jq -r -f free.jq
select(.verb == "pool") | "\(.["free-cpus"] | length) CPUs (\(.["free-cpus"] | map(tostring) | join(","))), \(.free / 1048576 | floor) MiB"
