/* owned - what of an object in a cluster is whose, by its metadata.managedFields. Pure: no cluster is asked.
 *
 * Server-side apply keeps, for each manager, a tree of the fields it set (fieldsV1): "f:NAME" a field, "k:{...}" the item of a list with
 * these key fields, "v:VALUE" the item of a set, "." the thing itself, {} a leaf or something that is owned as a whole.
 * A list whose items are not told apart there is owned as a whole. Beyond OWNED_DEPTH levels everything counts as a whole.
 */
#ifndef PROVIDERS_KUBE_OWNED_H
#define PROVIDERS_KUBE_OWNED_H

#include <jansson.h>
#include <stdbool.h>

enum { OWNED_DEPTH = 100 };

/* The tree that MANAGER has in OBJECT by server-side apply; NULL: it owns nothing. Borrowed. */
const json_t *owned_tree(const json_t *object, const char *manager);
/* When MANAGER last changed something of OBJECT by server-side apply ("2026-11-25T12:00:00Z"); NULL: it owns nothing. */
const char *owned_time(const json_t *object, const char *manager);
/* Does anyone but MANAGER own something of OBJECT (its status aside)? */
bool owned_shared(const json_t *object, const char *manager);

/* What LIVE holds, shaped like CONFIG: only fields that CONFIG names, and what MANAGER owns besides (which an apply of CONFIG gives up, and which goes then unless others own it too).
 * DRY is what the server would make of CONFIG (a dry run), or NULL: where it makes what is there already, that is CONFIG, however it is
 * written ("1000m" is 1). A new reference. */
json_t *owned_shape(const json_t *config, const json_t *live, const json_t *dry, const char *manager);
/* Fields of CONFIG that LIVE has but MANAGER does not own, by path ("metadata.labels.a/b"; items of lists by their list), with the name of one who owns
 * them; a field that nobody owns is not in it. Added to KEPT when what is there, by SHAPE, is as wanted, else to CHANGED (objects). */
void owned_by_others(const json_t *config, const json_t *shape, const json_t *live, const char *manager, json_t *kept, json_t *changed);
/* Does MANAGER own the field that KEYS (NULL-terminated) lead to? */
bool owned_has(const json_t *object, const char *manager, const char *const *keys);

#endif
