/* dump - on SIGUSR1 a role writes all it knows to a file, for `simulate`, `review` and `explain -f` to decide on elsewhere.
 *
 * The file is made anew beside its name and renamed over it (file_write), readable by its owner alone: specs of pods are nobody else's to read. What
 * others laid at its name or beside it is replaced, never followed. A dump that fails is an error in the log; the role goes on.
 */
#ifndef RUNTIME_DUMP_H
#define RUNTIME_DUMP_H

#include <stdio.h>

#include "base/json.h"
#include "base/task.h"

/* Writes what is known as one Kubernetes List. On the loop: it must not wait. */
typedef void dump_fn(void *arg, FILE *to);

struct dump;
/* From now on SIGUSR1 writes PATH (borrowed). PATH NULL: nothing is listened for, and NULL returned. */
struct dump *dump_start(struct task *t, const char *path, dump_fn *fn, void *arg);
/* Ends it; waits until the loop has let go of the signal. NULL is fine. */
void dump_stop(struct task *t, struct dump *d);

/* The List's first line, its N-th item (*N counts; begin with 0), its last line. */
void dump_open(FILE *to);
void dump_item(FILE *to, size_t *n, const json_t *item);
void dump_close(FILE *to);

/* The row of a role's options. HELP says which command reads it. */
#define DUMP_OPT(type, member, reader) { 0, "dump", "FILE", "on SIGUSR1, write all it knows for " reader, OPT_TEXT, offsetof(type, member), NULL }

#endif
