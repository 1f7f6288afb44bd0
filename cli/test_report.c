/* What came of tests: for people, as JSON, and as JUnit's XML. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/testing.h"

enum { MAX_REPORT = 256 << 20 };

static bool broken(const struct test_suite *s)
{
	return s->failure || diags_errors(s->d);
}

struct test_counts testing_count(const struct test_suite *s, size_t n)
{
	struct test_counts c = { 0 };
	for (size_t i = 0; i < n; i++) {
		if (broken(&s[i]))
			c.errors++, c.tests++;
		for (size_t k = 0; k < s[i].runs.len; k++) {
			const struct test_result *r = &s[i].runs.at[k];
			c.tests++;
			c.seconds += r->seconds;
			*(r->status == TEST_PASS ? &c.passed : r->status == TEST_FAIL ? &c.failed : r->status == TEST_ERROR ? &c.errors : &c.skipped) += 1;
		}
	}
	return c;
}

/* --- for people ------------------------------------------------------------------------------------------------------------ */

static void print_plan(struct cli *c, const json_t *plan)
{
	const json_t *actions = json_at(plan, "actions"), *data = json_at(plan, "data");
	size_t n;
	autofree const char **addresses = json_keys(actions, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(c->out, "          %-8s %s\n", json_str(actions, addresses[i]), addresses[i]);
	autofree const char **asked = json_is_object(data) ? json_keys(data, &n) : NULL;
	for (size_t i = 0; asked && i < n; i++)
		fprintf(c->out, "          %-8s %s\n", json_str(data, asked[i]), asked[i]);
}

/* Bytes of control in a name must not reach the terminal. */
static void print_name(FILE *to, const char *name)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		fputc(*p < 0x20 || *p == 0x7f ? '?' : *p, to);
	fputc('\n', to);
}

void test_report_text(struct cli *c, const struct test_suite *s, bool verbose)
{
	static const struct { const char *word; enum paint paint; } looks[] = {
		{ "pass", P_GREEN }, { "FAIL", P_RED }, { "FAIL", P_RED }, { "skip", P_YELLOW },
	};
	fprintf(c->out, "%s\n", s->path);
	if (s->failure)
		fprintf(c->out, "  %sFAIL%s  %s\n", paint(c->color_out, P_RED), paint(c->color_out, P_RESET), s->failure);
	diags_print(s->d, c->out, c->color_out);
	for (size_t i = 0; i < s->runs.len; i++) {
		const struct test_result *r = &s->runs.at[i];
		fprintf(c->out, "  %s%s%s  ", paint(c->color_out, looks[r->status].paint), looks[r->status].word, paint(c->color_out, P_RESET));
		print_name(c->out, r->name);
		if (verbose && r->plan)
			print_plan(c, r->plan);
		if (diags_errors(r->d) + diags_warnings(r->d) && (verbose || r->status != TEST_PASS)) {
			fputc('\n', c->out);
			diags_print(r->d, c->out, c->color_out);
			fputc('\n', c->out);
		}
	}
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------- */

static json_t *run_json(const struct test_result *r)
{
	json_t *j = json_object();
	json_put_str(j, "name", r->name);
	json_put_str(j, "status", test_status_word(r->status));
	json_put_int(j, "line", r->line);
	json_put_new(j, "seconds", json_real(r->seconds));
	json_put_new(j, "diagnostics", diags_json(r->d));
	if (r->plan)
		json_put_new(j, "plan", json_ref(r->plan));
	return j;
}

void test_report_json(struct cli *c, const struct test_suite *s, size_t n)
{
	struct test_counts counts = testing_count(s, n);
	autojson json_t *j = json_object();
	json_t *files = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *file = json_object(), *runs = json_array();
		for (size_t k = 0; k < s[i].runs.len; k++)
			json_array_append_new(runs, run_json(&s[i].runs.at[k]));
		json_put_str(file, "file", s[i].path);
		json_put_new(file, "runs", runs);
		json_put_new(file, "diagnostics", diags_json(s[i].d));
		if (s[i].failure)
			json_put_str(file, "failure", s[i].failure);
		json_array_append_new(files, file);
	}
	json_put_new(j, "files", files);
	json_put_int(j, "passed", (json_int_t)counts.passed);
	json_put_int(j, "failed", (json_int_t)(counts.failed + counts.errors));
	json_put_int(j, "skipped", (json_int_t)counts.skipped);
	autofree char *text = json_text(j);
	fprintf(c->out, "%s\n", text);
}

/* --- JUnit ------------------------------------------------------------------------------------------------------------------- */

