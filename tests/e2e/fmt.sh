#!/usr/bin/env bash
# aipc fmt on files: the tree's own specs are stable, random ones are, modes and links survive, diffs apply.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"

(cd "${root:?}" && aipc fmt --check -r examples) || fail "the examples are not formatted"
# Specs of other tests may be written as they are, but are formatted without complaint, once and for all.
for f in "$root"/tests/cases/*/spec/*.aipc.yaml; do
	[[ $f != */yaml-mistakes/* ]] || continue
	aipc fmt - <"$f" >once || fail "$f cannot be formatted"
	aipc fmt --check - <once || fail "$f is not stable"
done
command -v python3 >/dev/null || skip "no python3"
python3 "$root/tests/e2e/fmt_random.py" 0 150 || fail "random files"

printf 'a:   1\n\n\n\nb: [ 1,2 ]\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9\nj: "x"' >one.aipc.yaml
chmod 640 one.aipc.yaml
mkdir sub .hidden
cp one.aipc.yaml sub/two.aipctest.yaml
cp one.aipc.yaml .hidden/three.aipc.yaml
ln -s one.aipc.yaml link.yaml
cp one.aipc.yaml before
want 1 "one.aipc.yaml" aipc fmt --check
want 0 "@@ -1,8 +1,6 @@" aipc fmt --diff
cmp one.aipc.yaml before || fail "--check or --diff wrote"
if command -v patch >/dev/null; then
	aipc fmt --diff >d
	cp before patched
	patch -s patched d
fi
want 0 "link.yaml" aipc fmt link.yaml
[[ -L link.yaml ]] || fail "the link is gone"
[[ $(stat -c %a one.aipc.yaml) == 640 ]] || fail "the mode is gone"
[[ ! -e patched ]] || cmp patched one.aipc.yaml || fail "the diff gives another text"
want 0 "" aipc fmt --check
want 1 "sub/two.aipctest.yaml" aipc fmt --check -r
! grep -q hidden last.out || fail "a hidden folder was read"
printf 'a: [\n' >bad.aipc.yaml
want 1 "error[E0401]" aipc fmt
want 1 "" aipc fmt nowhere
mkfifo pipe.aipc.yaml
want 1 "not a regular file" aipc fmt pipe.aipc.yaml
printf 'a:   1' | aipc fmt - >got
[[ $(cat got) == "a: 1" ]] || fail "standard input"
! printf 'a:   1' | aipc fmt --stdin --check >got || fail "--stdin --check"
want 0 '{"changed":[]}' aipc fmt --json one.aipc.yaml

# 5 MB take seconds, not minutes.
for i in $(seq 40000); do
	# shellcheck disable=SC2016 # the file holds ${...}
	printf 'item%d:   {a: 1 , b: "${var.x+1}", c: [x,y]}   # note\n' "$i"
	((i % 4)) || printf 'text%d: |\n    some text\n    more\n' "$i"
done >big.aipc.yaml
timeout 60 aipc fmt big.aipc.yaml || fail "a large file"
