/* tree - reading resources and walking links, tolerant of what real services do.
 *
 * A link that answers 404 is tried in the spellings real machines need (trailing slash, standard capitals) before it counts
 * as dangling. An error body with data beside it is data. Collections are followed through every page; pages may overlap or
 * loop, or not be linked though the count promises more ($skip is tried); Members may be null. What could not be known is said in a note, never taken for absence.
 */
#ifndef PROVIDERS_REDFISH_TREE_H
#define PROVIDERS_REDFISH_TREE_H

#include "base/mem.h"
#include "providers/redfish/conn.h"

/* GET of PATH: *OUT is an object, yours. E_NOTFOUND when it is not there (also after other spellings), else as rf_refused.
 * ETAG (may be NULL) gets the entity tag or NULL, yours. FLAGS as rf_request.flags. */
int rf_get(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, json_t **out, char **etag, struct err *err) MUST_CHECK;
/* GET of what LINK (an object with "@odata.id", or a string) names. E_NOTFOUND for an empty one. *PATH (may be NULL) gets
 * its path, yours. */
int rf_follow(struct task *t, struct rf_bmc *b, const json_t *link, const char *what, json_t **out, char **path, struct err *err) MUST_CHECK;

struct rf_links {
	VEC(char *) at;              /* paths, unique, in order */
	size_t expected;             /* what @odata.count promised, 0 when it did not say */
	bool incomplete;             /* pages missing, or fewer members than promised */
};
void rf_links_release(struct rf_links *l);
#define autolinks __attribute__((cleanup(rf_links_release)))
/* The members of the collection at PATH. E_NOTFOUND when there is no such collection. At most 20,000 members, 1,000 pages. */
int rf_members(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, struct rf_links *out, struct err *err) MUST_CHECK;

/* Last segment of PATH, percent-decoded, at most SIZE - 1 bytes. */
void rf_last_segment(const char *path, char *out, size_t size);

/* PATCH of BODY with the If-Match ladder: the ETag as given, in strong form, none, then once more with a fresh one; `*`
 * only where the platform's quirk says so. ETAG may be NULL. *OUT holds the final reply (release it); a refusal is an error. */
int rf_patch(struct task *t, struct rf_bmc *b, const char *path, const json_t *body, const char *etag, struct rf_reply *out,
	     struct err *err) MUST_CHECK;

/* --- actions ---------------------------------------------------------------------------------------------------- */
struct rf_action {
	char *target;                /* NULL: not offered */
	json_t *allowed;             /* array of words, or NULL when it does not say */
};
void rf_action_release(struct rf_action *a);
/* The action whose name ends with NAME ("ComputerSystem.Reset", "AuxPowerReset"), also among Oem ones; allowable values of
 * PARAMETER from the annotation, else from its ActionInfo. Not offered: 0 with target NULL. */
int rf_action_find(struct task *t, struct rf_bmc *b, const json_t *resource, const char *name, const char *parameter,
		   struct rf_action *out, struct err *err) MUST_CHECK;
bool rf_action_allows(const struct rf_action *a, const char *word);     /* true also when it does not say */
/* POSTs {PARAMETER: WORD} once (RF_ONCE). 0 for any status. */
int rf_action_do(struct task *t, struct rf_bmc *b, const struct rf_action *a, const char *parameter, const char *word,
		 struct rf_reply *out, struct err *err) MUST_CHECK;

#endif
