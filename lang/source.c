#include "lang/source.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "lang/lang.h"

enum { MAX_LOCK = 4 << 20, MAX_SOURCE = 2000 };

bool source_is_git(const char *text)
{
	return str_has_prefix(text, "git::");
}

void source_release(struct source_git *s)
{
	free(s->url);
	free(s->sub);
	free(s->ref);
	free(s->key);
	free(s->dir);
	*s = (struct source_git){ 0 };
}

/* --- parts ---------------------------------------------------------------------------------------------------------------- */

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || strchr("\"'\\<>`", *s))
			return false;
	return true;
}

static int check_url(const char *url, struct err *err)
{
	static const char *const schemes[] = { "https://", "ssh://", "http://", "file://" };
	size_t i = 0;
	while (i < ARRAY_LEN(schemes) && !str_has_prefix(url, schemes[i]))
		i++;
	if (i == ARRAY_LEN(schemes))
		return err_set(err, E_INPUT, "a repository is written git::https://HOST/REPO.git, git::ssh://HOST/REPO.git or git::file:///PATH");
	const char *host = url + strlen(schemes[i]), *slash = strchr(host, '/');
	const char *at = slash ? memchr(host, '@', (size_t)(slash - host)) : NULL;
	if (!slash || !slash[1])
		return err_set(err, E_INPUT, "the address has no path to a repository");
	if (at && memchr(host, ':', (size_t)(at - host)))
		return err_set(err, E_INPUT, "a password in a source would be stored; use ssh with an agent");
	if (slash == host && i != ARRAY_LEN(schemes) - 1)
		return err_set(err, E_INPUT, "the address has no host");
	return 0;
}

static bool good_ref(const char *ref)
{
	return *ref && *ref != '-' && *ref != '/' && !strstr(ref, "..") && !strpbrk(ref, "~^:?*[@{") && !str_has_suffix(ref, "/") && !str_has_suffix(ref, ".lock");
}

static int read_query(char *query, struct source_git *out, struct err *err)
{
	static const char *const known[] = { "ref", "depth", NULL };
	char *save = NULL;
	for (char *p = strtok_r(query, "&", &save); p; p = strtok_r(NULL, "&", &save)) {
		char *eq = strchr(p, '=');
		if (eq)
			*eq++ = '\0';
		if (strcmp(p, "ref") == 0 && eq && good_ref(eq)) {
			free(out->ref);
			out->ref = xstrdup(eq);
		} else if (strcmp(p, "depth") == 0 && eq && *eq && strlen(eq) < 10 && strspn(eq, "0123456789") == strlen(eq)) {
			continue;
		} else if (strcmp(p, "ref") == 0 || strcmp(p, "depth") == 0) {
			return err_set(err, E_INPUT, "\"%.100s\" is no value for %s", eq ? eq : "", p);
		} else {
			const char *near = str_nearest(p, known);
			return err_set(err, E_INPUT, "a source has no \"%.60s\"; %s%s%s", p, near ? "did you mean \"" : "there are ref and depth", near ? near : "", near ? "\"" : "");
		}
	}
	return 0;
}

static int check_sub(const char *sub, struct err *err)
{
	if (strcmp(sub, "..") == 0 || str_has_prefix(sub, "../") || strstr(sub, "/../") || str_has_suffix(sub, "/.."))
		return err_set(err, E_INPUT, "the folder \"%.200s\" leads out of the repository", sub);
	return 0;
}

int source_parse(const char *text, struct source_git *out, struct err *err)
{
	char hash[65];
	*out = (struct source_git){ 0 };
	if (strlen(text) > MAX_SOURCE || !printable(text))
		return err_set(err, E_INPUT, "a source has at most %d printable characters, without spaces and quotes", MAX_SOURCE);
	autofree char *url = xstrdup(text + strlen("git::"));
	char *query = strchr(url, '?');
	if (query)
		*query++ = '\0';
	char *scheme = strstr(url, "://"), *sub = scheme ? strstr(scheme + 3, "//") : NULL;
	if (sub && str_has_prefix(url, "file://") && sub == scheme + 3)
		sub = strstr(sub + 1, "//");
	out->sub = xstrdup(sub ? sub + 2 : "");
	if (sub)
		*sub = '\0';
	while (*out->sub && str_has_suffix(out->sub, "/"))
		out->sub[strlen(out->sub) - 1] = '\0';
	out->url = xstrdup(url);
	int rc = check_url(out->url, err);
	if (!rc)
		rc = check_sub(out->sub, err);
	if (!rc && query)
		rc = read_query(query, out, err);
	if (rc) {
		source_release(out);
		return rc;
	}
	out->key = xasprintf("git::%s%s%s", out->url, out->ref ? "?ref=" : "", out->ref ? out->ref : "");
	str_sha256(out->key, strlen(out->key), hash);
	out->dir = xasprintf(".aipc/modules/%.16s", hash);
	return 0;
}

/* --- the lock file ----------------------------------------------------------------------------------------------------------- */

static bool is_hex(const char *s, size_t n)
{
	return s && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int check_lock(const json_t *j, struct err *err)
{
	const char *key;
	json_t *v;
	const json_t *modules = json_at(j, "modules");
	if (json_int(j, "version", 0) > 1)
		return err_set(err, E_UNSUPPORTED, LOCK_FILE " was written by a newer aipc");
	if (json_int(j, "version", 0) != 1 || !json_is_object(modules))
		return err_set(err, E_INPUT, LOCK_FILE " is damaged: it has no version 1 and modules");
	json_object_foreach((json_t *)modules, key, v) {
		const char *hash = json_str(v, "hash");
		if (!is_hex(json_str(v, "commit"), 40) || !hash || !str_has_prefix(hash, "sha256:") || !is_hex(hash + 7, 64))
			return err_set(err, E_INPUT, LOCK_FILE " is damaged: \"%.200s\" needs a commit and a hash", key);
	}
	return 0;
}

int lock_read(const char *dir, json_t **out, struct err *err)
{
	autofree char *path = file_join(dir, LOCK_FILE), *text = NULL;
	autojson json_t *j = NULL;
	size_t len;
	if (!file_exists(path)) {
		*out = json_object();
		return 0;
	}
	int rc = file_read(path, MAX_LOCK, &text, &len, err);
	if (!rc)
		rc = lang_yaml_to_json(text, len, LOCK_FILE, false, &j, err);
	if (!rc)
		rc = check_lock(j, err);
	if (!rc)
		*out = json_ref(json_at(j, "modules"));
	return rc;
}

int lock_write(const char *dir, const json_t *lock, struct err *err)
{
	autofree char *path = file_join(dir, LOCK_FILE);
	autostr struct str s;
	size_t n;
	str_init(&s, MAX_LOCK);
	if (json_object_size(lock) == 0)
		return file_remove(path, err);
	str_add(&s, "# Written by aipc init; commit it. It pins the modules that this spec uses.\nversion: 1\nmodules:\n");
	autofree const char **keys = json_keys(lock, &n);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_at(lock, keys[i]);
		str_addf(&s, "  \"%s\":\n    commit: \"%s\"\n    hash: \"%s\"\n", keys[i], json_str(v, "commit"), json_str(v, "hash"));
	}
	return str_full(&s) ? err_set(err, E_INPUT, LOCK_FILE " would be larger than %d MiB", MAX_LOCK >> 20) : file_write(path, s.at, s.len, 0644, err);
}
