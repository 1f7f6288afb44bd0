#include "runtime/scheduler/split.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct child { int64_t cap; size_t at; };

static int largest_first(const void *a, const void *b)
{
	const struct child *x = a, *y = b;
	if (x->cap != y->cap)
		return x->cap > y->cap ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static struct child *sorted(const int64_t *cap, size_t children)
{
	struct child *c = xcalloc(children + 1, sizeof(*c));
	for (size_t i = 0; i < children; i++)
		c[i] = (struct child){ cap[i], i };
	if (children)
		qsort(c, children, sizeof(*c), largest_first);
	return c;
}

static size_t least_number(const struct child *c, size_t children, int64_t n)
{
	int64_t sum = 0;
	size_t k = 0;
	while (k < children && sum < n)
		sum += c[k++].cap;
	return sum >= n ? k : children + 1;
}

/* Marks in USE which K of the sorted children to take; false when the table would be too large. Every cap is below N here. */
static bool exact(const struct child *c, size_t children, size_t k, int64_t n, bool *use)
{
	size_t width = (size_t)(n + c[0].cap);                    /* sums from 0 to below n + the largest */
	if (width > SPLIT_TABLE || children * (k + 1) > SPLIT_TABLE / width)
		return false;
	/* from[i][j][s]: sum s of j children is reached among the first i, the i-th being taken */
	unsigned char *from = xcalloc(children * (k + 1), width), *now = xcalloc(k + 1, width);
	now[0] = 1;
	for (size_t i = 0; i < children && c[i].cap > 0; i++) {
		for (size_t j = k; j >= 1; j--) {
			for (size_t s = (size_t)c[i].cap; s < width; s++) {
				if (now[(j - 1) * width + s - (size_t)c[i].cap] && !now[j * width + s]) {
					now[j * width + s] = 1;
					from[(i * (k + 1) + j) * width + s] = 1;
				}
			}
		}
	}
	size_t s = (size_t)n;
	while (s < width && !now[k * width + s])
		s++;
	bool found = s < width;
	for (size_t i = children, j = k; found && i-- > 0 && j > 0;) {
		if (from[(i * (k + 1) + j) * width + s]) {
			use[i] = true;
			s -= (size_t)c[i].cap;
			j--;
		}
	}
	free(from);
	free(now);
	return found;
}

/* The K - 1 largest, and the smallest that holds the rest. */
static void greedy(const struct child *c, size_t children, size_t k, int64_t n, bool *use)
{
	for (size_t i = 0; i + 1 < k; i++) {
		use[i] = true;
		n -= c[i].cap;
	}
	size_t last = k - 1;
	while (last + 1 < children && c[last + 1].cap >= n)
		last++;
	/* Of equals the first. */
	while (last > k - 1 && c[last - 1].cap == c[last].cap)
		last--;
	use[last] = true;
}

bool split(const int64_t *cap, size_t children, int64_t n, int64_t *share)
{
	struct child *c = sorted(cap, children);
	bool *use = xcalloc(children + 1, sizeof(*use));
	size_t k = least_number(c, children, n);
	memset(share, 0, children * sizeof(*share));
	if (n > 0 && k <= children) {
		if (k == 1 || !exact(c, children, k, n, use))
			greedy(c, children, k, n, use);
		for (size_t i = children; i-- > 0;) {
			if (use[i]) {
				share[c[i].at] = c[i].cap < n ? c[i].cap : n;
				n -= share[c[i].at];
			}
		}
	}
	free(use);
	free(c);
	return k <= children && n <= 0;
}

size_t split_count(const int64_t *cap, size_t children, int64_t n)
{
	struct child *c = sorted(cap, children);
	size_t k = least_number(c, children, n);
	free(c);
	return k;
}
