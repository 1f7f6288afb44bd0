/* metrics - counters, gauges and histograms, written as OpenMetrics text.
 *
 * A program declares its families once, in one table each, and then adds to them by name of label values. The text follows
 * OpenMetrics 1.0 (https://github.com/OpenObservability/OpenMetrics, "specification/OpenMetrics.md", 2020-12): HELP, TYPE and UNIT lines,
 * escaped label values, `_total` behind counters, cumulative buckets with `le="+Inf"`, and `# EOF` at the end.
 * Families come out in order of registration, series sorted by label values: same numbers, same bytes.
 *
 * Cardinality is capped: a family keeps at most MAX_SERIES combinations of label values; what would be one more is added to the
 * series whose label values are all "other", so no sum is lost and no input can eat memory. Label values are cut at
 * METRICS_VALUE_MAX bytes; what is not UTF-8 becomes U+FFFD. One loop thread; nothing here waits.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { METRICS_LABELS = 4, METRICS_BUCKETS = 24, METRICS_VALUE_MAX = 128, METRICS_SERIES = 1000 };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

/* One family; lives as long as the metrics. A counter's name has no "_total"; a name with a unit ends with "_UNIT"
 * ("aipc_bind_seconds", unit "seconds"). */
struct metric {
	const char *name, *unit, *help;      /* unit: NULL for none */
	enum metric_kind kind;
	const char *labels[METRICS_LABELS];  /* NULL-terminated unless full */
	const double *bounds;                /* histogram: upper bounds, rising, without +Inf; NULL: METRICS_SECONDS */
	size_t n_bounds;                     /* at most METRICS_BUCKETS */
	size_t max_series;                   /* 0: METRICS_SERIES */
};

/* Bounds for how long things take in seconds: 1 ms to 5 min. */
extern const double metrics_seconds[16];

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);        /* NULL is fine */

/* Registers a family (once; a second time is fine). A bad name, a name taken by another family, or bounds that do not rise is
 * a BUG. A family without labels shows at once, with 0. */
void metrics_register(struct metrics *m, const struct metric *family);

/* VALUES has as many strings as the family has labels (NULL counts as ""). The family must be registered. */
void metrics_add(struct metrics *m, const struct metric *family, double n, const char *const *values);   /* counter (n >= 0) or gauge */
void metrics_set(struct metrics *m, const struct metric *family, double n, const char *const *values);   /* gauge, info (n is 1) */
void metrics_observe(struct metrics *m, const struct metric *family, double n, const char *const *values);
/* Forgets all series of a gauge, before it is set anew from the world. */
void metrics_clear(struct metrics *m, const struct metric *family);
/* The value of a counter or gauge, the count of a histogram; 0 for a series that is not there. */
double metrics_get(const struct metrics *m, const struct metric *family, const char *const *values);

void metrics_write(const struct metrics *m, struct str *out);
#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
