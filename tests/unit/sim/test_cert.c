#include "tests/unit/sim/bench_client.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sim/cert.h"

static X509 *read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return cert;
}

static void each_certificate_is_its_own_and_of_the_ca(void **state)
{
	struct ca *ca = NULL, *other = NULL;
	struct err err;
	struct in_addr addr = { htonl(0x7f100001) };
	char *cert[2], *key[2];

	(void)state;
	assert_int_equal(ca_new(&ca, &err), 0);
	assert_int_equal(ca_new(&other, &err), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ca_issue(ca, addr, &cert[i], &key[i], &err), 0);
	assert_string_not_equal(key[0], key[1]);
	for (int i = 0; i < 2; i++) {
		X509 *root = read_cert(i ? ca_pem(other) : ca_pem(ca)), *leaf = read_cert(cert[0]);
		X509_STORE *store = X509_STORE_new();
		X509_STORE_CTX *ctx = X509_STORE_CTX_new();

		X509_STORE_add_cert(store, root);
		X509_STORE_CTX_init(ctx, store, leaf, NULL);
		assert_int_equal(X509_verify_cert(ctx), i == 0);
		assert_int_equal(X509_check_ip_asc(leaf, "127.16.0.1", 0), 1);
		assert_int_equal(X509_check_ip_asc(leaf, "127.16.0.2", 0), 0);
		X509_STORE_CTX_free(ctx);
		X509_STORE_free(store);
		X509_free(root);
		X509_free(leaf);
	}
	for (int i = 0; i < 2; i++) {
		free(cert[i]);
		free(key[i]);
	}
	ca_free(ca);
	ca_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_certificate_is_its_own_and_of_the_ca) };

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
