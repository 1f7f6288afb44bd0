/* session - logging in to one BMC and out again. Internal to the connection: all calls hold the BMC's gate. */
#ifndef PROVIDERS_REDFISH_SESSION_H
#define PROVIDERS_REDFISH_SESSION_H

#include "providers/redfish/conn.h"

/* One exchange without any patience (conn.c). *TOKEN (may be NULL) gets X-Auth-Token, or NULL. */
int rf_exchange(struct task *t, struct rf_bmc *b, const struct rf_request *rq, struct rf_reply *out, char **token, struct err *err) MUST_CHECK;
/* Does this refusal mean "not now"? *WAIT_MS: what it asks for, or -1. */
bool rf_busy(const struct rf_reply *r, int64_t *wait_ms);

/* Makes sure that the next request carries credentials. Reads the service root first (links, quirks). E_AUTH when the
 * credentials are refused: the BMC is then not asked again in this run. *REFUSED tells that. */
int rf_login(struct task *t, struct rf_bmc *b, bool *refused, struct err *err) MUST_CHECK;
void rf_session_lost(struct rf_bmc *b);      /* its token is no longer good */
/* Sets ERR and remembers that these credentials do not work. Returns E_AUTH. */
int rf_credentials_refused(struct rf_bmc *b, const struct rf_reply *r, struct err *err);
void rf_wipe(char **text);                   /* overwrites and frees a secret */
/* PATH beside DIR unless absolute, an optional "file:" in front cut; yours. */
char *file_in(const char *dir, const char *path);

#endif
