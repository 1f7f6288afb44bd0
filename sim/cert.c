#include "sim/cert.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { DAY = 86400, VALID_DAYS = 3650 };

struct ca {
	EVP_PKEY *key;
	X509 *cert;
	char *pem;
};

static char *bio_text(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return xstrndup(data, (size_t)n);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;

	BN_free(n);
	return ok;
}

/* A certificate of KEY for CN, signed by ISSUER (NULL: by itself, as an authority). */
static X509 *make_cert(EVP_PKEY *key, const char *cn, const char *san, const struct ca *issuer)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
	X509 *parent = issuer ? issuer->cert : cert;
	bool ok = cert && X509_set_version(cert, 2) == 1 && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), (long)VALID_DAYS * DAY) && X509_set_pubkey(cert, key) == 1 &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0) == 1 &&
		X509_set_issuer_name(cert, X509_get_subject_name(parent)) == 1;

	ok = ok && add_extension(cert, parent, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE") &&
		add_extension(cert, parent, NID_key_usage, issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign") &&
		add_extension(cert, parent, NID_subject_key_identifier, "hash") &&
		add_extension(cert, parent, NID_authority_key_identifier, "keyid:always");
	if (ok && issuer)
		ok = add_extension(cert, parent, NID_ext_key_usage, "serverAuth") &&
			add_extension(cert, parent, NID_subject_alt_name, san);
	if (ok && X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static char *cert_text(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = bio && PEM_write_bio_X509(bio, cert) == 1 ? bio_text(bio) : NULL;

	BIO_free(bio);
	return pem;
}

static char *key_text(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 ? bio_text(bio) : NULL;

	BIO_free(bio);
	return pem;
}

int ca_new(struct ca **out, struct err *err)
{
	struct ca *ca = xcalloc(1, sizeof *ca);

	ca->key = EVP_EC_gen("P-256");
	ca->cert = ca->key ? make_cert(ca->key, "aipc-sim CA", NULL, NULL) : NULL;
	ca->pem = ca->cert ? cert_text(ca->cert) : NULL;
	if (!ca->pem) {
		ca_free(ca);
		return err_set(err, E_INTERNAL, "cannot make a certificate authority");
	}
	*out = ca;
	return 0;
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	free(ca->pem);
	free(ca);
}

const char *ca_pem(const struct ca *ca)
{
	return ca->pem;
}

int ca_issue(const struct ca *ca, struct in_addr addr, char **cert_pem, char **key_pem, struct err *err)
{
	char cn[INET_ADDRSTRLEN], san[INET_ADDRSTRLEN + 8];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *cert_out = NULL, *key_out = NULL;
	X509 *cert = NULL;

	inet_ntop(AF_INET, &addr, cn, sizeof cn);
	snprintf(san, sizeof san, "IP:%s", cn);
	if (key)
		cert = make_cert(key, cn, san, ca);
	if (cert) {
		cert_out = cert_text(cert);
		key_out = key_text(key);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	if (!cert_out || !key_out) {
		free(cert_out);
		free(key_out);
		return err_set(err, E_INTERNAL, "cannot make a certificate for %s", cn);
	}
	*cert_pem = cert_out;
	*key_pem = key_out;
	return 0;
}
