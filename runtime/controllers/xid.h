/* xid - what an Xid calls for, by the dated catalogue schemas/xid.json. */
#ifndef RUNTIME_CONTROLLERS_XID_H
#define RUNTIME_CONTROLLERS_XID_H

#include <stdbool.h>
#include <stddef.h>

struct xid_verdict {
	int code;
	/* "ignore", "restart_app", "reset_gpu", "reboot_node", "workflow", "contact_support", "unknown" */
	const char *bucket;
	char why[160];               /* "79: GPU has fallen off the bus" */
};

/* PRODUCT (label text, may be NULL): codes that a product does not have are unknown on it. TAIL: what follows the code in a log
 * line, or NULL; Xid 154 carries the recovery action there, which ranks above the catalogue. */
void xid_judge(int code, const char *product, const char *tail, struct xid_verdict *out);

/* Finds the next Xid in a kernel log line ("NVRM: Xid (PCI:0000:01:00): 79, pid=..."), or in the text of an event made from one.
 * Moves *TEXT behind the code. SXids (of NVSwitch) are not Xids. */
bool xid_scan(const char **text, int *code);

#endif
