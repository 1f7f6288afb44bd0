#include "providers/redfish/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/store.h"

enum { LOGIN_TRIES = 4, LOGOUT_MS = 5000, NOTES_MAX = 100000 };
#define DEFAULT_SESSIONS "/redfish/v1/SessionService/Sessions"

char *file_in(const char *dir, const char *path)
{
	if (strncmp(path, "file:", 5) == 0)
		path += 5;
	return file_join(dir ? dir : ".", path);
}

void rf_wipe(char **text)
{
	if (*text)
		OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void rf_bmc_free(struct rf_bmc *b)
{
	if (!b)
		return;
	rf_wipe(&b->token);
	rf_wipe(&b->basic);
	char *all[] = { b->key, b->addr, b->origin, b->user, b->password, b->ca_file, b->pin, b->session, b->note_key, b->sessions_uri,
		b->systems_uri, b->managers_uri, b->chassis_uri, b->update_uri, b->tasks_uri, b->registries_uri, b->system, b->no_session };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	free(b);
}

/* --- sessions of dead processes -------------------------------------------------------------------------------------
 * The note of an open session: key "ADDRESS PID HOST", value the session's URI. */

static bool process_alive(long pid)
{
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

static int read_note(void *ctx, const char *key, const char *value)
{
	struct rf *rf = ctx;
	char addr[400], host[300], me[300] = "";
	long pid;

	gethostname(me, sizeof(me) - 1);
	if (json_object_size(rf->stale) >= NOTES_MAX || sscanf(key, "%399s %ld %299s", addr, &pid, host) != 3 || strcmp(host, me) != 0)
		return 0;
	if (pid != (long)getpid() && process_alive(pid))
		return 0;
	json_t *list = json_object_get(rf->stale, addr);
	if (!list) {
		list = json_array();
		json_object_set_new(rf->stale, addr, list);
	}
	json_array_append_new(list, json_pack("{s:s, s:s}", "key", key, "uri", value));
	return 0;
}

static void read_notes(struct rf *rf)
{
	struct err ignored;

	if (rf->stale)
		return;
	rf->stale = json_object();
	if (rf->store && store_notes(rf->store, "redfish", read_note, rf, &ignored))
		json_object_clear(rf->stale);
}

static void forget_note(struct rf_bmc *b, const char *key)
{
	struct err ignored;

	if (b->rf->store && key && store_note_put(b->rf->store, "redfish", key, NULL, &ignored))
		return;
}

static void write_note(struct rf_bmc *b)
{
	struct err ignored;
	char me[300] = "";

	if (!b->rf->store || !b->session || strchr(b->addr, ' '))
		return;
	gethostname(me, sizeof(me) - 1);
	free(b->note_key);
	b->note_key = xasprintf("%s %ld %s", b->addr, (long)getpid(), me);
	if (store_note_put(b->rf->store, "redfish", b->note_key, b->session, &ignored)) {
		free(b->note_key);
		b->note_key = NULL;
	}
}

/* Deletes what crashed runs left on this BMC, with whatever credentials B has now. */
static void delete_stale(struct task *t, struct rf_bmc *b)
{
	read_notes(b->rf);
	json_t *list = json_ref(json_at(b->rf->stale, b->addr));
	if (!list)
		return;
	json_object_del(b->rf->stale, b->addr);
	for (size_t i = 0; i < json_array_size(list) && i < 16; i++) {
		const json_t *row = json_array_get(list, i);
		autofree char *path = rf_path(json_str(row, "uri"));
		autoreply struct rf_reply r = { 0 };
		struct err ignored;
		struct rf_request rq = { .method = "DELETE", .path = path, .timeout_ms = LOGOUT_MS };
		if (path && rf_exchange(t, b, &rq, &r, NULL, &ignored))
			break;
		forget_note(b, json_str(row, "key"));
	}
	json_decref(list);
}

void rf_session_lost(struct rf_bmc *b)
{
	rf_wipe(&b->token);
	free(b->session);
	b->session = NULL;
	forget_note(b, b->note_key);
}

/* A login that named no session: the only one that is listed is ours. */
static void find_session(struct task *t, struct rf_bmc *b)
{
	struct rf_request rq = { .method = "GET", .path = b->sessions_uri, .timeout_ms = LOGOUT_MS };
	autoreply struct rf_reply r = { 0 };
	struct err ignored;
	const json_t *members;

	if (rf_exchange(t, b, &rq, &r, NULL, &ignored) || !rf_good(&r))
		return;
	members = json_at(r.json, "Members");
	if (json_array_size(members) == 1 && json_int(r.json, "Members@odata.count", 1) == 1)
		b->session = rf_path(json_str(json_array_get(members, 0), "@odata.id"));
}

void rf_logout(struct task *t, struct rf_bmc *b)
{
	struct err ignored;

	if (!b->token)
		return;
	if (!b->session && !b->refused)
		find_session(t, b);
	if (b->session && !b->refused) {
		struct rf_request rq = { .method = "DELETE", .path = b->session, .timeout_ms = LOGOUT_MS };
		autoreply struct rf_reply r = { 0 };
		if (rf_exchange(t, b, &rq, &r, NULL, &ignored) == 0 || r.sent)
			forget_note(b, b->note_key);
		rf_wipe(&b->token);
		return;
	}
	rf_session_lost(b);
}

/* --- logging in -------------------------------------------------------------------------------------------------------- */

static char *link_of(const json_t *root, const char *name, const char *deflt)
{
	char *path = rf_path(json_str(json_at(root, name), "@odata.id"));

	return path ? path : xstrdup(deflt);
}

static void forget_root(struct rf_bmc *b)
{
	char **all[] = { &b->sessions_uri, &b->systems_uri, &b->managers_uri, &b->chassis_uri, &b->update_uri, &b->tasks_uri, &b->registries_uri };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		free(*all[i]);
		*all[i] = NULL;
	}
}

static void read_root(struct rf_bmc *b, const json_t *root)
{
	const char *vendor = json_str(root, "Vendor");
	const json_t *oem = json_at(root, "Oem");

	if (!vendor && json_is_object(oem) && json_object_size(oem) == 1)
		vendor = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)oem));
	forget_root(b);
	b->quirk = quirk_for(vendor, json_str(root, "Product"), json_str(root, "RedfishVersion"));
	b->systems_uri = link_of(root, "Systems", "/redfish/v1/Systems");
	b->managers_uri = link_of(root, "Managers", "/redfish/v1/Managers");
	b->chassis_uri = link_of(root, "Chassis", "/redfish/v1/Chassis");
	b->update_uri = link_of(root, "UpdateService", "/redfish/v1/UpdateService");
	b->registries_uri = link_of(root, "Registries", "/redfish/v1/Registries");
	b->tasks_uri = link_of(root, "Tasks", "/redfish/v1/TaskService");
	b->sessions_uri = rf_path(json_str(json_path(root, "Links", "Sessions", NULL), "@odata.id"));
	if (!b->sessions_uri)
		b->sessions_uri = xstrdup(DEFAULT_SESSIONS);
	b->root_known = true;
}

