#!/usr/bin/env bash
# What deploy/ holds of other files is equal to them: the kinds, the version, the lists that name files.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
chart=$root/deploy/helm/aipc-runtime base=$root/deploy/kustomize/base

joined() { # FOLDER: its files as aipc-runtime crds prints them
	local first=1 f
	for f in "$1"/*.yaml; do
		((first)) || echo ---
		first=0
		cat "$f"
	done
}
aipc-runtime crds >kinds.out
for folder in "$chart/crds" "$base/crds"; do
	joined "$folder" | cmp - kinds.out || fail "$folder is not what aipc-runtime crds prints: run scripts/manifests"
done
for f in "$base"/crds/*.yaml; do
	grep -qx "  - crds/$(basename "$f")" "$base/kustomization.yaml" || fail "kustomization.yaml leaves out crds/$(basename "$f")"
done

version=$(<"$root/VERSION")
grep -qx "version: $version" "$chart/Chart.yaml" || fail "Chart.yaml: version is not $version"
grep -qx "appVersion: \"$version\"" "$chart/Chart.yaml" || fail "Chart.yaml: appVersion is not $version"
grep -qx "    newTag: $version" "$root/deploy/kustomize/overlays/example/kustomization.yaml" || fail "the example overlay: newTag is not $version"
aipc-runtime version | grep -qx "aipc-runtime $version" || fail "the program has another version"
echo "4 kinds twice, version $version"
