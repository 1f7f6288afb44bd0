#include "base/httpd_cert.h"

#include <arpa/inet.h>
#include <string.h>
#include <uthash.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

struct entry {
	struct in_addr local;
	struct cert cert;
	UT_hash_handle hh;
};

struct cert_cache {
	cert_fn *ask;
	void *ctx;
	struct entry *entries;
};

static void entry_free(struct entry *e)
{
	for (unsigned i = 0; i < e->cert.len; i++)
		gnutls_pcert_deinit(&e->cert.chain[i]);
	if (e->cert.key)
		gnutls_privkey_deinit(e->cert.key);
	free(e);
}

static gnutls_datum_t datum(const char *pem)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)pem, .size = (unsigned)strlen(pem) };
}

static struct entry *entry_new(struct cert_cache *c, struct in_addr local)
{
	const char *cert_pem = NULL, *key_pem = NULL;
	char name[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &local, name, sizeof(name));
	if (c->ask(c->ctx, local, &cert_pem, &key_pem) != 0 || !cert_pem || !key_pem) {
		log_debug("no certificate for %s", name);
		return NULL;
	}
	struct entry *e = xcalloc(1, sizeof(*e));
	gnutls_datum_t chain = datum(cert_pem), key = datum(key_pem);
	unsigned len = ARRAY_LEN(e->cert.chain);
	int rc = gnutls_pcert_list_import_x509_raw(e->cert.chain, &len, &chain, GNUTLS_X509_FMT_PEM, 0);
	if (rc >= 0) {
		e->cert.len = len;
		rc = gnutls_privkey_init(&e->cert.key);
	}
	if (rc >= 0)
		rc = gnutls_privkey_import_x509_raw(e->cert.key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0) {
		log_debug("the certificate for %s cannot be used: %s", name, gnutls_strerror(rc));
		entry_free(e);
		return NULL;
	}
	e->local = local;
	return e;
}

struct cert_cache *cert_cache_new(cert_fn *ask, void *ctx)
{
	struct cert_cache *c = xcalloc(1, sizeof(*c));
	c->ask = ask;
	c->ctx = ctx;
	return c;
}

void cert_cache_free(struct cert_cache *c)
{
	struct entry *e, *next;
	if (!c)
		return;
	HASH_ITER(hh, c->entries, e, next) {
		HASH_DEL(c->entries, e);
		entry_free(e);
	}
	free(c);
}

struct cert *cert_for(struct cert_cache *c, struct in_addr local)
{
	struct entry *e;
	HASH_FIND(hh, c->entries, &local, sizeof(local), e);
	if (!e) {
		e = entry_new(c, local);
		if (!e)
			return NULL;
		HASH_ADD(hh, c->entries, local, sizeof(e->local), e);
	}
	return &e->cert;
}
