/* http_silent - ends a shared connection that died without anyone having said so; for http.c only.
 *
 * An HTTP/2 connection does not end with one request that timed out, so curl would go on putting requests on a dead one (a cable,
 * a firewall, a peer that hangs) for as long as the kernel sends again, a quarter of an hour. When nothing at all came on it
 * for as long as that request waited, it is ended, and the next request makes a new one.
 */
#ifndef BASE_HTTP_SILENT_H
#define BASE_HTTP_SILENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum { HTTP_SILENT_MS = 1000 };      /* a connection may be without a byte for so long, whatever times out on it */

struct http_sockets { VEC(int) fd; };        /* those that transfers wait on */

void http_sockets_note(struct http_sockets *s, int fd, bool watched);
/* The one with LOCAL_PORT, on which a request waited in vain for WAITED_MS: true when it was silent and is ended. */
bool http_sockets_end_silent(const struct http_sockets *s, int local_port, int64_t waited_ms);

#endif