/* The root may be read by anyone; a BMC that refuses it even so keeps the standard's paths. */
static int ensure_root(struct task *t, struct rf_bmc *b, struct err *err)
{
	static const char *const paths[] = { "/redfish/v1/", "/redfish/v1" };

	for (size_t i = 0; i < ARRAY_LEN(paths) && !b->root_known; i++) {
		autoreply struct rf_reply r = { 0 };
		struct rf_request rq = { .method = "GET", .path = paths[i], .flags = RF_ANONYMOUS };
		int64_t wait;
		int rc = rf_exchange(t, b, &rq, &r, NULL, err);
		if (rc && r.sent && rc == E_UNREACHABLE)
			rc = rf_exchange(t, b, &rq, &r, NULL, err);
		if (rc)
			return rc;
		for (unsigned n = 0; rf_busy(&r, &wait); n++) {
			wait = wait < 0 ? clock_backoff_ms(n, 1000, 10000) : wait > 30000 ? 30000 : wait;
			if (b->waited + wait > b->rf->limits.budget)
				break;
			b->waited += wait;
			rf_reply_release(&r);
			if (task_sleep(t, wait > 0 ? wait : 1, err))
				return err->code;
			rc = rf_exchange(t, b, &rq, &r, NULL, err);
			if (rc)
				return rc;
		}
		if ((r.status == 404 || r.status / 100 == 3) && i + 1 < ARRAY_LEN(paths))
			continue;
		if (rf_busy(&r, &wait)) {
			rf_refused(b, &r, "its service root", err);
			struct err low = *err;
			return err_set(err, E_BUSY, "%.900s; waited %lld s for it, run again later", low.msg, (long long)b->waited / 1000);
		}
		if (r.status / 100 == 3)
			return err_set(err, E_INPUT, "%s sends its service root elsewhere (HTTP %d%s%.200s): give the address it means, with https://", b->addr,
				       r.status, r.location ? ", to " : "", r.location ? r.location : "");
		if (r.status >= 400 && r.status != 401 && r.status != 403 && !json_at(r.json, "Systems"))
			return rf_refused(b, &r, "its service root", err);
		if (rf_good(&r) && !json_is_object(r.json)) {
			autostr struct str begin = { 0 };
			str_init(&begin, 400);
			rf_add_text(&begin, r.text ? r.text : "");
			return err_set(err, E_INTERNAL, "%s answers /redfish/v1 with something that is not JSON%s%.80s%s: is it a Redfish service?", b->addr,
				       begin.len ? " (\"" : "", begin.at, begin.len ? "\")" : "");
		}
		read_root(b, r.json);
		b->root_refused = !rf_good(&r);
	}
	return 0;
}

