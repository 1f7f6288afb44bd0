/* gpus - sets of GPU numbers of one node: "0-3", "0,2,5-7", "all", 4, [0, 1]. At most 64 GPUs, numbers from 0. */
#ifndef PROVIDERS_MIG_GPUS_H
#define PROVIDERS_MIG_GPUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads V into a bit set; for "all", *ALL is true and every bit set. False with the reason in WHY. */
bool gpus_parse(const json_t *v, uint64_t *set, bool *all, char *why, size_t size);
void gpus_text(uint64_t set, char *out, size_t size);        /* "0-3, 7" */
json_t *gpus_json(uint64_t set);                             /* [0, 1, 2, 3, 7] */
uint64_t gpus_first(unsigned n);                             /* {0 .. n-1} */

#endif
