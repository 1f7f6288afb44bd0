/* scratch - a new folder of a test, under TMPDIR (else /tmp). tests/run sets TMPDIR to memory for unit tests and scenarios: what they
 * ask of a store is that it says the truth, and a busy disk makes ten minutes of their thousands of fsyncs. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool scratch(char dir[64])
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(dir, 64, "%s/aipc-test-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	return n < 64 && mkdtemp(dir);
}

#endif
