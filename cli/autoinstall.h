/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_AUTOINSTALL_H
#define CLI_AUTOINSTALL_H

#include "scheduler/plan.h"

/* Prints what became of the packages of an autoinstall, by name: a line each for those that
 * are installed, skipped, failed and deferred, as far as there are any. With several
 * kernels the matrix of report_summary does that for all but the deferred. Nothing when one
 * package is all, since its own line says the same. deferred: as plan_autoinstall gives it;
 * broken: skipped on all kernels. */
void groups_print(const struct plan *p, const struct strv *deferred,
	const struct strv *broken, FILE *out);

#endif
