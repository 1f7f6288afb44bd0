/* store - what aipc remembers: objects, the journal of operations, runs, and providers' notes.
 *
 * One interface, several stores (SQLite here; PostgreSQL later) with the same semantics. Every call is one transaction that
 * is durable when it returns. Readers never lock. Only the holder of the store's lock changes objects, operations and runs;
 * the lock dies with its process. Attributes are JSON without secrets: references stay references.
 * All calls run on the loop thread: they are short (a write is one sync of a log; it waits at most 5 s for another process's
 * note). A change without the lock is a BUG.
 *
 * Opening: a missing file is an empty store, made by the first write. A file that is damaged, of another program, or of
 * a newer aipc is refused with what to do and never written to; an older one is upgraded step by step in one transaction.
 * Damage that shows only in what is read is an error of that call. A log (PATH-wal) that lost its end gives an earlier whole
 * state. What cannot be read back (a NUL inside a string, more than 64 MiB) is E_INPUT when it is written.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct store;

/* PATH: file of the SQLite store; its folder is made by the first write. READ_ONLY: nothing is ever written, also not on
 * a read-only file system; a missing file reads as empty. */
int store_open(const char *path, bool read_only, struct store **out, struct err *err) MUST_CHECK;
void store_close(struct store *s);                           /* also gives the lock back; NULL is fine */
/* Takes the store for changing. E_BUSY names who holds it (user, host, process id, command, since when). */
int store_lock(struct store *s, const char *command, struct err *err) MUST_CHECK;
/* Number that grows with every run: part of a plan's identity. 0 for an empty store. */
int store_serial(struct store *s, int64_t *out, struct err *err) MUST_CHECK;

/* --- objects ---------------------------------------------------------------------------------------------------- */
enum object_status { OBJ_OK, OBJ_NONCONFORMING, OBJ_PARTIAL };   /* partial: an operation on it failed half-way */
struct object {
	const char *address;         /* "gpu_node_pool.train.firmware[\"gpu-0001\"]" */
	const char *type;            /* primitive type */
	const char *owner;           /* address of the spec's resource: "gpu_node_pool.train" */
	const char *provider;        /* configuration it was made with: "redfish.eu"; NULL: the default one */
	int schema_version;
	json_t *attrs;               /* what was last read back, with the configuration's meta attributes */
	json_t *deps;                /* array of owners' addresses it depends on */
	int64_t version;             /* grows with each change of this object */
	enum object_status status;
	bool protected;              /* from removal and replacement, until that is lifted */
};
/* Calls EACH for every object, sorted by address (bytes). The object and its JSON are borrowed for the call (json_ref to
 * keep); neighbours with equal deps share one array: do not change it in place. EACH returns non-zero to stop with that code. */
int store_objects(struct store *s, int (*each)(void *ctx, const struct object *o), void *ctx, struct err *err) MUST_CHECK;
/* One object; 0 with *OUT zeroed-address when absent. Strings are the store's until its next call; attrs and deps are yours. */
int store_object(struct store *s, const char *address, struct object *out, struct err *err) MUST_CHECK;
/* Writes O; its version becomes the old one + 1, also across a deletion (given back in *VERSION, may be NULL). */
int store_put(struct store *s, const struct object *o, int64_t *version, struct err *err) MUST_CHECK;
int store_delete(struct store *s, const char *address, struct err *err) MUST_CHECK;

/* --- runs and the journal ------------------------------------------------------------------------------------------ */
struct run { int64_t id; const char *command, *plan_id, *status /* running, done, failed, interrupted */, *started, *ended; };
/* An object gets another address and owner; all else of it stays. Moves happen at once, so that objects can change places. */
struct store_move { const char *from, *to, *owner; };
/* Opens a run of plan PLAN_ID (may be NULL) and moves N objects, in one transaction; a run that a dead process left running becomes
 * interrupted. E_CONFLICT when that plan was run before (a plan is single-use), when FROM is not there or TO is. */
int run_begin(struct store *s, const char *command, const char *plan_id, const struct store_move *moves, size_t n, int64_t *id,
	      struct err *err) MUST_CHECK;
int run_end(struct store *s, int64_t id, const char *status, struct err *err) MUST_CHECK;
/* The newest run, or id 0. */
int run_last(struct store *s, struct run *out, struct err *err) MUST_CHECK;

enum op_state { OP_INTENT, OP_SENT, OP_OBSERVED, OP_DONE, OP_FAILED };
struct op_row {
	int64_t id, run;
	const char *address, *type, *owner, *action;    /* action: create, update, delete */
	const char *deps;                               /* JSON text as object.deps */
	const char *provider;                           /* as object.provider */
	enum op_state state;
	json_t *config;              /* what the operation was to establish; NULL for delete */
	json_t *prior;               /* object's attributes before; NULL for create */
	json_t *note;                /* the provider's last word: {"step": ..., remote task ...} */
	bool protected;              /* what the object is to be */
};
/* An intent, durable before anything is sent. Fills *ID. */
int op_begin(struct store *s, const struct op_row *op, int64_t *id, struct err *err) MUST_CHECK;
/* State and note move on; NOTE may be NULL to keep the old one. E_CONFLICT, here and below, when the operation is not open. */
int op_note(struct store *s, int64_t id, enum op_state state, const json_t *note, struct err *err) MUST_CHECK;
/* In one transaction: the object as read back is written (OBJ; NULL: it is deleted) and the operation is done. */
int op_done(struct store *s, int64_t id, const char *address, const struct object *obj, struct err *err) MUST_CHECK;
/* The operation ended without reaching its goal; MESSAGE for people. OBJ as in op_done, NULL: the object stays as it was. */
int op_failed(struct store *s, int64_t id, const char *message, const struct object *obj, struct err *err) MUST_CHECK;
/* Operations that began and did not end, in order of id: what a killed apply left. Their JSON is borrowed. */
int store_open_ops(struct store *s, int (*each)(void *ctx, const struct op_row *op), void *ctx, struct err *err) MUST_CHECK;

/* --- notes and outputs ----------------------------------------------------------------------------------------------- */
/* Small durable hints of providers (a BMC session's URI to log out after a crash). Never needed for correctness, so a
 * read-only store just forgets them. Needs no lock. VALUE NULL deletes. */
int store_note_put(struct store *s, const char *provider, const char *key, const char *value, struct err *err) MUST_CHECK;
int store_notes(struct store *s, const char *provider, int (*each)(void *ctx, const char *key, const char *value), void *ctx,
		struct err *err) MUST_CHECK;
/* Outputs of the last apply: JSON text by name; sensitive ones are kept by name only (TEXT NULL). Replaces all of them. */
struct stored_output { const char *name, *text; bool sensitive; };
int store_outputs_put(struct store *s, const struct stored_output *o, size_t n, struct err *err) MUST_CHECK;
int store_outputs(struct store *s, int (*each)(void *ctx, const struct stored_output *o), void *ctx, struct err *err) MUST_CHECK;

#endif
