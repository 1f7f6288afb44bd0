/* config_internal - what config.c, exec.c and yaml.c share. */
#ifndef KUBE_CONFIG_INTERNAL_H
#define KUBE_CONFIG_INTERNAL_H

#include <jansson.h>

#include "kube/config.h"

struct kube_config {
	char *server, *server_name, *context, *ns;
	bool insecure;
	char *ca_file, *ca_pem, *cert_file, *cert_pem, *key_file, *key_pem;
	char *token, *token_file, *basic;
	char *file_token; int64_t token_read_ms;             /* what token_file held */
	json_t *exec, *cluster;
	char *exec_token, *exec_cert, *exec_key;             /* what the plugin said last */
	unsigned exec_runs;                                  /* that went well */
	int64_t exec_until_ms, exec_end_ms;                  /* asked again from then on; no longer good, by the wall clock; TASK_FOREVER: never */
	struct exec_run *exec_now;                           /* the run that is under way; NULL: none */
	struct event exec_over;                              /* set when it is over */
	unsigned exec_fails;                                 /* runs that went wrong */
	struct err exec_failure;                             /* how the last of them did */
	int64_t exec_again_ms;                               /* not ahead of need before then */
	struct http_trust trust;
};

extern const char *kube_account_folder;                 /* a test has its own */

/* YAML 1.2 core as a kubeconfig uses it, to JSON; depth 32, no aliases. */
int kube_yaml_read(const char *text, size_t len, const char *what, json_t **out, struct err *err) MUST_CHECK;
int kube_exec_check(const json_t *exec, struct err *err) MUST_CHECK;
/* Fills exec_token, exec_cert, exec_key when they are missing, ended, or those of run REFUSED (0: none was), and waits for that. When they end
 * soon the plugin is run as well, but nobody waits for it. */
int kube_exec_run(struct task *t, struct kube_config *c, unsigned refused, struct err *err) MUST_CHECK;
/* Ends a run that is under way; its handles are closed by the loop, later. Nobody may wait for it. */
void kube_exec_end(struct kube_config *c);

#endif
