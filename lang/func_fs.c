/* Functions on files and paths. Relative paths start at the spec's folder; only regular files are read, of at most
 * FUNC_TEXT bytes. */
#include "lang/func_util.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { WALK_DEPTH = 64, WALK_ENTRIES = 1000000, BRACES_MAX = 1000 };

/* --- paths ---------------------------------------------------------------------------------------------------------------- */
/* The shortest path that names the same by its text: no empty parts, "." or "..", where they can go. */
static void clean(const char *path, struct str *out)
{
	bool rooted = path[0] == '/';
	size_t floor;
	str_clear(out);
	str_add(out, rooted ? "/" : "");
	floor = out->len;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (out->len > floor) {
				while (out->len > floor && out->at[out->len - 1] != '/')
					out->len--;
				out->len -= out->len > floor;
				out->at[out->len] = '\0';
			} else if (!rooted) {
				str_add(out, out->len ? "/.." : "..");
				floor = out->len;
			}
		} else if (n && !(n == 1 && *p == '.')) {
			str_add(out, out->len && out->at[out->len - 1] != '/' ? "/" : "");
			str_addn(out, p, n);
		}
		p += n + (p[n] == '/');
	}
	if (!out->len)
		str_addc(out, '.');
}

static int path_result(struct func_call *c, const char *path, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	clean(path, &s);
	return func_text(c, &s, out, err);
}

int fn_basename(struct func_call *c, const struct val **out, struct err *err)
{
	const char *s = c->args[0]->str.s;
	size_t end = strlen(s), from;
	(void)err;
	while (end > 1 && s[end - 1] == '/')
		end--;
	for (from = end; from && s[from - 1] != '/';)
		from--;
	*out = !*s ? val_string(c->arena, ".") : end == 1 && *s == '/' ? val_string(c->arena, "/") : val_stringn(c->arena, s + from, end - from);
	return 0;
}

int fn_dirname(struct func_call *c, const struct val **out, struct err *err)
{
	const char *s = c->args[0]->str.s, *slash = strrchr(s, '/');
	autofree char *dir = xstrndup(s, slash ? (size_t)(slash - s) + 1 : 0);
	return path_result(c, dir, out, err);
}

/* PATH with "~" as the home folder, from the spec's folder where it is relative; NULL after a failure. */
static char *locate(struct func_call *c, size_t arg, const char *path, struct err *err)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && (!path[1] || path[1] == '/')) {
		if (!home || !*home) {
			func_blame(c, arg, err, "\"~\" means nothing here: HOME is not set");
			return NULL;
		}
		return xasprintf("%s%s", home, path + 1);
	}
	return c->dir && path[0] != '/' ? file_join(c->dir, path) : xstrdup(path);
}

int fn_pathexpand(struct func_call *c, const struct val **out, struct err *err)
{
	const char *s = c->args[0]->str.s;
	if (s[0] != '~') {
		*out = c->args[0];
		return 0;
	}
	if (s[1] && s[1] != '/')
		return func_fail(c, 0, err, "home folders of other users (\"~name\") are not looked up");
	autofree char *path = locate(c, 0, s, err);
	return path ? path_result(c, path, out, err) : E_INPUT;
}

