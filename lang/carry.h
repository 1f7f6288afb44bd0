/* carry - conditions that cannot be told yet, as JSON that a saved plan takes along, and told from it without the spec.
 *
 * {"rules": [{"condition": SOURCE, "error": SOURCE}],
 *  "cells": [CELL],
 *  "tell": [{"code", "what", "address", "rule", "env", "self", "trail": [{"text", "file", "line", "column"}]} or {"address", "why"}]}
 * A SOURCE is a piece of a YAML file with its place: {"file", "line", "column", "lines", "end"}. ENV is what references stand for:
 * {"var.x": index of a cell}. A CELL is a value as an expression ({"value"}), an expression with its own env ({"source", "env", "as"}), objects
 * ({"kind", "instances": [{"key", "address"} or {"key", "value", "needs": [address]} or {"key"}: not known]}), or instances of a module ({"kind",
 * "modules": [{"key", "outputs": {name: index}}]}). Cells refer to cells before them only. Sensitive and ephemeral values are never stored:
 * what needs one has a "why" instead.
 */
#ifndef LANG_CARRY_H
#define LANG_CARRY_H

#include "lang/lang.h"

/* The instances of R in block number BLOCK: [instances] of a CELL. A new reference. */
typedef json_t *lang_instances_fn(void *ctx, const struct lang_resource *r, size_t block);
/* From now on conditions that are evaluated and cannot be told are kept, until lang_carry_end(), which gives them (a new reference; NULL: there are
 * none). Preconditions of resources are not: their resources wait for the next plan. */
void lang_carry_begin(struct lang *l, lang_instances_fn *fn, void *ctx);
/* What `self` is in the postconditions that are evaluated next: one instance as above; borrowed until the next call. */
void lang_carry_self(struct lang *l, json_t *instance);
json_t *lang_carry_end(struct lang *l);

struct lang_carried;
/* What the object at ADDRESS is now, as expressions see it: a new reference; lang_unknown(): that is not known. */
typedef json_t *lang_object_fn(void *ctx, const char *address);
/* Takes J, which comes from outside, apart; files that functions read are in DIR. E_INPUT: it is damaged. */
int lang_carried_load(const json_t *j, const char *dir, lang_object_fn *fn, void *ctx, struct lang_carried **out, struct err *err) MUST_CHECK;
void lang_carried_free(struct lang_carried *c);      /* NULL is fine; marks of diagnostics point into it */
size_t lang_carried_count(const struct lang_carried *c);
/* The I-th: of a check it warns. SELF is the address of its object; NULL: it has none. WHY set: it cannot be told. */
struct lang_carried_one { const char *address, *self, *why; bool check, output; };
struct lang_carried_one lang_carried_at(const struct lang_carried *c, size_t i);
/* Calls EACH for every address whose object the I-th needs; one may come more than once. */
void lang_carried_needs(const struct lang_carried *c, size_t i, void (*each)(void *ctx, const char *address), void *ctx);
/* Evaluates the I-th; what is wrong goes to D. */
enum lang_told { TOLD_HOLDS, TOLD_FAILS, TOLD_UNKNOWN };
enum lang_told lang_carried_tell(struct lang_carried *c, size_t i, struct diags *d);

#endif
