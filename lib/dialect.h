/* SPDX-License-Identifier: Apache-2.0 */
/* dialect: what /multikernel-v1/ adds to the source language. See mk-dts(5). */
#ifndef MK_DIALECT_H
#define MK_DIALECT_H

#include "dts.h"

extern const struct mk_dts_dialect mk_dialect;

/*
 * Splits "eth0_vf1" into eth0 and (vf, 1), "nvme0_ns2" into nvme0 and (ns, 2):
 * the last _vf or _ns that is followed by a number alone. kind is 'v' or 'n'.
 */
bool mk_split_part(const char *name, size_t *device_len, char *kind, uint32_t *number);

#endif
