#!/usr/bin/env bash
# Random expressions give what they give in Terraform: see terraform-diff.py for how, and for the differences that are meant.
# SEED and COUNT in the environment choose others than the usual ones.
set -eu
build=$1
command -v terraform >/dev/null || { echo "terraform is not installed: nothing to compare with"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed: it makes the expressions"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
timeout 170 python3 "$(dirname "$0")/terraform-diff.py" "$build/aipc" "$work" --seed "${SEED:-11}" --count "${COUNT:-120}" || exit 1
