/* attach - how many volumes of each CSI driver a node has attached, and may: CSINode, VolumeAttachment, StorageClass.
 *
 * A node's limits are its CSINode's spec.drivers[].allocatable.count. Counted against them, each volume once: the CSI volumes of the claims of all
 * pods on the node (a claim without a volume counts for its class's provisioner), and those that a VolumeAttachment names and no pod
 * there uses. The verdicts are those of kube-scheduler's NodeVolumeLimits (1.36), but that volumes of in-tree kinds (a class whose provisioner begins
 * with kubernetes.io/, a PersistentVolume without spec.csi) are not counted. */
#ifndef RUNTIME_SCHEDULER_ATTACH_H
#define RUNTIME_SCHEDULER_ATTACH_H

#include "runtime/scheduler/model.h"

struct attach *attach_new(void);
void attach_free(struct attach *a);                         /* NULL is fine */

/* The object is there, and is now J; it is gone. The node whose count or limits that changes, 0 for all of them. */
sym attach_put(struct model *m, const char *kind, const json_t *j);
sym attach_drop(struct model *m, const char *kind, const char *name);
/* Is it a kind that is read here? */
bool attach_reads(const char *kind);

/* The driver of which P's volumes would be too many on N; NULL: none. O(claims of the pods on N). */
const char *attach_exceeded(const struct model *m, const struct pod *p, const struct node *n);

#endif
