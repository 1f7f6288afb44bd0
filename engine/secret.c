#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/provider.h"

enum { SECRET_MAX = 64 * 1024 };

static int from_env(const char *ref, const char *name, char **out, struct err *err)
{
	const char *value = getenv(name);
	if (!*name)
		return err_set(err, E_INPUT, "secret \"%s\": the name of the environment variable is missing", ref);
	if (!value || !*value)
		return err_set(err, E_INPUT, "secret \"%s\": the environment variable %s is %s", ref, name, value ? "empty" : "not set");
	if (strlen(value) > SECRET_MAX)
		return err_set(err, E_INPUT, "secret \"%s\": the value is longer than %d KiB", ref, SECRET_MAX / 1024);
	*out = xstrdup(value);
	return 0;
}

static int from_file(const char *dir, const char *ref, const char *name, char **out, struct err *err)
{
	autofree char *path = file_join(dir, name);
	char *text;
	size_t len;
	if (!*name)
		return err_set(err, E_INPUT, "secret \"%s\": the name of the file is missing", ref);
	int rc = file_read(path, SECRET_MAX, &text, &len, err);
	if (rc)
		return err_wrap(err, "secret \"%s\"", ref);
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len && text[len - 1] == '\r')
		text[--len] = '\0';
	if (len && !memchr(text, '\0', len)) {
		*out = text;
		return 0;
	}
	rc = err_set(err, E_INPUT, "secret \"%s\": %s %s", ref, path, len ? "holds a NUL byte: it is no text" : "is empty");
	OPENSSL_cleanse(text, len);
	free(text);
	return rc;
}

int secret_resolve(const char *dir, const char *ref, char **out, struct err *err)
{
	if (str_has_prefix(ref, "env:"))
		return from_env(ref, ref + 4, out, err);
	if (str_has_prefix(ref, "file:"))
		return from_file(dir, ref, ref + 5, out, err);
	/* Made by config_complete() of an ephemeral value; what a spec says is checked before and never looks so. */
	if (str_has_prefix(ref, "value:")) {
		*out = xstrdup(ref + 6);
		return 0;
	}
	/* What is no reference may be the secret itself: it is not repeated. */
	return err_set(err, E_INPUT, "a secret is given as a reference, env:NAME or file:PATH, never as itself");
}
