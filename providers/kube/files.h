/* files - node_labels and manifest as files for GitOps: each with a path is one YAML file (providers/textfile.h). A file that holds
 * something else than what was written is someone's and is never removed. */
#ifndef PROVIDERS_KUBE_FILES_H
#define PROVIDERS_KUBE_FILES_H

#include "base/str.h"
#include "engine/provider.h"

int file_node_read(struct task *t, struct op *op, struct err *err);
int file_node_write(struct task *t, struct op *op, struct err *err);
int file_node_remove(struct task *t, struct op *op, struct err *err);
int file_manifest_read(struct task *t, struct op *op, struct err *err);
int file_manifest_write(struct task *t, struct op *op, struct err *err);
int file_manifest_remove(struct task *t, struct op *op, struct err *err);

/* The text that establishes a node_labels object, and what such a text says (never fails: what cannot be read differs from
 * everything we write). */
void node_text(const json_t *config, struct str *out);
json_t *node_actual(const char *path, const char *text, size_t len);
void manifest_text(const json_t *config, struct str *out);
json_t *manifest_actual(const char *path, const char *text, size_t len);

#endif
