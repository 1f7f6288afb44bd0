/* module_git - modules of git repositories: from the cache when a spec is loaded, from the repository when aipc init asks. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/git.h"
#include "base/json.h"
#include "base/tree.h"
#include "lang/module.h"
#include "lang/source.h"

/* What is known about one repository and ref in this run. */
struct pinned {
	const char *key, *dir;
	bool ok;                     /* its files are there and are those of the lock */
	UT_hash_handle hh;
};

static const json_t *lock_of(struct module *m, struct thing *t)
{
	struct lang *l = m->l;
	struct err err = { 0 };
	if (l->lock || l->lock_bad)
		return l->lock;
	if (lock_read(l->dir, &l->lock, &err)) {
		l->lock_bad = true;
		struct diag *g = diag_add(l->d, "E0142", AT(t->file, t->call->source), "%s", err.msg);
		diag_hint(g, "bring back the committed " LOCK_FILE ", or remove it and run aipc init");
	}
	return l->lock;
}

static struct diag *tell(struct module *m, struct thing *t, const char *code, const char *text)
{
	return diag_add(m->l->d, code, AT(t->file, t->call->source), "%s", text);
}

/* --- loading: nothing is fetched ---------------------------------------------------------------------------------------------- */

static bool check_cache(struct module *m, struct thing *t, const struct source_git *s, const json_t *pin)
{
	struct err err = { 0 };
	char hash[65];
	autofree char *path = file_join(m->l->dir, s->dir);
	if (!pin || !file_exists(path)) {
		autofree char *text = xasprintf("the module \"%s\" is not here yet", t->name);
		diag_hint(tell(m, t, "E0140", text), "run aipc init");
		return false;
	}
	int rc = tree_hash(path, hash, &err);
	if (!rc && strcmp(hash, json_str(pin, "hash") + 7) == 0)
		return true;
	autofree char *text = rc ? xasprintf("the files of module \"%s\" cannot be checked: %s", t->name, err.msg)
				 : xasprintf("the files of module \"%s\" in %s are not those that " LOCK_FILE " pins", t->name, s->dir);
	diag_hint(tell(m, t, "E0141", text), "aipc init fetches them again");
	return false;
}

/* --- aipc init ------------------------------------------------------------------------------------------------------------------ */

static void tell_fetched(struct lang *l, const struct source_git *s, enum lang_fetched_how how, const char *commit)
{
	struct lang_fetched f = { .source = s->key, .commit = commit, .how = how };
	if (l->fetch->note)
		l->fetch->note(l->fetch->ctx, &f);
}

static int put_in_place(struct lang *l, const struct source_git *s, const char *fresh, struct err *err)
{
	autofree char *path = file_join(l->dir, s->dir);
	int rc = tree_remove(path, err);
	if (!rc && rename(fresh, path) != 0)
		rc = err_errno(err, "cannot rename '%s'", fresh);
	return rc;
}

static int fetch_fresh(struct lang *l, const struct source_git *s, const json_t *pin, char commit[41], char hash[65], struct err *err)
{
	autofree char *modules = file_join(l->dir, ".aipc/modules"), *path = file_join(l->dir, s->dir), *fresh = xasprintf("%s.new", path);
	autofree char *clone = xasprintf("%s.git", fresh);
	struct git_want w = { .url = s->url, .ref = s->ref, .commit = json_str(pin, "commit"), .dir = fresh, .timeout_s = l->fetch->timeout_s };
	tell_fetched(l, s, LANG_FETCHING, NULL);
	int rc = file_mkdirs(modules, err);
	if (!rc)
		rc = tree_remove(fresh, err);
	if (!rc)
		rc = tree_remove(clone, err);
	if (!rc)
		rc = git_fetch(&w, commit, err);
	if (!rc)
		rc = tree_hash(fresh, hash, err);
	if (!rc && pin && strcmp(hash, json_str(pin, "hash") + 7) != 0)
		rc = err_set(err, E_DENIED, "commit %.12s has other files than " LOCK_FILE " pins: the lock file was changed, or the repository is not the one it was",
			     commit);
	if (!rc)
		rc = put_in_place(l, s, fresh, err);
	if (rc)
		tree_discard(fresh);
	return rc;
}

static bool is_as_pinned(struct lang *l, const struct source_git *s, const json_t *pin)
{
	struct err err;
	char hash[65];
	autofree char *path = file_join(l->dir, s->dir);
	return pin && file_exists(path) && tree_hash(path, hash, &err) == 0 && strcmp(hash, json_str(pin, "hash") + 7) == 0;
}

static bool fetch(struct module *m, struct thing *t, const struct source_git *s, const json_t *pin)
{
	struct lang *l = m->l;
	struct err err = { 0 };
	char commit[41] = "", hash[65];
	const char *was = json_str(pin, "commit");
	bool upgrade = l->fetch->upgrade;
	if (!upgrade && is_as_pinned(l, s, pin)) {
		json_object_set(l->used, s->key, (json_t *)pin);
		tell_fetched(l, s, LANG_KEPT, was);
		return true;
	}
	if (fetch_fresh(l, s, upgrade ? NULL : pin, commit, hash, &err)) {
		autofree char *text = xasprintf("the module \"%s\" cannot be fetched: %s", t->name, err.msg);
		tell(m, t, err.code == E_DENIED && strstr(err.msg, LOCK_FILE) ? "E0141" : "E0143", text);
		if (pin)
			json_object_set(l->used, s->key, (json_t *)pin);
		return false;
	}
	autofree char *sum = xasprintf("sha256:%s", hash);
	json_object_set_new(l->used, s->key, json_pack("{s:s, s:s}", "commit", commit, "hash", sum));
	tell_fetched(l, s, was && strcmp(was, commit) == 0 ? LANG_RESTORED : was ? LANG_MOVED : LANG_NEW, commit);
	return true;
}

/* --- both ------------------------------------------------------------------------------------------------------------------------- */

char *module_find_git(struct module *m, struct thing *t)
{
	struct lang *l = m->l;
	struct err err = { 0 };
	struct source_git s;
	struct pinned *p;
	char *dir = NULL;
	if (source_parse(t->call->source->is->s, &s, &err)) {
		tell(m, t, "E0132", err.msg);
		return NULL;
	}
	const json_t *lock = lock_of(m, t);
	HASH_FIND_STR(l->pinned, s.key, p);
	if (!p && lock) {
		const json_t *pin = json_at(lock, s.key);
		p = arena_alloc(l->arena, sizeof(*p));
		p->key = arena_strdup(l->arena, s.key);
		p->dir = arena_strdup(l->arena, s.dir);
		p->ok = l->fetch ? fetch(m, t, &s, pin) : check_cache(m, t, &s, pin);
		HASH_ADD_KEYPTR(hh, l->pinned, p->key, strlen(p->key), p);
	}
	if (p && p->ok) {
		t->call->package = p->dir;
		dir = *s.sub ? xasprintf("%s/%s", p->dir, s.sub) : xstrdup(p->dir);
	}
	source_release(&s);
	return dir;
}

bool module_stays_inside(struct module *m, const char *package, const char *real)
{
	autofree char *path = file_join(m->l->dir, package), *root = realpath(path, NULL);
	size_t n = root ? strlen(root) : 0;
	return root && strncmp(real, root, n) == 0 && (!real[n] || real[n] == '/');
}

void module_free_git(struct lang *l)
{
	HASH_CLEAR(hh, l->pinned);
	json_decref(l->lock);
	json_decref(l->used);
}
