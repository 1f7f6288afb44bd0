/* The functions of libcrypt that aipc calls; see base/lazylib.h. */
#include <stddef.h>

#include <crypt.h>

#include "base/lazylib.h"

static struct lazylib crypt_ = { "libcrypt.so.1", "libcrypt1", NULL };

char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	LAZYLIB_FN(&crypt_, crypt_r);
	return fn(phrase, setting, data);
}

char *crypt_gensalt_rn(const char *prefix, unsigned long count, const char *random, int n_random, char *out, int size)
{
	LAZYLIB_FN(&crypt_, crypt_gensalt_rn);
	return fn(prefix, count, random, n_random, out, size);
}
