/* cert - the fleet's certificate authority and each BMC's own certificate, all ECDSA P-256, made in memory.
 *
 * A BMC's key and certificate (CN and SAN IP = its address) are made when the first connection asks for them, so that
 * starting costs one key however many BMCs there are.
 */
#ifndef SIM_CERT_H
#define SIM_CERT_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/err.h"

struct ca;

int ca_new(struct ca **out, struct err *err) MUST_CHECK;
void ca_free(struct ca *ca);                 /* NULL is fine */
const char *ca_pem(const struct ca *ca);     /* borrowed */
/* A new key and a certificate for ADDR, both PEM, yours to free. */
int ca_issue(const struct ca *ca, struct in_addr addr, char **cert_pem, char **key_pem, struct err *err) MUST_CHECK;

#endif
