/* What model.c and update.c share. */
#ifndef RUNTIME_SCHEDULER_MODEL_INTERNAL_H
#define RUNTIME_SCHEDULER_MODEL_INTERNAL_H

#include "runtime/scheduler/model.h"

void model_add_namespace(struct model *m, const json_t *j);
void model_add_claim(struct model *m, const json_t *j);
void model_add_volume(struct model *m, const json_t *j);
void model_add_budget(struct model *m, const json_t *j);     /* into m->arena */
/* Is N a spare by its label or by a SparePool? */
bool model_is_spare(const struct model *m, const struct node *n);
/* A resource that a DeviceClass owns cannot be given; also remembers what the pod itself is refused for. */
void model_refuse_devices(struct model *m, struct pod *p);
int model_by_node_name(const void *a, const void *b);
void node_count(struct node *n, const struct amounts *a, int sign);
void node_free_memory(struct node *n);

#endif
