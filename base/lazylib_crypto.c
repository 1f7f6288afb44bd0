/* The functions of OpenSSL's libcrypto that aipc calls; see base/lazylib.h. Relocating it takes longer than all of `aipc version`. */
#include <stddef.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "base/lazylib.h"

static struct lazylib crypto = { "libcrypto.so.3", "libssl3", NULL };

#define FORWARD(type, name, params, args) \
	type name params { LAZYLIB_FN(&crypto, name); return fn args; }
#define FORWARD_VOID(name, params, args) \
	void name params { LAZYLIB_FN(&crypto, name); fn args; }

FORWARD_VOID(OPENSSL_cleanse, (void *at, size_t n), (at, n))
FORWARD_VOID(ERR_clear_error, (void), ())

FORWARD(const EVP_MD *, EVP_md5, (void), ())
FORWARD(const EVP_MD *, EVP_sha1, (void), ())
FORWARD(const EVP_MD *, EVP_sha256, (void), ())
FORWARD(const EVP_MD *, EVP_sha512, (void), ())
FORWARD(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
FORWARD_VOID(EVP_MD_CTX_free, (EVP_MD_CTX *c), (c))
FORWARD(int, EVP_DigestInit_ex, (EVP_MD_CTX *c, const EVP_MD *type, ENGINE *e), (c, type, e))
FORWARD(int, EVP_DigestUpdate, (EVP_MD_CTX *c, const void *at, size_t n), (c, at, n))
FORWARD(int, EVP_DigestFinal_ex, (EVP_MD_CTX *c, unsigned char *out, unsigned *n), (c, out, n))
FORWARD(int, EVP_Digest, (const void *at, size_t n, unsigned char *out, unsigned *size, const EVP_MD *type, ENGINE *e), (at, n, out, size, type, e))
FORWARD(unsigned char *, SHA256, (const unsigned char *at, size_t n, unsigned char *out), (at, n, out))
FORWARD(int, EVP_EncodeBlock, (unsigned char *out, const unsigned char *at, int n), (out, at, n))

FORWARD(BIO *, BIO_new_mem_buf, (const void *at, int n), (at, n))
FORWARD(int, BIO_free, (BIO *b), (b))
FORWARD(EVP_PKEY *, PEM_read_bio_PrivateKey, (BIO *b, EVP_PKEY **out, pem_password_cb *ask, void *arg), (b, out, ask, arg))
FORWARD(int, EVP_PKEY_is_a, (const EVP_PKEY *k, const char *name), (k, name))
FORWARD_VOID(EVP_PKEY_free, (EVP_PKEY *k), (k))
FORWARD(EVP_PKEY_CTX *, EVP_PKEY_CTX_new, (EVP_PKEY *k, ENGINE *e), (k, e))
FORWARD_VOID(EVP_PKEY_CTX_free, (EVP_PKEY_CTX *c), (c))
FORWARD(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *c, int padding), (c, padding))
FORWARD(int, EVP_PKEY_decrypt_init, (EVP_PKEY_CTX *c), (c))
FORWARD(int, EVP_PKEY_decrypt, (EVP_PKEY_CTX *c, unsigned char *out, size_t *n_out, const unsigned char *in, size_t n), (c, out, n_out, in, n))
