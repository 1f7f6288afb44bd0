/* layout - the mig_layout block: how the GPUs of a node are divided. Pure: no world, no state.
 *
 * Mistakes (all reported in one run, through expand.report):
 *   E0601 unknown GPU product           E0602 unknown profile, or a compute instance's name
 *   E0603 one profile under two names   E0604 a count that is no whole number from 0
 *   E0605 more than a profile's maximum, or than one of an exclusive set
 *   E0606 compute slices                E0607 memory slices            (each names the nearest layouts that fit)
 *   E0608 a start where the profile cannot begin, or a malformed placement
 *   E0609 placements that overlap, or leave no room for the rest
 *   E0610 more placements of a profile than its count
 *   E0611 malformed GPU list            E0612 GPU in two entries
 *   E0613 GPU in no entry               E0614 GPU number beyond gpu_count
 *
 * Adds to the block's value:
 *   name       of the block
 *   product    the product's own name ("H100-SXM5-80GB")
 *   driver     the oldest driver branch: "R525"
 *   config     what mig-parted wants as the value of mig-configs.NAME: a list of {devices, mig-enabled, mig-devices}
 *   layouts    per entry {gpus, profiles: {canonical name: count}, placements: [{profile, start, size}]}
 *   resources  of one node under the device plugin's strategy "mixed": {"nvidia.com/mig-1g.10gb": 28}; {} when the number of
 *              GPUs is not known ("all" without gpu_count)
 *   gpus       number of GPUs, absent when not known
 */
#ifndef PROVIDERS_MIG_LAYOUT_H
#define PROVIDERS_MIG_LAYOUT_H

#include "engine/provider.h"

enum { MIG_MAX_GPUS = 64 };      /* of one node */

extern const struct attr mig_layout_attrs[];
int mig_layout_expand(struct expand *x);

#endif