/* A root that only shows itself to users is read once more as one; a failure leaves the standard's paths. */
static int root_again(struct task *t, struct rf_bmc *b, struct err *err)
{
	struct rf_request rq = { .method = "GET", .path = "/redfish/v1/" };
	autoreply struct rf_reply r = { 0 };
	int rc = b->root_refused ? rf_exchange(t, b, &rq, &r, NULL, err) : 0;

	if (rc == 0 && rf_good(&r) && json_is_object(r.json)) {
		read_root(b, r.json);
		b->root_refused = false;
	}
	return rc;
}

int rf_credentials_refused(struct rf_bmc *b, const struct rf_reply *r, struct err *err)
{
	autostr struct str said = { 0 };

	str_init(&said, 400);
	rf_say(r->json, &said);
	rf_wipe(&b->basic);
	err_set(err, E_AUTH, "%s refused user \"%s\" (HTTP %d)%s%s%s%s%s; check the provider's username and password, it is not asked again in this "
		"run so that the account is not locked", b->addr, b->user ? b->user : "", r->status, said.len ? "; it says: " : "", said.at,
		b->no_session ? " (by HTTP Basic, as it opened no session: " : "", b->no_session ? b->no_session : "", b->no_session ? ")" : "");
	b->refused = true;
	b->down = *err;
	return E_AUTH;
}

static int use_basic(struct rf_bmc *b, const char *password)
{
	size_t n = strlen(b->user) + strlen(password) + 1;
	char *plain = xasprintf("%s:%s", b->user, password), *coded = xmalloc(n / 3 * 4 + 8);

	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain, (int)n);
	rf_wipe(&b->basic);
	b->basic = xasprintf("Basic %s", coded);
	rf_wipe(&plain);
	rf_wipe(&coded);
	return 0;
}

struct fullness { bool full; };
static void full_of(void *ctx, const json_t *m)
{
	((struct fullness *)ctx)->full |= quirk_session_full(rf_message_id(m));
}

static void take_session(struct rf_bmc *b, struct rf_reply *r, char *token)
{
	b->token = token;
	b->logins++;
	free(b->session);
	const char *id = json_str(r->json, "Id");
	b->session = r->location ? xstrdup(r->location) : rf_path(json_str(r->json, "@odata.id"));
	if (!b->session && id && *id) {
		autofree char *path = xasprintf("%s/%s", b->sessions_uri, id);
		b->session = rf_path(path);
	}
	write_note(b);
}

enum { LOGIN_AGAIN = 1, LOGIN_BASIC = 2 };

