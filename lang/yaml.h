/* yaml - YAML text as a compact tree whose every node knows its place.
 *
 * Scanned by libyaml, resolved here by the core schema of YAML 1.2: only true/True/TRUE, false, null, ~ and numbers are no strings
 * (`no`, `on` and 1:30 are); 0o17 and 0x1f are whole numbers; what is quoted is a string. Refused with a diagnostic: keys given
 * twice in one map, merge keys (`<<`), keys that are no scalars, tags other than those of the core schema, infinities, several
 * documents (unless MULTI), control characters, text that is not UTF-8, nesting beyond YAML_DEPTH, more than YAML_NODES nodes,
 * aliases that stand for more than YAML_ALIASED nodes together.
 * Nodes live in the arena, 16 bytes each and 8 for what stands there, which short texts and words that occur again share; keys keep
 * their order. Text is not normalised.
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

/* What stands at a place. Never changed: several nodes may have one. */
struct ybody {
	uint32_t n;                  /* bytes of the text; members; pairs */
	uint8_t kind, style;
	bool b;                      /* of a bool */
	bool live;                   /* "${" or "%{" stands somewhere inside */
	char s[];                    /* scalars: the text, terminated; of a number, digits that val_number_text() reads; else yaml_kids() */
};
struct ynode {
	/* Byte offsets: of the first character, quote or indicator, behind anchors and tags; behind the last one. Of a block map or list,
	 * its first key or dash stands for it. A block scalar ends where the next line begins. OFF when there is nothing. */
	uint32_t off, end;
	const struct ybody *is;
};
/* The members of a sequence, n; of a map 2 n, key and value in turn (keys are strings). */
static inline struct ynode *yaml_kids(const struct ynode *n) { return (struct ynode *)(uintptr_t)n->is->s; }

struct yaml_seen { uint32_t off, line, col; };
struct yaml_file {
	const struct arena *arena;   /* where the nodes and their texts are */
	struct source src;           /* without a byte order mark */
	const uint32_t *lines;       /* byte offset of each line */
	uint32_t n_lines;
	struct yaml_seen *seen;      /* the last place that was asked for: places are asked for in order, so a long line is walked once */
	struct ynode *docs;          /* the documents; an empty file has none */
	size_t n_docs;
};

/* False after a diagnostic. SRC->text (at most 4 GiB) is borrowed; *OUT lives in A. */
bool yaml_parse(struct arena *a, const struct source *src, bool multi, struct diags *d, struct yaml_file **out);
/* The line and column of the byte at OFF. */
struct mark yaml_place(const struct yaml_file *f, uint32_t off);
struct mark yaml_mark(const struct yaml_file *f, const struct ynode *n);
/* The place of the bytes [OFF, OFF+LEN) of a scalar's text, through quotes, escapes, folding and indentation. */
struct mark yaml_mark_in(const struct yaml_file *f, const struct ynode *n, uint32_t off, uint32_t len);
/* The value of KEY in a map; *KEY_NODE (may be NULL) the key's node. NULL when absent or N is no map. */
const struct ynode *yaml_get(const struct ynode *n, const char *key, const struct ynode **key_node);
/* "a string", "a map", ... */
const char *yaml_kind_name(const struct ynode *n);

#endif
