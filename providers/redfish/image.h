/* image - getting one firmware image onto one BMC exactly once.
 *
 * The note (the operation's journal record) holds, under "images" by the image's SHA-256 (or its URL), how far it got:
 *   sending   about to be sent; "tasks_before" (null: the BMC lists no tasks) and "versions" as they were
 *   task      accepted; "task" is where to follow it (null: it named none)
 *   arrived   its task ended well: only the activation and the inventory remain
 * "claimed" says that the service's soft lock (HttpPushUriTargetsBusy) is ours, "said" what a task remarked that ended with a warning.
 * From "sending" it is sent again only when the BMC shows that it did not arrive: no task that was not there before, and the
 * inventory as it was. Where that cannot be known the operation fails and says so.
 */
#ifndef PROVIDERS_REDFISH_IMAGE_H
#define PROVIDERS_REDFISH_IMAGE_H

#include "providers/redfish/inventory.h"

struct fw_image {
	const char *source;          /* as in the spec: path or URL */
	VEC(const struct fw_pin *) pins;     /* that it serves */
};
/* Sends IMG if need be and follows its task to the end. NOTE is the operation's, changed and journalled here. */
int fw_send(struct task *t, struct fw *f, struct op *op, const struct fw_image *img, json_t *note, struct err *err) MUST_CHECK;
/* Journals NOTE with STEP as its last word. */
int fw_journal(struct task *t, struct op *op, json_t *note, const char *step, struct err *err) MUST_CHECK;
bool fw_is_url(const char *source);          /* of a scheme that a BMC may fetch by */
bool fw_url_has_user(const char *source);    /* "https://user:word@host/..." */

/* How UpdateService takes images. Chosen by fw_way(); pure. */
enum fw_way { WAY_NONE, WAY_MULTIPART, WAY_SIMPLE, WAY_PUSH };
enum fw_way fw_way(const json_t *service, bool url);

#endif
