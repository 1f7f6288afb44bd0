/* AccountService: admin, up to SIM_MAX_ACCOUNTS more, and the three standard roles. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "sim/call.h"
#include "sim/types.h"

#define SERVICE ROOT "/AccountService"
#define ROLES "Administrator|Operator|ReadOnly"

enum { MIN_PASSWORD = 8, MAX_PASSWORD = 64 };

static const struct account admin = { .id = 1, .enabled = true, .user = "admin", .role = "Administrator" };

/* Accounts of B: its own list, or admin as delivered. */
static const struct account *accounts(const struct bmc *b, size_t *n)
{
	*n = b->accounts.len ? b->accounts.len : 1;
	return b->accounts.len ? b->accounts.at : &admin;
}

/* The same, to be changed. */
static struct account *own_account(struct bmc *b, unsigned id)
{
	if (!b->accounts.len)
		vec_push(&b->accounts, admin);
	for (size_t i = 0; i < b->accounts.len; i++)
		if (b->accounts.at[i].id == id)
			return &b->accounts.at[i];
	return NULL;
}

static const struct account *find(const struct bmc *b, unsigned id)
{
	size_t n;
	const struct account *a = accounts(b, &n);

	for (size_t i = 0; i < n; i++)
		if (a[i].id == id)
			return &a[i];
	return NULL;
}

static const struct account *find_user(const struct bmc *b, const char *user)
{
	size_t n;
	const struct account *a = accounts(b, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i].user, user) == 0)
			return &a[i];
	return NULL;
}

bool account_exists(const struct bmc *b, const char *user, const char **role)
{
	const struct account *a = find_user(b, user);

	if (!a || !a->enabled)
		return false;
	*role = a->role;
	return true;
}

bool account_check(const struct bmc *b, const char *user, const char *password, const char **role)
{
	const struct account *a = find_user(b, user);
	const char *right = a && a->password ? a->password : b->fleet->password;
	size_t n = strlen(right);

	if (!a || !a->enabled || strlen(password) != n || CRYPTO_memcmp(password, right, n) != 0)
		return false;
	*role = a->role;
	return true;
}

/* --- resources ----------------------------------------------------------------------------------------------- */

static json_t *get_service(struct call *c)
{
	json_t *r = resource(c, TYPE_ACCOUNT_SERVICE, "AccountService", "Account Service");

	json_object_update_new(r, json_pack("{s:b, s:o, s:i, s:i, s:i, s:o, s:o}", "ServiceEnabled", 1, "Status", status_ok(),
		"MinPasswordLength", MIN_PASSWORD, "MaxPasswordLength", MAX_PASSWORD, "AccountLockoutThreshold", 0, "Accounts",
		ref(SERVICE "/Accounts"), "Roles", ref(SERVICE "/Roles")));
	return r;
}

static json_t *get_accounts(struct call *c)
{
	json_t *r = collection(c, "ManagerAccountCollection", "Accounts Collection");
	size_t n;
	const struct account *a = accounts(c->b, &n);

	for (size_t i = 0; i < n; i++)
		member(r, SERVICE "/Accounts/%u", a[i].id);
	return r;
}

static json_t *get_account(struct call *c)
{
	const struct account *a = find(c->b, number_id(c->id[0]));
	json_t *r;

	if (!a)
		return NULL;
	r = resource(c, TYPE_ACCOUNT, c->id[0], "User Account");
	json_object_update_new(r, json_pack("{s:s, s:s, s:b, s:b, s:n, s:[s], s:{s:o}}", "UserName", a->user, "RoleId", a->role,
		"Enabled", a->enabled, "Locked", 0, "Password", "AccountTypes", "Redfish", "Links", "Role",
		ref(SERVICE "/Roles/%s", a->role)));
	return r;
}

static void change_password(struct account *a, const char *password)
{
	if (a->password)
		OPENSSL_cleanse(a->password, strlen(a->password));
	free(a->password);
	a->password = xstrdup(password);
}

static void set_password(struct call *c, const json_t *v)
{
	struct account *a = own_account(c->b, number_id(c->id[0]));

	change_password(a, json_string_value(v));
	session_drop_user(c->b, a->user, c->session);
}

static void set_enabled(struct call *c, const json_t *v)
{
	own_account(c->b, number_id(c->id[0]))->enabled = json_is_true(v);
}

static void set_role(struct call *c, const json_t *v)
{
	struct account *a = own_account(c->b, number_id(c->id[0]));

	snprintf(a->role, sizeof a->role, "%s", json_string_value(v));
}

static void set_user(struct call *c, const json_t *v)
{
	struct account *a = own_account(c->b, number_id(c->id[0]));
	const char *name = json_string_value(v);

	if (strcmp(name, a->user) == 0)
		return;
	if (find_user(c->b, name)) {
		fail(c, 400, "ResourceAlreadyExists", "UserName", "ManagerAccount", "UserName", name);
		return;
	}
	session_drop_user(c->b, a->user, c->session);
	snprintf(a->user, sizeof a->user, "%s", name);
}

static void set_locked(struct call *c, const json_t *v)
{
	if (json_is_true(v))
		fail(c, 400, "PropertyValueNotInList", "Locked", "true", "Locked");
}

