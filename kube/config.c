#include "kube/config.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/config_internal.h"

enum { FILE_MAX = 4 << 20, TOKEN_MAX = 256 * 1024 };

const char *kube_account_folder = "/var/run/secrets/kubernetes.io/serviceaccount";

static void wipe(char *s)
{
	if (s)
		OPENSSL_cleanse(s, strlen(s));
	free(s);
}

static char *base64(const char *text, size_t len)
{
	char *out = xmalloc(4 * ((len + 2) / 3) + 1);
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
	return out;
}

/* The text of a base64 value of a kubeconfig; NULL when it is none. */
static char *decoded(const char *b64)
{
	size_t n = strlen(b64), pad = 0;
	while (pad < 2 && n > pad && b64[n - 1 - pad] == '=')
		pad++;
	char *out = xmalloc(n / 4 * 3 + 4);
	int got = n % 4 ? -1 : EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)b64, (int)n);
	if (got < 0 || memchr(out, '\0', (size_t)got - pad)) {
		free(out);
		return NULL;
	}
	out[(size_t)got - pad] = '\0';
	return out;
}

/* --- merging files -------------------------------------------------------------------------------------------------- */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? xstrndup(path, (size_t)(slash - path + 1)) : xstrdup("./");
}

/* Makes the paths in the entry of a file independent of where it lies. */
static void anchor(json_t *entry, const char *dir)
{
	static const char *const names[] = { "certificate-authority", "client-certificate", "client-key", "tokenFile" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *path = json_str(entry, names[i]);
		if (path && path[0] && path[0] != '/') {
			autofree char *full = file_join(dir, path);
			json_put_str(entry, names[i], full);
		}
	}
	const char *command = json_str(json_at(entry, "exec"), "command");
	if (command && command[0] != '/' && strchr(command, '/')) {
		autofree char *full = file_join(dir, command);
		json_put_str(json_object_get(entry, "exec"), "command", full);
	}
}

static void merge_list(json_t *into, const json_t *file, const char *list, const char *inner, const char *dir)
{
	json_t *all = json_object_get(into, list);
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)json_at(file, list), i, item) {
		const char *name = json_str(item, "name");
		json_t *body = json_object_get(item, inner);
		if (!name || !json_is_object(body) || json_object_get(all, name) || json_object_size(all) >= 1000)
			continue;
		anchor(body, dir);
		json_object_set(all, name, body);
	}
}

static int merge_file(json_t *into, const char *path, struct err *err)
{
	autofree char *text = NULL, *dir = folder_of(path);
	autojson json_t *file = NULL;
	size_t len;
	int rc = file_read(path, FILE_MAX, &text, &len, err);
	if (rc == 0)
		rc = kube_yaml_read(text, len, path, &file, err);
	if (rc)
		return rc;
	if (len)
		OPENSSL_cleanse(text, len);
	if (!json_is_object(file) && !json_is_null(file))
		return err_set(err, E_INPUT, "%s is no kubeconfig: it must be a map", path);
	merge_list(into, file, "clusters", "cluster", dir);
	merge_list(into, file, "users", "user", dir);
	merge_list(into, file, "contexts", "context", dir);
	const char *current = json_str(file, "current-context");
	if (current && current[0] && !json_str(into, "current-context"))
		json_put_str(into, "current-context", current);
	return 0;
}

static int merge_paths(const char *paths, bool single, json_t *into, unsigned *n, struct err *err)
{
	for (const char *p = paths; *p;) {
		size_t len = strcspn(p, ":");
		autofree char *path = xstrndup(p, len);
		p += len + (p[len] == ':');
		if (!len || (!file_exists(path) && (!single || strchr(paths, ':'))))
			continue;
		int rc = merge_file(into, path, err);
		if (rc)
			return rc;
		++*n;
	}
	return 0;
}

/* --- one context -------------------------------------------------------------------------------------------------------- */

static int pem_of(const json_t *entry, const char *path_key, const char *data_key, char **path, char **data, struct err *err)
{
	const char *b64 = json_str(entry, data_key), *file = json_str(entry, path_key);
	if (b64 && b64[0]) {
		*data = decoded(b64);
		return *data ? 0 : err_set(err, E_INPUT, "%s is not base64 of a PEM text", data_key);
	}
	*path = file && file[0] ? xstrdup(file) : NULL;
	return 0;
}

