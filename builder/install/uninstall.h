/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_UNINSTALL_H
#define BUILDER_INSTALL_UNINSTALL_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase uninstall_enter(struct job *job);
enum phase post_remove_enter(struct job *job);
enum phase unpublish_enter(struct job *job);
/* Takes the job's version out of its kernel's tree; 0 or a negative errno. */
int uninstall_work(struct job *job);

#endif
