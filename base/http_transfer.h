/* http_transfer - one request in the hands of curl: how its handle is set up, what curl asks and tells meanwhile, and what a failure
 * means; for http.c only, which has the loop, the connections and the order of requests.
 */
#ifndef BASE_HTTP_TRANSFER_H
#define BASE_HTTP_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/http.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/task.h"

enum { HTTP_CONNECT_MS = 8000 };     /* when the request does not say */

struct shard;

/* One request under way. Lives on its task's stack; the callbacks of curl fill it. */
struct transfer {
	struct task *t;
	const struct http_request *q;
	struct shard *shard;
	bool http2;
	CURL *easy;
	char *host;                  /* for messages */
	int port, local_port;
	struct str body;
	VEC(struct http_header) headers;
	size_t header_bytes;
	FILE *file;
	curl_off_t file_size;
	struct curl_slist *list;
	curl_mime *mime;
	int64_t moved_at;            /* when a byte last went either way */
	curl_off_t moved, uploaded;
	unsigned attempts;           /* how often curl was about to send the request */
	unsigned allowed;            /* how often it may be */
	struct curl_slist *connect_to;
	bool sinking, asked;         /* the body goes to the sink; whether sink_wanted was asked */
	bool headed;                 /* all headers of the final reply are there */
	bool done, too_large, headers_too_large, ended, refused_replay, file_failed;
	CURLcode code;
	char text[CURL_ERROR_SIZE];
};

/* With an easy handle in X that curl has just made or reset, and host and port: everything curl must know. */
int transfer_set_up(struct transfer *x, struct err *err) MUST_CHECK;
void transfer_release(struct transfer *x);   /* all but the handle, which must not use it any more; zeroed is fine */

int transfer_status(const struct transfer *x);       /* the reply's so far; 0: none */
/* Curl is done with X, in vain: was it the connection, or its stream of HTTP/2, that ended early? */
bool transfer_broke(const struct transfer *x);
/* ... but the server had refused before: its status is the answer, and X's body is empty now. */
bool transfer_refused(struct transfer *x);
int transfer_failure(const struct transfer *x, struct err *err);     /* ERR says what failed; returns its code */

#endif
