# owners.jq: who has which CPU, a line each: mk-show -j | jq -r -f owners.jq | sort -n
select(.verb == "instance") | .subject as $name | .cpus[] | "\(.)\t\($name)"
