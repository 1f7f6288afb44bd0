#!/usr/bin/env bash
# What is printed from tables and committed must be what the program prints now.
set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fresh() { # COMMITTED-FILE ARGS...
	local file=$1
	shift
	"$build/aipc" docs "$@" >"$work/now"
	diff -u "$file" "$work/now" >&2 || { echo "$file is stale: make golden" >&2; exit 1; }
}
fresh man/aipc.1 man
fresh docs/resources.md resources
fresh docs/functions.md functions
for type in $("$build/aipc" docs types); do
	fresh "schemas/resources/$type.schema.json" schema "$type"
done
for f in schemas/resources/*.schema.json; do
	type=$(basename "$f" .schema.json)
	"$build/aipc" docs types | grep -qx "$type" || { echo "$f is of no type" >&2; exit 1; }
done
"$build/aipc" docs bash | bash -n
