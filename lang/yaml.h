/* yaml - YAML text as a compact tree whose every node knows its place.
 *
 * Scanned by libyaml, resolved here by the core schema of YAML 1.2: only true/True/TRUE, false, null, ~ and numbers are no strings
 * (`no`, `on` and 1:30 are); 0o17 and 0x1f are whole numbers; what is quoted is a string. Refused with a diagnostic: keys given
 * twice in one map, merge keys (`<<`), keys that are no scalars, tags other than those of the core schema, infinities, several
 * documents (unless MULTI), control characters, text that is not UTF-8, nesting beyond YAML_DEPTH, more than YAML_NODES nodes,
 * aliases that stand for more than YAML_ALIASED nodes together.
 * Nodes live in the arena, about 32 bytes each beside their text; keys keep their order. Text is not normalised.
 */
#ifndef LANG_YAML_H
#define LANG_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/diag.h"

enum { YAML_DEPTH = 200, YAML_NODES = 5000000, YAML_ALIASED = 1000000 };
enum ykind { Y_NULL, Y_BOOL, Y_NUMBER, Y_STRING, Y_SEQ, Y_MAP };
enum ystyle { YS_PLAIN, YS_SINGLE, YS_DOUBLE, YS_LITERAL, YS_FOLDED };

struct ynode {
	uint32_t line, col;          /* of the first character, quote or indicator, behind anchors and tags */
	uint32_t down;               /* lines below on which it ends; of a block map or list 0: its first key or dash stands for it */
	uint32_t len;                /* DOWN 0: code points; else the column behind its last character, which block scalars do not use */
	uint32_t n;                  /* bytes of the text; members; pairs */
	union {
		const char *s;       /* scalars: the text, terminated; of a number, digits that val_number_text() reads */
		struct ynode *kids;  /* sequences: n; maps: 2 n, key and value in turn (keys are strings) */
	};
	uint8_t kind, style;
	bool b;                      /* of a bool */
	bool live;                   /* "${" or "%{" stands somewhere inside */
};

struct yaml_file {
	struct source src;           /* without a byte order mark */
	const uint32_t *lines;       /* byte offset of each line */
	uint32_t n_lines;
	struct ynode *docs;          /* the documents; an empty file has none */
	size_t n_docs;
};

/* False after a diagnostic. SRC->text (at most 4 GiB) is borrowed; *OUT lives in A. */
bool yaml_parse(struct arena *a, const struct source *src, bool multi, struct diags *d, struct yaml_file **out);
struct mark yaml_mark(const struct yaml_file *f, const struct ynode *n);
/* The place of the bytes [OFF, OFF+LEN) of a scalar's text, through quotes, escapes, folding and indentation. */
struct mark yaml_mark_in(const struct yaml_file *f, const struct ynode *n, uint32_t off, uint32_t len);
/* The value of KEY in a map; *KEY_NODE (may be NULL) the key's node. NULL when absent or N is no map. */
const struct ynode *yaml_get(const struct ynode *n, const char *key, const struct ynode **key_node);
/* "a string", "a map", ... */
const char *yaml_kind_name(const struct ynode *n);

#endif
