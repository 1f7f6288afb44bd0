/* client_internal - what client.c, types.c and verbs.c share. */
#ifndef KUBE_CLIENT_INTERNAL_H
#define KUBE_CLIENT_INTERNAL_H

#include "kube/client.h"

struct kube_types;               /* discovery's memory, types.c */

struct kube {
	struct kube_config *config;
	struct http *http;
	int64_t patience_ms, request_ms;
	struct kube_types *types;
};

void kube_types_free(struct kube_types *types);
/* GET of PATH as a JSON object; the body's kind must be KIND unless that is NULL. */
int kube_get_json(struct task *t, struct kube *k, const char *path, const char *what, const char *kind, json_t **out, struct kube_fail *why,
		  struct err *err) MUST_CHECK;
/* The body of a good reply as an object, or E_INTERNAL. */
int kube_object_of(const struct http_response *r, const char *what, json_t **out, struct err *err) MUST_CHECK;

enum { KUBE_STAMP = 48 };
/* A MicroTime: "2026-10-31T14:03:59.120000Z". */
void kube_stamp(int64_t wall_ms, char out[KUBE_STAMP]);

#endif