int fn_abspath(struct func_call *c, const struct val **out, struct err *err)
{
	autofree char *path = c->dir && c->args[0]->str.s[0] != '/' ? file_join(c->dir, c->args[0]->str.s) : xstrdup(c->args[0]->str.s);
	autofree char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	autofree char *whole = cwd ? file_join(cwd, path) : NULL;
	if (path[0] != '/' && !cwd)
		return func_fail(c, 0, err, "the current folder has no name: %s", strerror(errno));
	return path_result(c, whole ? whole : path, out, err);
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */
int func_read_file(struct func_call *c, size_t arg, char **text, size_t *len, struct err *err)
{
	autofree char *path = locate(c, arg, c->args[arg]->str.s, err);
	c->bad_arg = arg;
	return path && strlen(c->args[arg]->str.s) == c->args[arg]->str.len ? file_read(path, FUNC_TEXT, text, len, err) :
		path ? func_fail(c, arg, err, "a path cannot hold a zero byte") : E_INPUT;
}

int fn_file(struct func_call *c, const struct val **out, struct err *err)
{
	autofree char *text = NULL;
	size_t len;
	int rc = func_read_file(c, 0, &text, &len, err);
	if (rc)
		return rc;
	if (!func_is_utf8(text, len))
		return func_fail(c, 0, err, "the file is not UTF-8 text; use filebase64() for bytes");
	*out = val_stringn(c->arena, text, len);
	return 0;
}

int fn_filebase64(struct func_call *c, const struct val **out, struct err *err)
{
	autofree char *text = NULL;
	autostr struct str s = { 0 };
	size_t len;
	str_init(&s, 2u * FUNC_TEXT);
	int rc = func_read_file(c, 0, &text, &len, err);
	if (rc)
		return rc;
	func_base64(text, len, &s);
	return func_text(c, &s, out, err);
}

int fn_fileexists(struct func_call *c, const struct val **out, struct err *err)
{
	autofree char *path = locate(c, 0, c->args[0]->str.s, err);
	struct stat st;
	if (!path)
		return E_INPUT;
	if (stat(path, &st)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return func_fail(c, 0, err, "cannot look at \"%.200s\": %s", path, strerror(errno));
		*out = &val_false;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return func_fail(c, 0, err, "\"%.200s\" is there, but it is no regular file", path);
	*out = &val_true;
	return 0;
}

/* --- fileset ------------------------------------------------------------------------------------------------------------------- */
struct walk {
	struct func_call *c;
	struct err *err;
	VEC(char *) patterns;                /* without braces */
	VEC(const struct val *) found;
	struct str path;                     /* of the entry, from the base folder */
	const char *up;                      /* "../../", in front of what is found */
	size_t base, entries;
};

/* Does the part of a pattern up to its next slash match NAME? Only "[^" means all but these; "!" stands for itself. */
static bool part_matches(const char *pattern, size_t n, const char *name)
{
	autofree char *p = xstrndup(pattern, n);
	for (char *q = p; (q = strchr(q, '[')); q++) {
		if (q[1] == '^') {
			q[1] = '!';
		} else if (q[1] == '!' && q[2] != ']' && q[2]) {
			q[1] = q[2];
			q[2] = '!';
		}
	}
	return str_glob(p, name);
}

/* Every [ is closed in its part, holds something, and its ranges have two ends. */
static bool classes_fit(const char *pattern)
{
	for (const char *p = pattern; (p = strchr(p, '[')); p++) {
		const char *from = p + 1 + (p[1] == '^'), *end = from + strcspn(from, "]/");
		if (*end != ']' || end == from || *from == '-' || end[-1] == '-')
			return false;
		p = end;
	}
	return true;
}

/* One folder name of PATTERN against one of PATH. */
static bool first_matches(const char *pattern, const char *path)
{
	autofree char *name = xstrndup(path, strcspn(path, "/"));
	return part_matches(pattern, strcspn(pattern, "/"), name);
}

static const char *behind(const char *path)
{
	const char *slash = strchr(path, '/');
	return slash ? slash + 1 : NULL;
}

static bool is_any(const char *pattern)
{
	return pattern && pattern[0] == '*' && pattern[1] == '*' && (!pattern[2] || pattern[2] == '/');
}

/* Folder by folder; ** stands for any number of them. Only the last ** met is ever tried again, one folder further on. */
static bool path_matches(const char *pattern, const char *path)
{
	const char *again = NULL, *from = NULL;
	while (path) {
		if (is_any(pattern)) {
			again = pattern = behind(pattern);
			from = path;
			if (!again)
				return true;
		} else if (pattern && first_matches(pattern, path)) {
			pattern = behind(pattern);
			path = behind(path);
		} else if (again) {
			path = from = behind(from);
			pattern = again;
		} else {
			return false;
		}
		if (!path && pattern && again && from && behind(from)) {
			path = from = behind(from);
			pattern = again;
		}
	}
	return !pattern || (is_any(pattern) && !behind(pattern));
}

/* Adds PATTERN, once for every choice in its {a,b}; false when there are too many or a brace is not closed. */
static bool open_braces(struct walk *w, const char *pattern)
{
	const char *open = strchr(pattern, '{'), *p, *from;
	int depth = 0;
	if (!open) {
		vec_push(&w->patterns, xstrdup(pattern));
		return w->patterns.len <= BRACES_MAX;
	}
	for (p = open; *p; p++) {
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
		if (!depth)
			break;
	}
	if (!*p || strlen(pattern) > 4096)
		return false;
	from = open + 1;
	depth = 0;
	for (const char *q = from; q <= p; q++) {
		if ((*q == ',' && !depth) || q == p) {
			autofree char *one = xasprintf("%.*s%.*s%s", (int)(open - pattern), pattern, (int)(q - from), from, p + 1);
			from = q + 1;
			if (!open_braces(w, one))
				return false;
		}
		depth += *q == '{' ? 1 : *q == '}' ? -1 : 0;
	}
	return true;
}

static int walk_dir(struct walk *w, int depth);

static int walk_entry(struct walk *w, int depth)
{
	struct stat st;
	if (++w->entries > WALK_ENTRIES)
		return func_fail(w->c, 0, w->err, "more than %d files and folders are below it", WALK_ENTRIES);
	if (lstat(w->path.at, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return depth < WALK_DEPTH ? walk_dir(w, depth + 1) : 0;
	if (S_ISLNK(st.st_mode) && (stat(w->path.at, &st) || !S_ISREG(st.st_mode)))
		return 0;
	for (size_t i = 0; S_ISREG(st.st_mode) && i < w->patterns.len; i++) {
		if (path_matches(w->patterns.at[i], w->path.at + w->base)) {
			vec_push(&w->found, val_string(w->c->arena, arena_printf(w->c->arena, "%s%s", w->up, w->path.at + w->base)));
			break;
		}
	}
	return 0;
}

static int walk_dir(struct walk *w, int depth)
{
	DIR *d = opendir(w->path.at);
	size_t len = w->path.len;
	const struct dirent *e;
	int rc = 0;
	if (!d)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || depth ? 0 : func_fail(w->c, 0, w->err, "cannot read the folder: %s", strerror(errno));
	while (!rc && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		str_addf(&w->path, "%s%s", len && w->path.at[len - 1] == '/' ? "" : "/", e->d_name);
		rc = walk_entry(w, depth);
		w->path.len = len;
		w->path.at[len] = '\0';
	}
	closedir(d);
	return rc;
}

int fn_fileset(struct func_call *c, const struct val **out, struct err *err)
{
	struct walk w = { .c = c, .err = err };
	autofree char *dir = locate(c, 0, c->args[0]->str.s, err);
	autostr struct str pattern = { 0 };
	int rc = 0;
	if (!dir)
		return E_INPUT;
	str_init(&w.path, PATH_MAX);
	str_init(&pattern, FUNC_TEXT);
	clean(c->args[1]->str.s, &pattern);
	const char *down = pattern.at;
	while (str_has_prefix(down, "../"))
		down += 3;
	w.up = arena_strndup(c->arena, pattern.at, (size_t)(down - pattern.at));
	autofree char *from = xasprintf("%s/%s", dir, w.up);
	clean(from, &w.path);
	w.base = str_has_suffix(w.path.at, "/") ? w.path.len : w.path.len + 1;
	if (!classes_fit(down) && access(w.path.at, F_OK) == 0)
		rc = func_fail(c, 1, err, "a [...] of the pattern is empty or not closed, or a range in it has no end");
	else if (!open_braces(&w, down))
		rc = func_fail(c, 1, err, "a brace is not closed, or the braces stand for more than %d patterns", BRACES_MAX);
	if (!rc)
		rc = walk_dir(&w, 0);
	if (!rc)
		*out = val_set(c->arena, &type_string, w.found.at, w.found.len);
	for (size_t i = 0; i < w.patterns.len; i++)
		free(w.patterns.at[i]);
	vec_free(&w.patterns);
	vec_free(&w.found);
	str_release(&w.path);
	return rc;
}
