/* schema - attribute tables: one table validates, completes, compares, redacts and documents.
 *
 * A table is an array of struct attr that ends with a zeroed one. It is const data of a provider.
 */
#ifndef ENGINE_SCHEMA_H
#define ENGINE_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum attr_type { ATTR_ANY, ATTR_BOOL, ATTR_INT, ATTR_NUMBER, ATTR_STRING, ATTR_LIST, ATTR_MAP, ATTR_OBJECT };

enum attr_flags {
	ATTR_REQUIRED = 1 << 0,
	ATTR_COMPUTED = 1 << 1,      /* set by the provider, may not be in the spec (with OPTIONAL too: may) */
	ATTR_OPTIONAL_COMPUTED = 1 << 2,   /* the spec's value wins; absent, the world's is kept */
	ATTR_REPLACE = 1 << 3,       /* a change needs delete and create */
	ATTR_META = 1 << 4,          /* steers the provider (image path, time limit); its change alone is no change of the world */
	ATTR_STATUS = 1 << 5,        /* reported for people; never compared */
	ATTR_SECRET = 1 << 6,        /* holds a reference env:NAME or file:PATH, never the secret itself */
	ATTR_ELIDE = 1 << 7,         /* left out of the shown path: components.BMC.version is shown as BMC */
	ATTR_GLOB_KEYS = 1 << 8,     /* a map whose keys are patterns */
	ATTR_IDENTITY = 1 << 9,      /* a string that, with the type, says which thing in the world it is: no two objects may share it */
	ATTR_ACCESS = 1 << 10,       /* of a provider: only for talking to the world, so it may be ephemeral (as a secret may) */
};

struct attr {
	const char *name;
	enum attr_type type;
	unsigned flags;
	const char *help;            /* one sentence */
	const char *deflt;           /* JSON text, or NULL. "null": absent is a value of its own, so leaving it out removes it */
	enum attr_type elem;         /* of a list or map */
	const struct attr *fields;   /* of an object, or of a list's or map's object members */
	const char *const *values;   /* a string's allowed values, NULL-terminated; NULL: any */
	double min, max;             /* of a number, when min < max */
};

/* Reports one mistake: PATH as in lang_mark() (NULL-terminated), KEY true when the key itself is wrong; NEAR lists names for
 * "did you mean" or is NULL. CODE: E0108 unknown attribute, E0109 missing, E0110 wrong type, E0111 not allowed value. */
typedef void schema_report_fn(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
			      const char *word, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/* Checks CONFIG against ATTRS and returns a new completed one: defaults filled in, "5" to 5 and 5 to "5" where the schema
 * wants (as Terraform converts), null members dropped, lang_unknown() let through anywhere. NULL after mistakes (reported). */
json_t *schema_complete(const struct attr *attrs, const json_t *config, schema_report_fn *report, void *ctx);
const struct attr *attr_find(const struct attr *attrs, const char *name);
/* The type of the attribute, member or element that PATH names; ATTR_ANY when the table does not say. */
enum attr_type schema_type_at(const struct attr *attrs, const char *const *path);
/* JSON Schema (draft-07) of an attribute table, with help texts. */
json_t *schema_to_json(const struct attr *attrs);

#endif