static int take_cluster(struct kube_config *c, const json_t *cluster, struct err *err)
{
	const char *server = json_str(cluster, "server"), *name = json_str(cluster, "tls-server-name"), *proxy = json_str(cluster, "proxy-url");
	if (!server || (!str_has_prefix(server, "https://") && !str_has_prefix(server, "http://")))
		return err_set(err, E_INPUT, "its server must be an http or https address");
	if (proxy && proxy[0])
		return err_set(err, E_UNSUPPORTED, "proxy-url is not supported");
	c->server = xstrdup(server);
	while (str_has_suffix(c->server, "/"))
		c->server[strlen(c->server) - 1] = '\0';
	c->server_name = name && name[0] ? xstrdup(name) : NULL;
	c->insecure = json_flag(cluster, "insecure-skip-tls-verify", false);
	c->cluster = json_ref(cluster);
	int rc = pem_of(cluster, "certificate-authority", "certificate-authority-data", &c->ca_file, &c->ca_pem, err);
	if (rc == 0 && c->insecure && (c->ca_file || c->ca_pem))
		return err_set(err, E_INPUT, "insecure-skip-tls-verify and a certificate-authority exclude each other");
	return rc;
}

static int take_user(struct kube_config *c, const json_t *user, struct err *err)
{
	static const char *const refused[] = { "auth-provider", "as", "as-uid", "as-groups", "as-user-extra" };
	const char *token = json_str(user, "token"), *file = json_str(user, "tokenFile");
	const char *name = json_str(user, "username"), *password = json_str(user, "password");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (json_at(user, refused[i]))
			return err_set(err, E_UNSUPPORTED, "%s is not supported", refused[i]);
	int rc = pem_of(user, "client-certificate", "client-certificate-data", &c->cert_file, &c->cert_pem, err);
	if (rc == 0)
		rc = pem_of(user, "client-key", "client-key-data", &c->key_file, &c->key_pem, err);
	if (rc)
		return rc;
	if (name && name[0]) {
		autofree char *both = xasprintf("%s:%s", name, password ? password : "");
		c->basic = base64(both, strlen(both));
		OPENSSL_cleanse(both, strlen(both));
	}
	c->token_file = file && file[0] ? xstrdup(file) : NULL;
	c->token = token && token[0] ? xstrdup(token) : NULL;
	if (json_is_object(json_at(user, "exec"))) {
		c->exec = json_ref(json_at(user, "exec"));
		return kube_exec_check(c->exec, err);
	}
	return 0;
}

static int take_context(const json_t *all, const char *wanted, struct kube_config *c, struct err *err)
{
	const char *name = wanted ? wanted : json_str(all, "current-context");
	if (!name)
		return err_set(err, E_INPUT, "the kubeconfig has no current-context; name one");
	const json_t *context = json_at(json_at(all, "contexts"), name);
	if (!context)
		return err_set(err, E_INPUT, "the kubeconfig has no context '%s'", name);
	const char *cluster = json_str(context, "cluster"), *user = json_str(context, "user"), *ns = json_str(context, "namespace");
	const json_t *c_entry = cluster ? json_at(json_at(all, "clusters"), cluster) : NULL;
	const json_t *u_entry = user ? json_at(json_at(all, "users"), user) : NULL;
	if (!c_entry || (user && user[0] && !u_entry))
		return err_set(err, E_INPUT, "context '%s' names the %s '%s', which the kubeconfig does not have", name, c_entry ? "user" : "cluster",
			       c_entry ? user : cluster ? cluster : "");
	c->context = xstrdup(name);
	c->ns = xstrdup(ns && ns[0] ? ns : "default");
	if (take_cluster(c, c_entry, err) != 0)
		return err_wrap(err, "cluster '%s' of the kubeconfig", cluster);
	if (u_entry && take_user(c, u_entry, err) != 0)
		return err_wrap(err, "user '%s' of the kubeconfig", user);
	return 0;
}

static int in_cluster(struct kube_config *c, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	autofree char *ns = NULL;
	size_t len;
	if (!host || !host[0])
		return err_set(err, E_NOTFOUND, "no Kubernetes cluster is configured: no kubeconfig (KUBECONFIG, ~/.kube/config), and this is no pod");
	c->server = xasprintf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port && port[0] ? port : "443");
	c->ca_file = file_join(kube_account_folder, "ca.crt");
	c->token_file = file_join(kube_account_folder, "token");
	c->context = xstrdup("in-cluster");
	autofree char *path = file_join(kube_account_folder, "namespace");
	int rc = file_read(path, 256, &ns, &len, NULL);
	if (rc == 0)
		ns[strcspn(ns, " \t\r\n")] = '\0';
	c->ns = xstrdup(rc == 0 && ns[0] ? ns : "default");
	return 0;
}

