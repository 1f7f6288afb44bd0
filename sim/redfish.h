/* redfish - one Redfish service as a function: request in, reply out, no sockets.
 *
 * Written from DSP0266 (protocol) and the DMTF schemas; errors carry @Message.ExtendedInfo with ids of the Base registry.
 * bmc_settle() is called first, so a reply is true for that moment.
 */
#ifndef SIM_REDFISH_H
#define SIM_REDFISH_H

#include "sim/model.h"

struct upload;

struct redfish_request {
	const char *method, *path, *query;   /* path percent-decoded, without query; query raw or "" */
	const char *body; size_t len;
	const char *(*header)(const void *arg, const char *name);    /* any case; NULL when absent; may be NULL */
	const void *header_arg;
	struct upload *upload;       /* the image this request carried, taken piecewise (sim/upload.h), or NULL */
};

enum { REDFISH_HEADERS = 14 };

struct redfish_reply {
	int status;
	char *body; size_t len;      /* free(); NULL: none */
	struct { char *name, *value; } headers[REDFISH_HEADERS]; unsigned n_headers;
	/* SimpleUpdate: the caller shall fetch this and then call update_image() or update_no_image(). */
	char *fetch_uri;             /* free(); NULL: nothing */
	unsigned fetch_task;
	bool stream;                 /* server-sent events begin: the caller owns the stream of subscription `sub` */
	char *sub;                   /* free() */
};

void redfish_handle(struct bmc *b, const struct redfish_request *rq, struct redfish_reply *rp);
void redfish_reply_release(struct redfish_reply *rp);
const char *redfish_reply_header(const struct redfish_reply *rp, const char *name);  /* NULL when absent */
/* An error reply made from outside (faults): STATUS with a Base message of that status. */
void redfish_fail(struct redfish_reply *rp, int status, int retry_after);

#endif
