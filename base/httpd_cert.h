/* httpd_cert - which certificate a TLS server shows on which local address. Internal to base/httpd.c.
 *
 * Asks the owner once per address and keeps the parsed chain and key for the life of the cache.
 */
#ifndef BASE_HTTPD_CERT_H
#define BASE_HTTPD_CERT_H

#include <gnutls/abstract.h>
#include <netinet/in.h>

struct cert {
	gnutls_pcert_st chain[8];
	unsigned len;
	gnutls_privkey_t key;
};

struct cert_cache;

typedef int cert_fn(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem);

struct cert_cache *cert_cache_new(cert_fn *ask, void *ctx);
void cert_cache_free(struct cert_cache *c);  /* NULL is fine; no TLS session may use it any more */
/* NULL: there is none for this address, or it cannot be parsed (said in the debug log). */
struct cert *cert_for(struct cert_cache *c, struct in_addr local);

#endif
