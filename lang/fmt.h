/* fmt - the canonical layout of a spec file: same meaning, same comments, one way to write it.
 *
 * Works from the marks of libyaml's tokens and the text between them, which is white space and comments. Line breaks stay where the
 * author put them; these change:
 *   - two spaces a level, also for lists under a key; in a flow collection that spans lines, two for each line that opens one;
 *   - `a: 1`, `- a`, `{ a: 1 }`, `[a, b]`, `{}`, `[]`: one space where there is any;
 *   - quotes: "..." unless the text holds a double quote and no single one; only where the value is certainly the same;
 *   - inside ${...} and %{...}: one space around operators, none inside parentheses; never across a line break;
 *   - at most one empty line in a row, none at the start, no white space at the end of a line, one line break at the end of the file;
 *     LF line ends, no byte order mark.
 * A comment behind a value keeps its column where it stood more than one space away, so that aligned comments stay aligned; nothing
 * else is aligned. A comment on a line of its own is indented like the block it stands in. The text of block scalars keeps its own
 * indentation, relative to the block.
 *
 * The result is proven before it is given out: it must parse to the same values (expressions compared as trees) and hold
 * the same comments in the same order.
 */
#ifndef LANG_FMT_H
#define LANG_FMT_H

#include "base/str.h"
#include "lang/diag.h"

enum { FMT_MAX = 64 << 20 };                 /* bytes of one file */

/* Where each line of the result comes from: the number (from 1) of the line of the source that it was made of. */
struct fmt_lines { uint32_t *at; size_t len, cap; };

/* The formatted text of SRC, appended to OUT (which must be empty). E_INPUT after diagnostics: it is no YAML, or an expression in
 * it cannot be read. E_INTERNAL: the proof failed; the file is to be left alone. LINES (may be NULL) is the caller's to vec_free. */
int fmt_text(const struct source *src, struct diags *d, struct str *out, struct fmt_lines *lines, struct err *err) MUST_CHECK;

#endif