static void patch_account(struct call *c)
{
	static const struct writable all[] = {
		{ "Password", 's', MIN_PASSWORD, MAX_PASSWORD, NULL, set_password }, { "Enabled", 'b', 0, 0, NULL, set_enabled },
		{ "RoleId", 's', 0, 0, ROLES, set_role }, { "UserName", 's', 1, 31, NULL, set_user },
		{ "Locked", 'b', 0, 0, NULL, set_locked },
	};
	const struct account *a = find(c->b, number_id(c->id[0]));
	bool mine = a && strcmp(a->user, c->user) == 0;

	if (!call_may(c, PRIV_USERS) && !mine) {
		fail(c, 403, "InsufficientPrivilege", NULL);
		return;
	}
	if (!call_may(c, PRIV_USERS) && (json_object_size(c->in) != 1 || !json_object_get(c->in, "Password"))) {
		fail(c, 403, "InsufficientPrivilege", NULL);
		return;
	}
	patch_properties(c, all, a && a->id == 1 ? 1 : ARRAY_LEN(all));
}

static void delete_account(struct call *c)
{
	unsigned id = number_id(c->id[0]);
	struct account *a;

	if (id == 1) {
		fail(c, 400, "ResourceCannotBeDeleted", NULL);
		return;
	}
	a = own_account(c->b, id);
	if (a) {
		session_drop_user(c->b, a->user, 0);
		free(a->password);
		*a = c->b->accounts.at[--c->b->accounts.len];
	}
	reply_empty(c, 204);
}

static const char *text_property(struct call *c, const char *name, size_t min, size_t max)
{
	const json_t *v = json_object_get(c->in, name);

	if (!v)
		complain(c, "CreateFailedMissingReqProperties", name, name);
	else if (!json_is_string(v))
		complain(c, "PropertyValueTypeError", name, "", name);
	else if (json_string_length(v) < min || json_string_length(v) > max)
		complain(c, "PropertyValueFormatError", name, "", name);
	else
		return json_string_value(v);
	return NULL;
}

static void check_create(struct call *c, const char *user, const char *role)
{
	const char *key;
	json_t *value;

	json_object_foreach(c->in, key, value) {
		if (!word_in("UserName|Password|RoleId|Enabled|Locked|PasswordChangeRequired|AccountTypes|Name|Description|Links", key))
			complain(c, "PropertyUnknown", key, key);
		if ((strcmp(key, "Enabled") == 0 || strcmp(key, "Locked") == 0) && !json_is_boolean(value))
			complain(c, "PropertyValueTypeError", key, "", key);
	}
	if (role && !word_in(ROLES, role))
		complain(c, "PropertyValueNotInList", "RoleId", role, "RoleId");
	if (user && find_user(c->b, user))
		complain(c, "ResourceAlreadyExists", "UserName", "ManagerAccount", "UserName", user);
}

static void post_account(struct call *c)
{
	const char *user = text_property(c, "UserName", 1, 31), *role = text_property(c, "RoleId", 1, 15);
	const char *password = text_property(c, "Password", MIN_PASSWORD, MAX_PASSWORD);
	struct account a = { .id = c->b->next_account, .enabled = json_flag(c->in, "Enabled", true) };
	char path[96];

	check_create(c, user, role);
	if (!c->infos && c->b->accounts.len > SIM_MAX_ACCOUNTS)
		complain(c, "CreateLimitReachedForResource", NULL);
	if (c->infos) {
		reply_complaints(c, 400);
		return;
	}
	own_account(c->b, 1);
	c->b->next_account++;
	snprintf(a.user, sizeof a.user, "%s", user);
	snprintf(a.role, sizeof a.role, "%s", role);
	a.password = xstrdup(password);
	vec_push(&c->b->accounts, a);
	snprintf(path, sizeof path, SERVICE "/Accounts/%u", a.id);
	reply_created(c, path);
}

static const struct { const char *id, *privileges; } roles[] = {
	{ "Administrator", "Login|ConfigureManager|ConfigureUsers|ConfigureComponents|ConfigureSelf" },
	{ "Operator", "Login|ConfigureComponents|ConfigureSelf" },
	{ "ReadOnly", "Login|ConfigureSelf" },
};

static json_t *get_roles(struct call *c)
{
	json_t *r = collection(c, "RoleCollection", "Roles Collection");

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		member(r, SERVICE "/Roles/%s", roles[i].id);
	return r;
}

static json_t *get_role(struct call *c)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		json_t *r;

		if (strcmp(roles[i].id, c->id[0]) != 0)
			continue;
		r = resource(c, TYPE_ROLE, roles[i].id, "User Role");
		json_object_update_new(r, json_pack("{s:s, s:b, s:o}", "RoleId", roles[i].id, "IsPredefined", 1, "AssignedPrivileges",
			words(roles[i].privileges)));
		return r;
	}
	return NULL;
}

const struct route routes_account[] = {
	{ .path = "AccountService", .get = get_service },
	{ .path = "AccountService/Accounts", .get = get_accounts, .post = post_account, .priv = PRIV_USERS },
	{ .path = "AccountService/Accounts/Members", .post = post_account, .priv = PRIV_USERS },
	{ .path = "AccountService/Accounts/*", .get = get_account, .patch = patch_account, .del = delete_account, .priv = PRIV_SELF },
	{ .path = "AccountService/Roles", .get = get_roles },
	{ .path = "AccountService/Roles/*", .get = get_role },
	{ 0 },
};
