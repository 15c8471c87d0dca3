/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_MEMORY_H
#define SCHEDULER_MEMORY_H

#include <stdint.h>

/* Returns how much more memory (bytes) this process and its children may use without
 * swapping: what the machine has available, or what its control groups still allow if
 * that is less. Returns UINT64_MAX when neither is known. */
uint64_t memory_available(void);

/* Returns how many processes the kernel has ended because there was no memory left for them in the
 * machine or in a control group. With control groups of version 2, these are the processes of this
 * process's group and those below it: oom_kill in memory.events of the group, or of the next one above
 * it that counts. Otherwise all of the machine since it began count: oom_kill in /proc/vmstat. 0 if
 * that cannot be read. A build with max_build_memory has a group elsewhere: run/memory-group.h. */
uint64_t memory_count_kills(void);

#endif
