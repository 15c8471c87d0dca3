/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_MEMORY_H
#define SCHEDULER_MEMORY_H

#include <stdint.h>

/* Returns how much more memory (bytes) this process and its children may use without
 * swapping: what the machine has available, or what its control groups still allow if
 * that is less. Returns UINT64_MAX when neither is known. */
uint64_t memory_available(void);

/* Returns how many processes of the machine the kernel has ended since it began, because there was
 * no memory left for them in the machine or in a control group: oom_kill in /proc/vmstat. 0 if that
 * cannot be read. */
uint64_t memory_count_kills(void);

#endif
