/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_INSTALL_H
#define BUILDER_INSTALL_INSTALL_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase pre_install_enter(struct job *job);
enum phase pre_install_leave(struct job *job, const struct outcome *outcome);
enum phase install_enter(struct job *job);
enum phase post_install_enter(struct job *job);
/* Undoes an install that has replaced another version (job->outcome.replaced): that one
 * is installed as it was. Any thread. */
int install_bring_back(struct job *job);
void install_forget_replaced(struct job *job);

#endif
