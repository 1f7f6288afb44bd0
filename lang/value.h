/* value - what expressions compute: immutable values with types, unknown and marks (sensitive, ephemeral).
 *
 * The model is the one Terraform's users know: null, bool, number (512-bit binary float, fast path for what an int64 or
 * double holds exactly), string (UTF-8, NFC), list(T), set(T), map(T), tuple([...]), object({...}). Literals make tuples
 * and objects; conversion and unification make the rest. A null has a type; so has an unknown (T_DYNAMIC when not known).
 * Values live in an arena and share structure; nothing is ever changed in place. Maps, objects and sets are sorted (keys by
 * bytes; set members: strings by bytes, numbers by size, false first, null last; lists, tuples, maps and
 * objects by a text of their members, see val_cmp()), so iteration order is their order and look-up is a binary search.
 * The marks (sensitive, ephemeral) are on a value or inside it; val_sensitive_deep() looks inside. Whatever is computed from a marked
 * value is marked by the evaluator and the function caller, not by each function.
 */
#ifndef LANG_VALUE_H
#define LANG_VALUE_H

#include <stdint.h>                /* before mpfr.h, which then knows intmax_t */
#include <jansson.h>
#define MPFR_USE_INTMAX_T
#include <mpfr.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum type_kind { T_DYNAMIC, T_BOOL, T_NUMBER, T_STRING, T_LIST, T_SET, T_MAP, T_TUPLE, T_OBJECT };

struct type;
struct val;
struct type_field { const char *name; const struct type *type; bool optional; const struct val *deflt; };
struct type {
	enum type_kind kind : 8;
	bool of_value;                               /* tuple, object: the type of a value that was made, read off OF */
	uint32_t n;                                  /* tuple: items; object: fields */
	union {
		const struct type *elem;             /* list, set, map */
		const struct type *const *items;     /* tuple */
		const struct type_field *fields;     /* object: sorted by name */
		const struct val *of;                /* OF_VALUE: known, with N members */
	};
};
static inline bool type_has_elem(const struct type *t) { return t->kind == T_LIST || t->kind == T_SET || t->kind == T_MAP; }
/* Of a tuple or an object, I < n: the type of the item or field; of an object, the field. */
static inline const struct type *type_item(const struct type *t, size_t i);
static inline struct type_field type_field(const struct type *t, size_t i);
extern const struct type type_dynamic, type_bool, type_number, type_string;
const struct type *type_list(struct arena *a, const struct type *elem);
const struct type *type_set(struct arena *a, const struct type *elem);
const struct type *type_map(struct arena *a, const struct type *elem);
const struct type *type_tuple(struct arena *a, const struct type *const *items, size_t n);       /* copies the array */
const struct type *type_object(struct arena *a, const struct type_field *fields, size_t n);      /* copies; sorts; last of a name wins */
bool type_is_dynamic(const struct type *t);          /* T_DYNAMIC, or has such a part */
/* Do values of FROM convert to TO as far as types can tell (the text of a string may still be no number)? */
bool type_converts(const struct type *from, const struct type *to);
bool type_same(const struct type *x, const struct type *y);
/* "list of string", "object with attributes "a" and "b"", as messages say it. */
void type_describe(const struct type *t, struct str *out);
/* "list(string)", "object({a=number})": the notation of type constraints. */
void type_write(const struct type *t, struct str *out);
/* The one type all TYPES convert to, as `[...]` to list and a conditional do; NULL when there is none. */
const struct type *type_unify(struct arena *a, const struct type *const *types, size_t n);

enum val_marks { MARK_SENSITIVE = 1 /* never shown */, MARK_EPHEMERAL = 2 /* never stored, nor shown */ };
enum val_state { VAL_KNOWN, VAL_NULL, VAL_UNKNOWN };
enum num_form { NUM_INT, NUM_BIG };

/* 24 bytes: a length stands beside the states, which every kind of value has. */
struct val {
	const struct type *type;
	union {
		struct {
			uint8_t state;               /* enum val_state */
			uint8_t marks;               /* enum val_marks */
			uint8_t form;                /* enum num_form, of a known number */
			union {
				bool b;
				int64_t i;           /* NUM_INT */
				mpfr_srcptr big;     /* NUM_BIG: 512 bits, finite, lives in the arena (mpfr_custom_*) */
			};
		};
		struct { uint32_t head_, len; const char *s; } str;                    /* terminated; may hold NUL bytes inside */
		struct { uint32_t head_, len; const struct val *const *at; } seq;      /* list, set, tuple */
		struct { uint32_t head_, len; const struct val_entry *at; } map;       /* map, object: sorted by key */
	};
};
struct val_entry { const char *key; const struct val *val; };
_Static_assert(sizeof(struct type) == 16 && sizeof(struct val) == 24, "what stands in memory by the million");

static inline const struct type *type_item(const struct type *t, size_t i)
{
	if (t->kind == T_OBJECT)
		return t->of_value ? t->of->map.at[i].val->type : t->fields[i].type;
	return t->of_value ? t->of->seq.at[i]->type : t->items[i];
}

static inline struct type_field type_field(const struct type *t, size_t i)
{
	return t->of_value ? (struct type_field){ .name = t->of->map.at[i].key, .type = t->of->map.at[i].val->type } : t->fields[i];
}

