/* certs - throw-away certificates for tests and benches, made with libcrypto. */
#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct authority { X509 *cert; EVP_PKEY *key; };
struct identity { char *cert_pem, *key_pem; char pin[64]; };

static inline char *certs_bio_text(BIO *b)
{
	char *data;
	long len = BIO_get_mem_data(b, &data);
	char *text = xstrndup(data, (size_t)len);
	BIO_free(b);
	return text;
}

static inline void certs_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!e || X509_add_ext(x, e, -1) != 1)
		BUG("extension %d: %s", nid, value);
	X509_EXTENSION_free(e);
}

static inline X509 *certs_make(EVP_PKEY *key, const char *name, const struct authority *ca, const char *san)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, ca ? X509_get_subject_name(ca->cert) : n);
	if (san)
		certs_extend(x, ca->cert, NID_subject_alt_name, san);
	else
		certs_extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(x, ca ? ca->key : key, EVP_sha256());
	return x;
}

static inline struct authority certs_authority(const char *name)
{
	struct authority a = { .key = EVP_EC_gen("P-256") };
	a.cert = certs_make(a.key, name, NULL, NULL);
	return a;
}

static inline void certs_authority_release(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static inline void certs_authority_write(const struct authority *a, const char *path)
{
	FILE *f = fopen(path, "w");
	if (!f || PEM_write_X509(f, a->cert) != 1)
		BUG("cannot write %s", path);
	fclose(f);
}

/* SAN as "IP:127.0.0.1" or "DNS:name". */
static inline struct identity certs_identity(const struct authority *ca, const char *name, const char *san)
{
	struct identity id = { 0 };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certs_make(key, name, ca, san);
	BIO *b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, x);
	id.cert_pem = certs_bio_text(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
	id.key_pem = certs_bio_text(b);
	unsigned char *der = NULL, sum[32];
	int len = i2d_PUBKEY(key, &der);
	EVP_Digest(der, (size_t)len, sum, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	strcpy(id.pin, "sha256//");
	EVP_EncodeBlock((unsigned char *)id.pin + 8, sum, sizeof(sum));
	X509_free(x);
	EVP_PKEY_free(key);
	return id;
}

static inline void certs_identity_release(struct identity *id)
{
	free(id->cert_pem);
	free(id->key_pem);
}

#endif
