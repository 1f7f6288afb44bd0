/* OpenMetrics text: exact bytes, escaping, caps; and, where a published parser is installed, its verdict. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "base/metrics.h"

static const double bounds[] = { 0.1, 1, 2.5 };
static const struct metric hits = { "t_hits", NULL, "Hits of \"all\" kinds\\nothing.", METRIC_COUNTER, { "code", "what" }, NULL, 0, 3 },
	depth = { "t_depth", NULL, "Depth.", METRIC_GAUGE, { NULL }, NULL, 0, 0 },
	took = { "t_took_seconds", "seconds", "Time.", METRIC_HISTOGRAM, { "step" }, bounds, 3, 0 },
	plain = { "t_plain_seconds", "seconds", "Time.", METRIC_HISTOGRAM, { NULL }, NULL, 0, 0 },
	build = { "t_build", NULL, "Build.", METRIC_INFO, { "version" }, NULL, 0, 0 };

static struct metrics *make(void)
{
	struct metrics *m = metrics_new();
	metrics_register(m, &hits);
	metrics_register(m, &depth);
	metrics_register(m, &took);
	metrics_register(m, &plain);
	metrics_register(m, &build);
	metrics_register(m, &hits);      /* again is fine */
	metrics_add(m, &hits, 1, (const char *[]){ "b", "x" });
	metrics_add(m, &hits, 2, (const char *[]){ "a", "say \"hi\"\\\n" });
	metrics_add(m, &hits, 0.5, (const char *[]){ "b", "x" });
	metrics_add(m, &depth, 3, NULL);
	metrics_add(m, &depth, -1, NULL);
	metrics_set(m, &build, 7, (const char *[]){ "1.2" });
	metrics_observe(m, &took, 0.1, (const char *[]){ "s" });      /* a bound is inside its bucket */
	metrics_observe(m, &took, 0.2, (const char *[]){ "s" });
	metrics_observe(m, &took, 99, (const char *[]){ "s" });
	metrics_observe(m, &took, NAN, (const char *[]){ "s" });
	return m;
}

static void text(void **unused)
{
	(void)unused;
	static const char want[] =
		"# TYPE t_hits counter\n# HELP t_hits Hits of \\\"all\\\" kinds\\\\nothing.\n"
		"t_hits_total{code=\"a\",what=\"say \\\"hi\\\"\\\\\\n\"} 2\nt_hits_total{code=\"b\",what=\"x\"} 1.5\n"
		"# TYPE t_depth gauge\n# HELP t_depth Depth.\nt_depth 2\n"
		"# TYPE t_took_seconds histogram\n# UNIT t_took_seconds seconds\n# HELP t_took_seconds Time.\n"
		"t_took_seconds_bucket{step=\"s\",le=\"0.1\"} 1\nt_took_seconds_bucket{step=\"s\",le=\"1.0\"} 2\n"
		"t_took_seconds_bucket{step=\"s\",le=\"2.5\"} 2\nt_took_seconds_bucket{step=\"s\",le=\"+Inf\"} 3\n"
		"t_took_seconds_count{step=\"s\"} 3\nt_took_seconds_sum{step=\"s\"} 99.3\n";
	struct metrics *m = make();
	struct str s;
	str_init(&s, STR_OURS);
	metrics_write(m, &s);
	assert_memory_equal(s.at, want, strlen(want));
	assert_true(str_has_suffix(s.at, "# TYPE t_build info\n# HELP t_build Build.\nt_build_info{version=\"1.2\"} 1\n# EOF\n"));
	assert_true(metrics_get(m, &took, (const char *[]){ "s" }) == 3);
	assert_true(metrics_get(m, &took, (const char *[]){ "none" }) == 0);
	str_release(&s);
	metrics_free(m);
}

static void caps(void **unused)
{
	(void)unused;
	struct metrics *m = make();
	char name[32], wide[400];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		metrics_add(m, &hits, 1, (const char *[]){ name, "x" });
	}
	/* Two series were there, the third is taken, the rest lands in "other": nothing is lost. */
	assert_true(metrics_get(m, &hits, (const char *[]){ "0", "x" }) == 1);
	assert_true(metrics_get(m, &hits, (const char *[]){ "other", "other" }) == 999);
	assert_true(metrics_get(m, &hits, (const char *[]){ "b", "x" }) == 1.5);
	metrics_clear(m, &depth);
	assert_true(metrics_get(m, &depth, NULL) == 0);

	/* A value is cut between characters; broken UTF-8 becomes U+FFFD; NULL is empty. */
	memset(wide, 'a', sizeof(wide));
	memcpy(wide + 127, "\xc3\xa4", 3);
	metrics_set(m, &build, 1, (const char *[]){ wide });
	metrics_set(m, &build, 1, (const char *[]){ "\xff" });
	metrics_set(m, &build, 1, (const char *[]){ NULL });
	struct str s;
	str_init(&s, STR_OURS);
	metrics_write(m, &s);
	assert_non_null(strstr(s.at, "aaa\"} 1\n"));
	assert_null(strstr(s.at, "\xc3\xa4"));
	assert_non_null(strstr(s.at, "{version=\"\xef\xbf\xbd\"} 1\n"));
	assert_non_null(strstr(s.at, "{version=\"\"} 1\n"));
	str_release(&s);
	metrics_free(m);
}

static void published_parser(void **unused)
{
	(void)unused;
	static const char program[] = "p=/usr/bin/python3; [ -x $p ] || p=python3; $p -c 'import sys\n"
		"try: from prometheus_client.openmetrics.parser import text_string_to_metric_families as f\n"
		"except ImportError: sys.exit(77)\n"
		"t = list(f(sys.stdin.read()))\n"
		"assert [m.type for m in t] == [\"counter\", \"gauge\", \"histogram\", \"histogram\", \"info\"], t\n"
		"assert t[0].samples[0].labels[\"what\"] == \"say \\\"hi\\\"\\\\\\n\", t[0].samples[0]\n"
		"assert t[2].unit == \"seconds\" and len(t[3].samples) == 19' 1>&2";
	struct metrics *m = make();
	struct str s;
	str_init(&s, STR_OURS);
	metrics_write(m, &s);
	FILE *p = popen(program, "w");
	assert_non_null(p);
	assert_int_equal(fwrite(s.at, 1, s.len, p), s.len);
	int status = pclose(p) >> 8;
	str_release(&s);
	metrics_free(m);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = { cmocka_unit_test(text), cmocka_unit_test(caps), cmocka_unit_test(published_parser) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