/* --- making ------------------------------------------------------------------------------------------------- */
extern const struct val val_true, val_false, val_null_dynamic, val_unknown_dynamic;
const struct val *val_bool(bool b);
const struct val *val_int(struct arena *a, int64_t i);
const struct val *val_double(struct arena *a, double d);            /* finite */
const struct val *val_big(struct arena *a, mpfr_srcptr n);          /* copies; reduces to NUM_INT where exact */
/* Number text as the language reads it ("010", ".5", "5.", "+1", "1e400", not " 1"); NULL when it is none. */
const struct val *val_number_text(struct arena *a, const char *s, size_t len);
const struct val *val_string(struct arena *a, const char *s);       /* normalises to NFC; invalid UTF-8 becomes U+FFFD */
const struct val *val_stringn(struct arena *a, const char *s, size_t len);
const struct val *val_string_nfc(struct arena *a, const char *s, size_t len);      /* S is UTF-8 and NFC already */
bool val_is_ascii(const char *s, size_t len);                       /* then it is NFC as it is */
const struct val *val_null(struct arena *a, const struct type *t);
const struct val *val_unknown(struct arena *a, const struct type *t);
const struct val *val_tuple(struct arena *a, const struct val *const *at, size_t n);           /* copies the array */
const struct val *val_list(struct arena *a, const struct type *elem, const struct val *const *at, size_t n);  /* members are of ELEM */
const struct val *val_set(struct arena *a, const struct type *elem, const struct val *const *at, size_t n);   /* sorts, drops repeats */
const struct val *val_map(struct arena *a, const struct type *elem, const struct val_entry *at, size_t n);    /* sorts; last of a key wins */
const struct val *val_object(struct arena *a, const struct val_entry *at, size_t n);                           /* same */
/* The same without a copy: S (NFC, terminated) and AT live as long as A and are the value's from here on; val_object_of() sorts AT. T: the
 * type where a value with these types of members (and, in order and no repeats, these keys) has it already; NULL: it is made. */
const struct val *val_string_of(struct arena *a, const char *s, size_t len);
const struct val *val_tuple_of(struct arena *a, const struct type *t, const struct val *const *at, size_t n);
const struct val *val_object_of(struct arena *a, const struct type *t, struct val_entry *at, size_t n);
size_t val_sort_entries(struct val_entry *at, size_t n);            /* by key; the last of a key stays; how many are left */
const struct val *val_mark(struct arena *a, const struct val *v, unsigned marks);   /* V with those marks at its top; V itself when same */
const struct val *val_unmark_deep(struct arena *a, const struct val *v);

/* --- asking ------------------------------------------------------------------------------------------------- */
static inline bool val_known(const struct val *v) { return v->state == VAL_KNOWN; }
static inline bool val_is_null(const struct val *v) { return v->state == VAL_NULL; }
static inline enum type_kind val_kind(const struct val *v) { return v->type->kind; }
bool val_known_deep(const struct val *v);
bool val_open_set(const struct val *v);              /* a set of several, one of which is not known: they may turn out to be the same */
unsigned val_sensitive_deep(const struct val *v);    /* the marks on V and inside it; 0: it may be shown and stored */
size_t val_len(const struct val *v);                 /* members of a known collection; 0 else */
const struct val *val_get(const struct val *v, const char *key);     /* map, object: NULL when absent */
/* `==`: same type and same value, never converting; unknown anywhere that matters gives unknown. */
const struct val *val_equal(struct arena *a, const struct val *x, const struct val *y);
int val_cmp(const struct val *x, const struct val *y);               /* total order of set members of one type */
void val_to_mpfr(const struct val *n, mpfr_ptr out);                 /* a known number; OUT initialised with 512 bits */
bool val_to_int64(const struct val *n, int64_t *out);                /* false when it is no whole number in range */
double val_to_double(const struct val *n);
void val_number_write(const struct val *n, struct str *out);         /* all digits, as a template prints it */
/* "10", "\"a\"", "list of 3 strings", "(sensitive)", "unknown": at most 60 columns, for notes in diagnostics. */
void val_describe(const struct val *v, struct str *out);

/* V as the console prints it: members on lines of their own, tolist() and the like around what is no literal, text of several lines as
 * a heredoc, "(sensitive value)" and "(known after apply)" in place of what cannot be shown. T in the same manner. */
void val_show(const struct val *v, struct str *out);
void type_show(const struct type *t, struct str *out);
/* T as JSON: "string", ["list","number"], ["tuple",["string","bool"]], ["object",{"a":"string"}], "dynamic". */
void type_write_json(const struct type *t, struct str *out);

/* --- converting --------------------------------------------------------------------------------------------- */
/* V as T (of a constraint or unification; T_DYNAMIC parts take what is there; optional fields get their defaults, extra
 * object attributes are dropped). E_INPUT with the reason ("a number is required", with the path inside) when impossible. */
int val_convert(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err) MUST_CHECK;

/* --- JSON ---------------------------------------------------------------------------------------------------- */
/* Objects and arrays become objects and tuples. */
const struct val *val_from_json(struct arena *a, const json_t *j);
/* Exact digits, keys sorted, `<>&` escaped when HTML_SAFE (jsonencode does); unknown or (without SHOW) sensitive inside is
 * E_INPUT, as is nesting beyond 1,000 levels. INDENT 0: one line. */
int val_write_json(const struct val *v, int indent, bool html_safe, bool show_sensitive, struct str *out, struct err *err) MUST_CHECK;
/* As jansson: whole numbers in int64 exact, others the nearest double. Unknown becomes lang_unknown() (lang/lang.h);
 * *UNKNOWN and *MARKS (both may be NULL) tell what was inside. */
json_t *val_to_json(const struct val *v, bool *unknown, unsigned *marks);

#endif
