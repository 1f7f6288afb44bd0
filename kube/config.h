/* config - where an API server is and how to prove who we are: a kubeconfig's context, or the pod's service account.
 *
 * Which one: the named file or list of files, else $KUBECONFIG, else ~/.kube/config, else the service account (when
 * KUBERNETES_SERVICE_HOST is set). A list is separated by ':' and merged as kubectl does: the first file to name a cluster, user,
 * context or the current context wins; files of the list that do not exist are passed over. Relative paths inside a file are
 * relative to that file. Files are read at load time, except tokens, which are read again each minute (they rotate), and client
 * certificates given by path, which are read for each new connection.
 *
 * Read: cluster: server, certificate-authority(-data), insecure-skip-tls-verify, tls-server-name. user: client-certificate(-data),
 * client-key(-data), token, tokenFile (wins), username with password, exec (client.authentication.k8s.io v1 and v1beta1:
 * command, args, env, provideClusterInfo). context: cluster, user, namespace. A user that needs something else (auth-provider, impersonation) and a proxy-url
 * are refused by name, never ignored. Caps: 4 MiB a file, depth 32, 1,000 entries of a kind.
 *
 * An exec plugin runs without a terminal and has EXEC_MS to answer, whatever becomes of the request that made it run: one that was given less
 * time fails alone, and the next one finds the plugin running or done. Its credential is used until its expirationTimestamp, or until the
 * server answers 401; a minute before the end (or a quarter of a short life) a request makes the plugin run again and goes on with what there
 * is. When that fails the log says so, and it is tried again after 5 s. No credential is ever logged or put in an error.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/http.h"
#include "base/task.h"

enum { KUBE_EXEC_MS = 60000, KUBE_TOKEN_AGAIN_MS = 60000 };

struct kube_config;

/* PATHS and CONTEXT may be NULL: the rules above, the current context. PATHS "in-cluster": the service account and nothing else. Reads files only; E_NOTFOUND when there is no
 * configuration at all, E_INPUT for what is wrong in one (it names file and entry). */
int kube_config_load(const char *paths, const char *context, struct kube_config **out, struct err *err) MUST_CHECK;
/* Without any file: an address, and optionally a bearer token (copied). INSECURE: the certificate is not checked. */
struct kube_config *kube_config_plain(const char *server, const char *token, bool insecure);
/* Wipes secrets, ends a plugin that runs (before loop_free() of the loop it was asked on). NULL is fine. */
void kube_config_free(struct kube_config *c);

const char *kube_config_server(const struct kube_config *c);     /* "https://host:port/base", without a final slash */
const char *kube_config_namespace(const struct kube_config *c);  /* of the context or the service account; "default" */
const char *kube_config_context(const struct kube_config *c);    /* its name; "in-cluster" for the service account */
/* Borrowed; always of the newest credential, for the life of C. */
const struct http_trust *kube_config_trust(struct kube_config *c);

/* The value of the Authorization header to send now, or NULL when a certificate says it all: a new string to free. *GIVEN says which
 * credential that was (1 or more). Put back in, it says that this one was answered with 401, so that what can be made anew is, once for
 * all who were refused with it; 0: none was. Waits for an exec plugin. E_AUTH when that fails. */
int kube_config_auth(struct task *t, struct kube_config *c, unsigned *given, char **out, struct err *err) MUST_CHECK;

#endif
