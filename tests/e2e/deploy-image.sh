#!/usr/bin/env bash
# The image, as far as it can be had without a container engine: its root is laid out by the script that the Dockerfile runs, and the
# program runs in that root as the user of the image; what the build is given is enough for make; BuildKit's checks are clean.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
docker=$root/deploy/Dockerfile
[[ -z ${SANITIZE:-} && $build != */address* ]] || skip "the image is that of a plain build"
command -v dpkg-query >/dev/null || skip "the image is laid out from Debian's packages"

# 1. What .dockerignore lets through is all that make asks for.
mkdir context
sed -n 's/^!//p' "$docker.dockerignore" >kept
while read -r what; do
	[[ -e $root/$what ]] || fail "Dockerfile.dockerignore names $what, which is not there"
	mkdir -p "context/$(dirname "$what")"
	cp -r "$root/${what%/}" "context/$(dirname "$what")/"
done <kept
make -C context -n build/aipc-runtime >make.out 2>&1 || { tail -n 5 make.out; fail "make asks for more than the build is given"; }
grep -q 'runtime/main.o' make.out || { tail -n 5 make.out; fail "make would not build the program"; }

# 2. The root of the image: small, and nothing in it but what the program needs.
"$root/deploy/image-root" "$build/aipc-runtime" "$work/image" >size.out || fail "deploy/image-root"
kilobytes=$(du -sk image | cut -f1)
((kilobytes < 60 * 1024)) || fail "the image has $kilobytes kB"
find image -type f -perm /111 -not -name '*.so*' -not -path image/usr/bin/aipc-runtime >programs
if [[ -s programs ]]; then cat programs; fail "programs beside ours"; fi
find image -type f -perm /6000 >setuid
if [[ -s setuid ]]; then cat setuid; fail "setuid files"; fi
[[ -s image/usr/share/doc/libc6/copyright ]] || fail "no licences"
if "$root/deploy/image-root" "$build/aipc-runtime" "$work/image" 2>/dev/null; then fail "a root that is there was written over"; fi

# 3. It runs there as the user of the image.
user=$(sed -n 's/^USER //p' "$docker")
entry=$(sed -n 's/^ENTRYPOINT \["\(.*\)"\]$/\1/p' "$docker")
grep -q "^nonroot:x:$user:" image/etc/passwd || fail "USER $user is not in the image"
ran="not run (needs root)"
if [[ $(id -u) == 0 ]]; then
	[[ $(chroot --userspec="$user" image "$entry" version) == "aipc-runtime $(<"$root/VERSION")" ]] || fail "the program does not run in the image"
	chroot --userspec="$user" image "$entry" crds | cmp - <(aipc-runtime crds) || fail "the program in the image prints other kinds"
	ran="runs as $user"
fi

# 4. Lint.
tools=$("$root/scripts/tools" --path dockerfile-lint 2>tools.err | tail -n 1) || true
linted="not linted: $(sed 's|^scripts/tools: ||' tools.err | tail -n 1)"
if [[ -n $tools ]]; then
	"$tools/dockerfile-lint" "$docker" || fail "BuildKit's checks"
	printf 'from debian as Base\nCMD sh -c true\n' >bad
	if "$tools/dockerfile-lint" bad >bad.out; then fail "a bad Dockerfile passes the checks"; fi
	linted=linted
fi
echo "$((kilobytes / 1024)) MB, $ran, $linted"
