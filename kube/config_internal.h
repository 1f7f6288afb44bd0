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
	int64_t exec_until_ms;                               /* asked again from then on, by the wall clock; TASK_FOREVER: never */
	struct gate exec_gate;
	struct http_trust trust;
};

extern const char *kube_account_folder;                 /* a test has its own */

/* YAML 1.2 core as a kubeconfig uses it, to JSON; depth 32, no aliases. */
int kube_yaml_read(const char *text, size_t len, const char *what, json_t **out, struct err *err) MUST_CHECK;
int kube_exec_check(const json_t *exec, struct err *err) MUST_CHECK;
/* Fills exec_token, exec_cert, exec_key when they are missing, old, or those of run REFUSED (0: none was). */
int kube_exec_run(struct task *t, struct kube_config *c, unsigned refused, struct err *err) MUST_CHECK;

#endif