/* What a reply to the login means: 0 logged in, LOGIN_AGAIN, LOGIN_BASIC, or an error. */
static int judge_login(struct rf_bmc *b, struct rf_reply *r, char **token, int64_t *wait, bool *full, struct err *err)
{
	struct fullness f = { false };

	if (rf_good(r) && *token) {
		take_session(b, r, *token);
		*token = NULL;
		return 0;
	}
	rf_messages(r->json, full_of, &f);
	*full = f.full;
	autostr struct str said = { 0 };
	str_init(&said, 200);
	/* Everything wants HTTP Basic here, the login too: a server in front of the service, not a word about this user. */
	if (r->status == 401 && b->root_refused && !rf_say(r->json, &said))
		return LOGIN_BASIC;
	if (r->status == 401 || (r->status == 403 && !f.full)) {
		if (!rf_has_message(r->json, "PasswordChangeRequired"))
			return rf_credentials_refused(b, r, err);
		err_set(err, E_AUTH, "%s wants a new password for user \"%s\" before it can be used: change it once by hand", b->addr, b->user);
		b->refused = true;
		b->down = *err;
		return E_AUTH;
	}
	if (!f.full && rf_busy(r, wait))
		return LOGIN_AGAIN;
	return LOGIN_BASIC;
}

/* Why there is no session, should HTTP Basic be refused too. */
static void note_no_session(struct rf_bmc *b, const struct rf_reply *r)
{
	struct err why;

	rf_refused(b, r, "a login", &why);
	free(b->no_session);
	b->no_session = xasprintf("%.300s", why.msg);
}

static int open_session(struct task *t, struct rf_bmc *b, const char *password, struct err *err)
{
	autojson json_t *body = json_pack("{s:s, s:s}", "UserName", b->user, "Password", password);
	bool cleaned = false;

	for (unsigned n = 0; n < LOGIN_TRIES; n++) {
		struct rf_request rq = { .method = "POST", .path = b->sessions_uri, .body = body, .flags = RF_ANONYMOUS };
		autoreply struct rf_reply r = { 0 };
		char *token = NULL;
		int64_t wait = -1;
		bool full = false;
		int rc = rf_exchange(t, b, &rq, &r, &token, err);
		if (rc == E_UNREACHABLE && r.sent && n + 1 < LOGIN_TRIES)
			continue;
		if (rc)
			return rc;
		rc = judge_login(b, &r, &token, &wait, &full, err);
		rf_wipe(&token);
		if (rc <= 0)
			return rc;
		if (full && !cleaned) {          /* our own leftovers may be what fills it */
			cleaned = true;
			use_basic(b, password);
			delete_stale(t, b);
			rf_wipe(&b->basic);
			continue;
		}
		if (rc == LOGIN_BASIC) {
			note_no_session(b, &r);
			break;
		}
		if (wait < 0)
			wait = clock_backoff_ms(n, 1000, 10000);
		rc = task_sleep(t, wait > 60000 ? 60000 : wait > 0 ? wait : 1, err);
		if (rc)
			return rc;
	}
	return use_basic(b, password);
}

int rf_login(struct task *t, struct rf_bmc *b, bool *refused, struct err *err)
{
	char *password = NULL;

	if (b->token || b->basic)
		return 0;
	int rc = ensure_root(t, b, err);
	if (rc)
		goto failed;
	if (!b->user || !b->password)
		return err_set(err, E_INPUT, "%s: no credentials; set provider.redfish.username and password (a reference such as env:BMC_PASSWORD)",
			       b->addr);
	rc = secret_resolve(b->rf->dir, b->password, &password, err);
	if (rc) {
		/* Whatever is wrong with it: nothing was learnt about the BMC, least of all that something is not there. */
		rc = err->code = E_AUTH;
		*refused = true;
		return rc;
	}
	rc = open_session(t, b, password, err);
	rf_wipe(&password);
	if (rc == 0)
		rc = root_again(t, b, err);
	if (rc == 0)
		delete_stale(t, b);
failed:
	*refused = rc == E_AUTH;
	if (rc && rc != E_AUTH && rc != E_CANCELED && !b->expecting) {
		b->down = *err;
		b->down_until = clock_now_ms() + 120 * 1000;
	}
	return rc;
}
