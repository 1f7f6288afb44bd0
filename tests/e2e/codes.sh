#!/usr/bin/env bash
# Every code that the sources can report has a text for `aipc explain`, and every text has a code that is reported.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
cd "${root:?}"
rooms="lang engine providers cli"
# shellcheck disable=SC2086 # the rooms are words
grep -rohE --include='*.[ch]' --exclude=codes.c '"[EW][0-9]{4}"' $rooms | tr -d '"' | sort -u >"${work:?}/used"
grep -oE '^	\{ "[EW][0-9]{4}"' lang/codes.c | grep -oE '[EW][0-9]{4}' | sort >"$work/told"
(($(wc -l <"$work/used") > 100)) || fail "the codes of the sources were not found"
missing=$(comm -23 "$work/used" "$work/told" | tr '\n' ' ')
[[ -z $missing ]] || fail "no text for $missing"
stale=$(comm -13 "$work/used" "$work/told" | tr '\n' ' ')
[[ -z $stale ]] || fail "nothing reports $stale"
