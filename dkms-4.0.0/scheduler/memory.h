/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_MEMORY_H
#define SCHEDULER_MEMORY_H

#include <stdint.h>

/* How many bytes this process and its children may use in addition, without swapping: what
 * the machine has available and our control group still permits. UINT64_MAX when that
 * cannot be found out. */
uint64_t memory_available(void);

#endif
