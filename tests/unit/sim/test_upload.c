#include "tests/unit/sim/bench_client.h"

#include "sim/upload.h"

#define FORM "multipart/form-data; boundary=b0und"
#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static const struct { const char *what, *type, *body; bool malformed; const char *parameters, *file; } rows[] = {
	{ "both parts", FORM, "--b0und\r\n" PART("UpdateParameters") "{}\r\n--b0und\r\n" PART("UpdateFile") "bytes\r\n--b0und--\r\n", false,
	  "{}", "bytes" },
	{ "quoted boundary, preamble, epilogue", "multipart/form-data; boundary=\"b0und\"; charset=x", "hello\r\n--b0und\r\n"
	  PART("UpdateFile") "bytes\r\n--b0und\r\n" PART("UpdateParameters") "{}\r\n--b0und--\r\nrest", false, "{}", "bytes" },
	{ "other parts are ignored", FORM, "--b0und\r\n" PART("UpdateParameters") "{}\r\n--b0und\r\n" PART("OemX") "??\r\n--b0und\r\n"
	  PART("UpdateFile") "b\r\n--b0und--\r\n", false, "{}", "b" },
	{ "near delimiters are data", FORM, "--b0und\r\n" PART("UpdateFile") "\r\r\n-\r\n--b0un\r\n--b0unx\r\r\n--b0und--\r\n", false, NULL,
	  "\r\r\n-\r\n--b0un\r\n--b0unx\r" },
	{ "empty file", FORM, "--b0und\r\n" PART("UpdateFile") "\r\n--b0und--\r\n", false, NULL, "" },
	{ "no end", FORM, "--b0und\r\n" PART("UpdateFile") "bytes\r\n--b0und", true, NULL, "bytes" },
	{ "no boundary", "multipart/form-data", "--b0und--", true, NULL, NULL },
	{ "no name", FORM, "--b0und\r\nContent-Type: x\r\n\r\nbytes\r\n--b0und--\r\n", true, NULL, NULL },
	{ "the same part twice", FORM, "--b0und\r\n" PART("UpdateFile") "a\r\n--b0und\r\n" PART("UpdateFile") "b\r\n--b0und--\r\n", true, NULL,
	  "a" },
	{ "rubbish behind a delimiter", FORM, "--b0undXY" PART("UpdateFile"), true, NULL, NULL },
	{ "raw", NULL, "--b0und\r\nbytes", false, NULL, "--b0und\r\nbytes" },
	{ "raw, empty", "application/octet-stream", "", false, NULL, "" },
};

static void check(const char *what, const struct upload *u, size_t i)
{
	char sha[65];

	if (u->malformed != rows[i].malformed)
		fail_msg("%s: malformed is %d", what, u->malformed);
	if (rows[i].malformed)
		return;
	if (rows[i].parameters)
		assert_string_equal(u->parameters, rows[i].parameters);
	else
		assert_null(u->parameters);
	assert_int_equal(u->size, strlen(rows[i].file));
	assert_memory_equal(u->head, rows[i].file, u->head_len);
	str_sha256(rows[i].file, strlen(rows[i].file), sha);
	assert_string_equal(u->sha256, sha);
}

/* However the body is cut into pieces, the result is the same. */
static void every_cut_gives_the_same_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].body);

		for (size_t piece = 1; piece <= n + 1; piece++) {
			struct upload *u = upload_new(rows[i].type);

			for (size_t k = 0; k < n; k += piece)
				assert_true(upload_data(u, rows[i].body + k, n - k < piece ? n - k : piece));
			upload_finish(u);
			check(rows[i].what, u, i);
			upload_free(u);
		}
	}
}

static void hostile_bodies_cost_no_memory(void **state)
{
	autofree char *junk = xmalloc(1 << 20);
	struct upload *u = upload_new(FORM);

	(void)state;
	memset(junk, 'x', 1 << 20);
	assert_true(upload_data(u, "--b0und\r\n", 9));
	assert_true(upload_data(u, junk, 1 << 20));          /* a header without an end */
	upload_finish(u);
	assert_true(u->malformed);
	upload_free(u);
	u = upload_new(FORM);
	upload_data(u, "--b0und\r\n" PART("UpdateParameters"), strlen("--b0und\r\n" PART("UpdateParameters")));
	upload_data(u, junk, 1 << 20);
	upload_data(u, "\r\n--b0und--\r\n", 13);
	upload_finish(u);
	assert_true(u->malformed);
	upload_free(u);
	u = upload_new(NULL);
	for (int i = 0; i < 401; i++)
		if (!upload_data(u, junk, 1 << 20))
			break;
	assert_true(u->too_large);
	upload_finish(u);
	upload_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same_parts), cmocka_unit_test(hostile_bodies_cost_no_memory),
	};

	return cmocka_run_group_tests_name("upload", tests, NULL, NULL);
}
