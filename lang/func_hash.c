/* Digests, UUIDs and RSA, all by OpenSSL. */
#include "lang/func_util.h"

#include <crypt.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const struct val *hex(struct func_call *c, const unsigned char *d, size_t n)
{
	char text[2 * EVP_MAX_MD_SIZE + 1];
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", d[i]);
	return val_string_nfc(c->arena, text, 2 * n);
}

static int digest(struct func_call *c, const char *data, size_t len, const EVP_MD *md, bool base64, const struct val **out, struct err *err)
{
	unsigned char d[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	autostr struct str s = { 0 };
	if (EVP_Digest(data, len, d, &n, md, NULL) != 1)
		return func_fail(c, SIZE_MAX, err, "this digest is switched off on this machine");
	if (!base64) {
		*out = hex(c, d, n);
		return 0;
	}
	str_init(&s, FUNC_TEXT);
	func_base64(d, n, &s);
	return func_text(c, &s, out, err);
}

static int of_text(struct func_call *c, const EVP_MD *md, bool base64, const struct val **out, struct err *err)
{
	return digest(c, c->args[0]->str.s, c->args[0]->str.len, md, base64, out, err);
}

static int of_file(struct func_call *c, const EVP_MD *md, bool base64, const struct val **out, struct err *err)
{
	autofree char *text = NULL;
	size_t len;
	int rc = func_read_file(c, 0, &text, &len, err);
	return rc ? rc : digest(c, text, len, md, base64, out, err);
}

#define DIGEST(name, of, md, base64) \
	int fn_##name(struct func_call *c, const struct val **out, struct err *err) { return of(c, md(), base64, out, err); }
DIGEST(md5, of_text, EVP_md5, false)
DIGEST(sha1, of_text, EVP_sha1, false)
DIGEST(sha256, of_text, EVP_sha256, false)
DIGEST(sha512, of_text, EVP_sha512, false)
DIGEST(base64sha256, of_text, EVP_sha256, true)
DIGEST(base64sha512, of_text, EVP_sha512, true)
DIGEST(filemd5, of_file, EVP_md5, false)
DIGEST(filesha1, of_file, EVP_sha1, false)
DIGEST(filesha256, of_file, EVP_sha256, false)
DIGEST(filesha512, of_file, EVP_sha512, false)
DIGEST(filebase64sha256, of_file, EVP_sha256, true)
DIGEST(filebase64sha512, of_file, EVP_sha512, true)

/* --- UUIDs --------------------------------------------------------------------------------------------------------------- */
static const struct val *uuid(struct func_call *c, unsigned char u[16], unsigned version)
{
	char text[37], *p = text;
	u[6] = (unsigned char)((u[6] & 0x0f) | version << 4);
	u[8] = (unsigned char)((u[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++)
		p += snprintf(p, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	return val_string_nfc(c->arena, text, 36);
}

int fn_uuid(struct func_call *c, const struct val **out, struct err *err)
{
	unsigned char u[16];
	(void)err;
	clock_random(u, sizeof(u));
	*out = uuid(c, u, 4);
	return 0;
}

/* With dashes, then also as "urn:uuid:..." and "{...}", or 32 digits. */
static bool parse_uuid(const char *s, unsigned char u[16])
{
	size_t n = 0, len = strlen(s);
	bool bare = len == 32, braces = len == 38 && s[0] == '{' && s[37] == '}';
	if (len == 45 && strncasecmp(s, "urn:uuid:", 9) == 0)
		s += 9;
	else if (!bare && !braces && len != 36)
		return false;
	s += braces;
	for (size_t i = 0; i < (bare ? 32 : 36); i++) {
		bool dash = !bare && (i == 8 || i == 13 || i == 18 || i == 23);
		char pair[3] = { s[i], dash ? '\0' : s[i + 1], '\0' };
		if (dash ? s[i] != '-' : strspn(pair, "0123456789abcdefABCDEF") != 2)
			return false;
		if (!dash) {
			u[n++] = (unsigned char)strtoul(pair, NULL, 16);
			i++;
		}
	}
	return true;
}

int fn_uuidv5(struct func_call *c, const struct val **out, struct err *err)
{
	static const struct { const char *name, *space; } spaces[] = {
		{ "dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8" }, { "url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8" },
		{ "oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8" }, { "x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8" },
	};
	const char *space = c->args[0]->str.s;
	autostr struct str s = { 0 };
	unsigned char u[16], d[EVP_MAX_MD_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		if (!strcmp(space, spaces[i].name))
			space = spaces[i].space;
	if (!parse_uuid(space, u))
		return func_fail(c, 0, err, "neither a UUID nor one of \"dns\", \"url\", \"oid\" and \"x500\"");
	str_init(&s, FUNC_TEXT + 16u);
	str_addn(&s, (char *)u, 16);
	str_addn(&s, c->args[1]->str.s, c->args[1]->str.len);
	if (EVP_Digest(s.at, s.len, d, NULL, EVP_sha1(), NULL) != 1)
		return func_fail(c, SIZE_MAX, err, "SHA-1 is switched off on this machine");
	*out = uuid(c, d, 5);
	return 0;
}

/* --- RSA ------------------------------------------------------------------------------------------------------------------- */
static int no_passphrase(char *buf, int size, int rw, void *arg)
{
	(void)buf, (void)size, (void)rw, (void)arg;
	return -1;
}

/* PKCS#1 v1.5 with a private key in PEM; *TEXT is the caller's. */
static bool rsa_decrypt(const char *pem, size_t len, const struct str *in, unsigned char **text, size_t *n, bool *key_ok)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	bool ok = ctx && EVP_PKEY_is_a(key, "RSA");
	*key_ok = ok;
	ok = ok && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	     EVP_PKEY_decrypt(ctx, NULL, n, (const unsigned char *)in->at, in->len) == 1;
	if (ok) {
		*text = xmalloc(*n + 1);
		ok = EVP_PKEY_decrypt(ctx, *text, n, (const unsigned char *)in->at, in->len) == 1;
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

int fn_rsadecrypt(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str in = { 0 };
	unsigned char *text = NULL;
	size_t n = 0;
	bool key_ok;
	str_init(&in, 1u << 20);
	if (!func_base64_bytes(c->args[0]->str.s, c->args[0]->str.len, &in) || str_full(&in))
		return func_fail(c, 0, err, "not base64");
	bool ok = c->args[1]->str.len < 1u << 20 && rsa_decrypt(c->args[1]->str.s, c->args[1]->str.len, &in, &text, &n, &key_ok);
	int rc = 0;
	if (ok && func_is_utf8((char *)text, n))
		*out = val_stringn(c->arena, (char *)text, n);
	else if (!ok && (c->args[1]->str.len >= 1u << 20 || !key_ok))
		rc = func_fail(c, 1, err, "not an RSA private key in PEM without a passphrase");
	else
		rc = func_fail(c, 0, err, "cannot be decrypted with this key");
	OPENSSL_cleanse(text, text ? n : 0);
	free(text);
	return rc;
}

/* bcrypt takes 72 bytes; more would be ignored silently. Each step of the cost doubles the time, which counts as work: 14 is about a second. */
int fn_bcrypt(struct func_call *c, const struct val **out, struct err *err)
{
	enum { MAX_BYTES = 72, MAX_COST = 14, WORK = 256 };
	const struct val *s = c->args[0];
	autofree struct crypt_data *data = xcalloc(1, sizeof(*data));
	char random[16], salt[CRYPT_GENSALT_OUTPUT_SIZE];
	int64_t cost = 10;
	if (c->n > 1 && func_int(c, 1, 4, MAX_COST, &cost, err))
		return E_INPUT;
	c->work = (uint64_t)WORK << cost;
	if (c->work > c->may_work)
		return func_fail(c, SIZE_MAX, err, "so many hashes take too long");
	if (s->str.len > MAX_BYTES || strlen(s->str.s) != s->str.len)
		return func_fail(c, 0, err, s->str.len > MAX_BYTES ? "bcrypt takes at most 72 bytes" : "bcrypt takes no zero bytes");
	clock_random(random, sizeof(random));
	if (!crypt_gensalt_rn("$2a$", (unsigned long)cost, random, sizeof(random), salt, sizeof(salt)))
		return func_fail(c, SIZE_MAX, err, "this machine has no bcrypt");
	const char *hash = crypt_r(s->str.s, salt, data);
	if (!hash || hash[0] == '*')
		return func_fail(c, SIZE_MAX, err, "this machine has no bcrypt");
	*out = val_string(c->arena, hash);
	return 0;
}