int kube_config_load(const char *paths, const char *context, struct kube_config **out, struct err *err)
{
	struct kube_config *c = xcalloc(1, sizeof(*c));
	autojson json_t *all = json_pack("{s:{},s:{},s:{}}", "clusters", "users", "contexts");
	autofree char *home = NULL;
	const char *env = getenv("KUBECONFIG"), *h = getenv("HOME");
	unsigned n = 0;
	bool account = paths && strcmp(paths, "in-cluster") == 0;
	if (account)
		paths = env = h = NULL;
	if (!account && !paths && env && env[0])
		paths = env;
	if (!paths && h && (home = xasprintf("%s/.kube/config", h)) && file_exists(home))
		paths = home;
	int rc = paths ? merge_paths(paths, paths != env, all, &n, err) : 0;
	if (rc == 0 && paths && !n && paths != env)
		rc = err_set(err, E_NOTFOUND, "no kubeconfig at %s", paths);
	if (rc == 0)
		rc = n ? take_context(all, context, c, err) : in_cluster(c, err);
	if (rc) {
		kube_config_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

struct kube_config *kube_config_plain(const char *server, const char *token, bool insecure)
{
	struct kube_config *c = xcalloc(1, sizeof(*c));
	c->server = xstrdup(server);
	c->token = xstrdup(token);
	c->insecure = insecure;
	c->ns = xstrdup("default");
	c->context = xstrdup("");
	return c;
}

void kube_config_free(struct kube_config *c)
{
	if (!c)
		return;
	kube_exec_end(c);
	char *const plain[] = { c->server, c->server_name, c->ca_file, c->ca_pem, c->cert_file, c->key_file, c->token_file, c->context, c->ns };
	char *const secret[] = { c->cert_pem, c->key_pem, c->token, c->basic, c->file_token, c->exec_token, c->exec_cert, c->exec_key };
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		free(plain[i]);
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		wipe(secret[i]);
	json_decref(c->exec);
	json_decref(c->cluster);
	free(c);
}

const char *kube_config_server(const struct kube_config *c) { return c->server; }
const char *kube_config_namespace(const struct kube_config *c) { return c->ns; }
const char *kube_config_context(const struct kube_config *c) { return c->context; }

const struct http_trust *kube_config_trust(struct kube_config *c)
{
	bool exec = c->exec_cert != NULL;
	c->trust = (struct http_trust){
		.ca_file = c->ca_file, .ca_pem = c->ca_pem, .insecure = c->insecure, .server_name = c->server_name,
		.cert_file = exec ? NULL : c->cert_file, .key_file = exec ? NULL : c->key_file,
		.cert_pem = exec ? c->exec_cert : c->cert_pem, .key_pem = exec ? c->exec_key : c->key_pem,
	};
	return &c->trust;
}

/* --- what proves it ------------------------------------------------------------------------------------------------------ */

/* Reads the token's file again when it is old; an unreadable file keeps the token we have. */
static int reload_token(struct kube_config *c, bool refused, struct err *err)
{
	char *text = NULL;
	size_t len;
	if (c->file_token && !refused && clock_now_ms() - c->token_read_ms < KUBE_TOKEN_AGAIN_MS)
		return 0;
	int rc = file_read(c->token_file, TOKEN_MAX, &text, &len, err);
	if (rc)
		return c->file_token ? 0 : err_set(err, E_AUTH, "the token file %s cannot be read", c->token_file);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	if (!len) {
		free(text);
		return c->file_token ? 0 : err_set(err, E_AUTH, "the token file %s is empty", c->token_file);
	}
	wipe(c->file_token);
	c->file_token = text;
	c->token_read_ms = clock_now_ms();
	return 0;
}

int kube_config_auth(struct task *t, struct kube_config *c, unsigned *given, char **out, struct err *err)
{
	int rc = 0;
	const char *token = c->token;
	if (c->token_file) {
		rc = reload_token(c, *given != 0, err);
		token = c->file_token;
	} else if (!token && c->exec) {
		rc = kube_exec_run(t, c, *given, err);
		token = c->exec_token;
	}
	if (rc)
		return rc;
	*given = c->exec_runs ? c->exec_runs : 1;
	*out = token ? xasprintf("Bearer %s", token) : c->basic ? xasprintf("Basic %s", c->basic) : NULL;
	return 0;
}
