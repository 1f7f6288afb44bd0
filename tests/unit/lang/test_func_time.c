#include "tests/unit/lang/func_help.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/clock.h"
#include "lang/func_util.h"

/* As observed on the tool whose users we want to feel at home; where we are kinder or exact, the row says ours. */
static const struct func_row rows[] = {
	{ "base64sha256", "'hello'", "'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='" },
	{ "formatdate", "'DD MMM YYYY hh:mm ZZZ','2018-01-02T23:12:01Z'", "'02 Jan 2018 23:12 UTC'" },
	{ "formatdate", "'EEEE, DD-MMM-YY hh:mm:ss ZZZ','2018-01-02T23:12:01Z'", "'Tuesday, 02-Jan-18 23:12:01 UTC'" },
	{ "formatdate", "'EEE, DD MMM YYYY hh:mm:ss ZZZ','2018-01-02T23:12:01-08:00'", "'Tue, 02 Jan 2018 23:12:01 -0800'" },
	{ "formatdate", "'h\\u0027h\\u0027mm HH H hh h AA aa m mm s ss Z ZZZZ ZZZZZ M MM MMM MMMM D DD EEE EEEE YY YYYY','2018-01-02T03:02:01-08:30'", "'3h02 03 3 03 3 AM am 2 02 1 01 -08:30 -0830 -08:30 1 01 Jan January 2 02 Tue Tuesday 18 2018'" },
	{ "formatdate", "'ZZZ','2018-01-02T23:12:01+00:00'", "'UTC'" },
	{ "formatdate", "'ZZZ','2018-01-02T23:12:01-08:00'", "'-0800'" },
	{ "formatdate", "'Z','2018-01-02T23:12:01Z'", "'Z'" },
	{ "formatdate", "'Z','2018-01-02T23:12:01+05:30'", "'+05:30'" },
	{ "formatdate", "'ZZZZ|ZZZZZ','2018-01-02T23:12:01Z'", "'+0000|+00:00'" },
	{ "formatdate", "'\\u0027\\u0027','2018-01-02T23:12:01Z'", "'''" },
	{ "formatdate", "'\\u0027a\\u0027\\u0027b\\u0027','2018-01-02T23:12:01Z'", "'a'b'" },
	{ "formatdate", "'x','2018-01-02T23:12:01Z'", "E \"x\" stands for no part of a time; plain text is put in singl" },
	{ "formatdate", "'\\u0027a','2018-01-02T23:12:01Z'", "E a quoted part is not closed" },
	{ "formatdate", "'MMMMM','2018-01-02T23:12:01Z'", "E \"MMMMM\" stands for no part of a time; plain text is put in s" },
	{ "formatdate", "'Y','2018-01-02T23:12:01Z'", "E \"Y\" stands for no part of a time; plain text is put in singl" },
	{ "formatdate", "'\xc3\xa9-YYYY','2018-01-02T23:12:01Z'", "'\xc3\xa9-2018'" },
	{ "formatdate", "'YYYY','2018-01-02 23:12:01Z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'YYYY','2018-01-02t23:12:01z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'YYYY','2018-13-02T23:12:01Z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'YYYY','2018-02-30T23:12:01Z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'ss','2018-01-02T23:12:60Z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'ss','2018-01-02T23:12:01.999Z'", "'01'" },
	{ "formatdate", "'YYYY','2018-01-02T23:12:01'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "formatdate", "'YYYY','2018-01-02'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "md5", "'hello'", "'5d41402abc4b2a76b9719d911017c592'" },
	{ "sha512", "''", "'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','10m'", "'2017-11-22T00:10:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','-1h30m5.5s'", "'2017-11-21T22:29:54Z'" },
	{ "timeadd", "'2017-11-22T00:00:00.5Z','1h'", "'2017-11-22T01:00:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00+02:00','1h'", "'2017-11-22T01:00:00+02:00'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','1d'", "E not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)" },
	{ "timeadd", "'2017-11-22T00:00:00Z','1'", "E not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)" },
	{ "timeadd", "'2017-11-22T00:00:00Z','0'", "'2017-11-22T00:00:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','1500ms'", "'2017-11-22T00:00:01Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','1.5h'", "'2017-11-22T01:30:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','+.5h'", "'2017-11-22T00:30:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','100us'", "'2017-11-22T00:00:00Z'" },
	{ "timeadd", "'2017-11-22T00:00:00Z','1h 1m'", "E not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)" },
	{ "timeadd", "'2017-11-22T00:00:00Z',''", "E not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)" },
	{ "timeadd", "'2017-11-22T00:00:00Z','300000000h'", "E not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)" },
	{ "timeadd", "'9999-12-31T23:59:59Z','1s'", "E the result is outside the years 0 to 9999" },
	{ "timeadd", "'0000-01-01T00:00:00Z','-1s'", "E the result is outside the years 0 to 9999" },
	{ "timecmp", "'2017-11-22T00:00:00Z','2017-11-22T00:00:00Z'", "0" },
	{ "timecmp", "'2017-11-22T00:00:00Z','2017-11-22T01:00:00Z'", "-1" },
	{ "timecmp", "'2017-11-22T01:00:00Z','2017-11-22T00:00:00-01:00'", "0" },
	{ "timecmp", "'2017-11-22T01:00:00.5Z','2017-11-22T01:00:00Z'", "1" },
	{ "timecmp", "'x','2017-11-22T00:00:00Z'", "E not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:" },
	{ "uuidv5", "'dns','www.terraform.io'", "'a5008fae-b28c-5ba5-96cd-82b4c53552d6'" },
	{ "uuidv5", "'url','https://www.terraform.io/'", "'9db6f67c-dd95-5ea0-aa5b-e70e5c5f7cf5'" },
	{ "uuidv5", "'oid','1.2.3'", "'42d5e23b-3a02-5135-85c6-52d1102f1f00'" },
	{ "uuidv5", "'x500','CN=x'", "'955bb643-faf8-5f69-a3de-891b89fea215'" },
	{ "uuidv5", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8','a'", "'4f3f2898-69e3-5a0d-820a-c4e87987dbce'" },
	{ "uuidv5", "'nope','a'", "E neither a UUID nor one of \"dns\", \"url\", \"oid\" and \"x500\"" },
};

static const struct func_row mark_rows[] = {
	{ "formatdate", "'YYYY',null", "E null" }, { "formatdate", "'YYYY',{'~unknown':'string'}", "?string" }, { "formatdate", "'YYYY',{'~sensitive':'2018-01-02T23:12:01Z'}", "!'2018'" },
	{ "formatdate", "'EEEE D MMMM','2000-02-29T00:00:00Z'", "'Tuesday 29 February'" }, { "formatdate", "'EEE','1969-12-31T23:59:59Z'", "'Wed'" }, { "formatdate", "'D','1900-02-29T00:00:00Z'", "E not a time" },
	{ "formatdate", "'hh','2018-01-02T24:00:00Z'", "E not a time" }, { "timeadd", "null,'1h'", "E null" }, { "timeadd", "{'~sensitive':'2017-11-22T00:00:00Z'},'1h'", "!'2017-11-22T01:00:00Z'" },
	{ "timeadd", "'2020-02-28T23:00:00Z','2h'", "'2020-02-29T01:00:00Z'" }, { "timeadd", "'1970-01-01T00:00:00Z','-1ns'", "'1969-12-31T23:59:59Z'" }, { "timeadd", "{'~unknown':'string'},'1h'", "?string" },
	{ "timecmp", "null,'2017-11-22T00:00:00Z'", "E null" }, { "timecmp", "{'~unknown':'string'},'2017-11-22T00:00:00Z'", "?number" },
	{ "timecmp", "{'~sensitive':'2017-11-22T00:00:00Z'},'2017-11-22T00:00:00Z'", "!0" },
	{ "timestamp", "", "'2026-01-02T03:04:05Z'" }, { "plantimestamp", "", "'2026-01-02T03:04:05Z'" }, { "timestamp", "1", "E too many" },
	{ "md5", "null", "E null" }, { "md5", "{'~sensitive':'hello'}", "!'5d41402abc4b2a76b9719d911017c592'" }, { "md5", "{'~unknown':'string'}", "?string" }, { "md5", "''", "'d41d8cd98f00b204e9800998ecf8427e'" },
	{ "sha1", "'hello'", "'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'" }, { "sha1", "null", "E null" }, { "sha1", "''", "'da39a3ee5e6b4b0d3255bfef95601890afd80709'" },
	{ "sha256", "'hello'", "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'" }, { "sha256", "{'~sensitive':''}", "!'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'" }, { "sha256", "null", "E null" },
	{ "base64sha512", "''", "'z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='" }, { "base64sha256", "null", "E null" },
	{ "uuidv5", "'nope','a'", "E neither a UUID" }, { "uuidv5", "null,'a'", "E null" }, { "uuidv5", "'dns',{'~unknown':'string'}", "?string" }, { "uuidv5", "'6ba7b810-9dad-11d1-80b4-00c04fd430cz','a'", "E neither" },
	{ "rsadecrypt", "'!','x'", "E not base64" }, { "rsadecrypt", "'YQ==','x'", "E not an RSA private key" }, { "rsadecrypt", "null,'x'", "E null" }, { "rsadecrypt", "'YQ==',{'~unknown':'string'}", "?string" },
};

static void uuids_are_random_and_well_formed(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	const struct val *x, *y, *none = val_tuple(a, NULL, 0);
	struct err err;
	assert_int_equal(func_row_call(a, "uuid", none, &x, &err), 0);
	assert_int_equal(func_row_call(a, "uuid", none, &y, &err), 0);
	assert_int_equal(x->str.len, 36);
	assert_int_equal(x->str.s[14], '4');
	assert_non_null(strchr("89ab", x->str.s[19]));
	assert_string_not_equal(x->str.s, y->str.s);
}

static void rsa_is_decrypted(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	autostr struct str b64 = { 0 };
	unsigned char sealed[256];
	size_t len = sizeof(sealed);
	char *pem = NULL;
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, sealed, &len, (const unsigned char *)"secret", 6), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	long n = BIO_get_mem_data(bio, &pem);
	str_init(&b64, 1000);
	func_base64(sealed, len, &b64);
	const struct val *args[] = { val_string(a, b64.at), val_stringn(a, pem, (size_t)n) }, *out;
	struct err err;
	assert_int_equal(func_row_call(a, "rsadecrypt", val_tuple(a, args, 2), &out, &err), 0);
	assert_string_equal(out->str.s, "secret");
	BIO_free(bio);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void results(void **unused)
{
	(void)unused;
	FUNC_ROWS(rows);
}

static void marks_and_unknowns(void **unused)
{
	(void)unused;
	clock_simulate(1, 1767323045678);
	FUNC_ROWS(mark_rows);
	clock_real();
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(marks_and_unknowns),
		cmocka_unit_test(uuids_are_random_and_well_formed),
		cmocka_unit_test(rsa_is_decrypted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
