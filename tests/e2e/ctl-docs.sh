#!/usr/bin/env bash
# docs/runtime.md has what the program has: every option and metric of the controller, every reason that a decision can give, and no metric beyond them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:?build folder}" && pwd)
work=$(mktemp -d)
trap 'kill $pid && wait $pid || true; rm -rf "$work"' EXIT
doc=$root/docs/runtime.md
bad=0
missing() { echo "docs/runtime.md does not have $1" >&2; bad=1; }

cat >"$work/config" <<'Y'
apiVersion: v1
kind: Config
current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: "http://127.0.0.1:1" } }]
users: [{ name: u, user: {} }]
Y
"$build/aipc-runtime" controller --kubeconfig "$work/config" --listen 127.0.0.1:0 2>"$work/err" &
pid=$!
for _ in $(seq 300); do
	port=$(sed -n 's/.*probes on port \([0-9]*\)$/\1/p' "$work/err")
	[[ -n $port ]] && break
	sleep 0.1
done
curl -sf "http://127.0.0.1:$port/metrics" >"$work/metrics"
mapfile -t metrics < <(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$work/metrics")
((${#metrics[@]} >= 15)) || { echo "only ${#metrics[@]} metrics" >&2; exit 1; }
for m in "${metrics[@]}"; do grep -qF "\`$m\`" "$doc" || missing "the metric $m"; done
# shellcheck disable=SC2016  # backticks are Markdown
for m in $(grep -oE '`aipc_[a-z_]+`' "$doc" | tr -d '`' | grep -vE '_(info|total)$' | grep -E '^aipc_(build|leader|start|resident|writes|events|cache|controller|spares|policy)' | sort -u); do
	grep -q "^# TYPE $m " "$work/metrics" || { echo "docs/runtime.md has the metric $m, which the controller has not" >&2; bad=1; }
done

mapfile -t options < <("$build/aipc-runtime" help controller | grep -oE -- '--[a-z-]+ ' | tr -d ' ' | sort -u)
for o in "${options[@]}"; do
	[[ $o == --help ]] || grep -qF -- "\`$o" "$doc" || missing "the option $o"
done

# Words in CamelCase of the controllers are reasons, types of conditions and kinds; actions of events are left out.
mapfile -t words < <(grep -ohE '"[A-Z][a-z]+([A-Z][A-Za-z]*)+"' "$root"/runtime/controllers/*.c | tr -d '"' | sort -u)
((${#words[@]} >= 30)) || { echo "only ${#words[@]} reasons" >&2; exit 1; }
for w in "${words[@]}"; do grep -qw "$w" "$doc" || missing "the word $w"; done
((bad == 0)) || exit 1
echo "${#metrics[@]} metrics, ${#options[@]} options, ${#words[@]} words"
