/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_FINISH_KERNEL_H
#define BUILDER_INSTALL_FINISH_KERNEL_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* The states of JOB_DEPMOD: JOB_RUNNING_DEPMOD, JOB_ROLLING_BACK, JOB_WEAK_MODULES,
 * JOB_FINDING_DEVICES, JOB_MODPROBING and JOB_FINISHING */
enum transition depmod_enter(struct job *job);
enum transition depmod_leave(struct job *job, const struct outcome *outcome);
enum transition roll_back_enter(struct job *job);
enum transition weak_modules_enter(struct job *job);
enum transition weak_modules_leave(struct job *job, const struct outcome *outcome);
enum transition find_devices_enter(struct job *job);
enum transition modprobe_enter(struct job *job);
enum transition finish_enter(struct job *job);

#endif
