#!/usr/bin/env bash
# Modules of Terraform, their expressions copied as they are, give what they give in Terraform: see terraform-port.py for how.
# port/*.tf: the shapes of some twenty public modules (labels, networks, clusters, machines, identities, policies) as of 2026-11, written anew.
set -eu
build=$1
command -v terraform >/dev/null || { echo "terraform is not installed: nothing to compare with"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed: it copies the expressions"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
timeout 170 python3 "$here/terraform-port.py" "$build/aipc" "$work/port" "$here"/port/*.tf || exit 1