/* Length of the UTF-8 character at P, 1 of what is none; *OK: XML 1.0 allows it (section 2.2, Char). */
static size_t xml_char(const unsigned char *p, bool *ok)
{
	*ok = p[0] >= 0x20 || p[0] == '\t' || p[0] == '\n' || p[0] == '\r';
	if (p[0] < 0x80)
		return 1;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0xff >> (n + 1));
	*ok = p[0] >= 0xc2 && p[0] <= 0xf4;
	for (size_t i = 1; *ok && i < n; i++) {
		*ok = (p[i] & 0xc0) == 0x80;
		c = c << 6 | (p[i] & 0x3f);
	}
	bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000), surrogate = c >= 0xd800 && c < 0xe000;
	if (!*ok || overlong || surrogate || c > 0x10ffff) {
		*ok = false;
		return 1;
	}
	*ok = c != 0xfffe && c != 0xffff;
	return n;
}

/* Text as XML holds it; what XML cannot hold becomes U+FFFD. In an attribute, quotes and white space are named too. */
static void escape(struct str *out, const char *text, bool in_attribute)
{
	static const struct { char c; const char *as; bool everywhere; } named[] = {
		{ '&', "&amp;", true }, { '<', "&lt;", true }, { '>', "&gt;", true }, { '\r', "&#13;", true },
		{ '"', "&quot;", false }, { '\'', "&apos;", false }, { '\n', "&#10;", false }, { '\t', "&#9;", false },
	};
	for (const unsigned char *p = (const unsigned char *)text; *p; ) {
		const char *as = NULL;
		for (size_t i = 0; i < ARRAY_LEN(named); i++)
			as = (char)*p == named[i].c && (in_attribute || named[i].everywhere) ? named[i].as : as;
		bool ok;
		size_t n = xml_char(p, &ok);
		if (as)
			str_add(out, as);
		else if (ok)
			str_addn(out, (const char *)p, n);
		else
			str_add(out, "\xef\xbf\xbd");
		p += n;
	}
}

static void attribute(struct str *out, const char *name, const char *value)
{
	str_addf(out, " %s=\"", name);
	escape(out, value, true);
	str_addc(out, '"');
}

static void add_counts(struct str *out, const struct test_counts *c)
{
	str_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n", c->tests, c->failed, c->errors, c->skipped, c->seconds);
}

/* What was told, in an element KIND. */
static void add_told(struct str *out, const char *kind, const struct diags *d, const char *failure)
{
	autojson json_t *all = diags_json(d);
	const json_t *first = NULL, *one;
	char *text = NULL;
	size_t len = 0, i;
	json_array_foreach(all, i, one) {
		if (!first || (json_str(first, "code")[0] == 'W' && json_str(one, "code")[0] == 'E'))
			first = one;
	}
	FILE *to = open_memstream(&text, &len);
	if (!to)
		BUG("no memory for a report");
	diags_print(d, to, false);
	fclose(to);
	str_addf(out, "      <%s", kind);
	attribute(out, "message", failure ? failure : first ? json_str(first, "summary") : "");
	attribute(out, "type", first ? json_str(first, "code") : "failure");
	str_addc(out, '>');
	escape(out, failure ? failure : text, false);
	str_addf(out, "</%s>\n", kind);
	free(text);
}

static void add_case(struct str *out, const struct test_suite *s, const struct test_result *r)
{
	str_add(out, "    <testcase");
	attribute(out, "name", r->name);
	attribute(out, "classname", s->path);
	attribute(out, "file", s->path);
	str_addf(out, " line=\"%u\" time=\"%.3f\"", r->line, r->seconds);
	if (r->status == TEST_PASS) {
		str_add(out, "/>\n");
		return;
	}
	str_add(out, ">\n");
	if (r->status == TEST_SKIP)
		str_add(out, "      <skipped message=\"a run before it could not be applied\"/>\n");
	else
		add_told(out, r->status == TEST_FAIL ? "failure" : "error", r->d, NULL);
	str_add(out, "    </testcase>\n");
}

static void add_suite(struct str *out, const struct test_suite *s)
{
	struct test_counts c = testing_count(s, 1);
	str_add(out, "  <testsuite");
	attribute(out, "name", s->path);
	add_counts(out, &c);
	if (broken(s)) {
		str_add(out, "    <testcase");
		attribute(out, "name", "(the file)");
		attribute(out, "classname", s->path);
		attribute(out, "file", s->path);
		str_add(out, " time=\"0.000\">\n");
		add_told(out, "error", s->d, s->failure);
		str_add(out, "    </testcase>\n");
	}
	for (size_t i = 0; i < s->runs.len; i++)
		add_case(out, s, &s->runs.at[i]);
	str_add(out, "  </testsuite>\n");
}

int test_report_junit(const char *path, const struct test_suite *s, size_t n, struct err *err)
{
	struct test_counts c = testing_count(s, n);
	autostr struct str out;
	str_init(&out, MAX_REPORT);
	str_add(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"aipc test\"");
	add_counts(&out, &c);
	for (size_t i = 0; i < n; i++)
		add_suite(&out, &s[i]);
	str_add(&out, "</testsuites>\n");
	if (str_full(&out))
		return err_set(err, E_INPUT, "the report is larger than %d MiB", MAX_REPORT >> 20);
	return file_write(path, out.at, out.len, 0644, err);
}
