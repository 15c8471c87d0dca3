/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DOCTOR_REPORT_H
#define CLI_DOCTOR_REPORT_H

#include "builder/host/settings.h"

/* Writes an archive with what a report of a bug needs: the document of the doctor, the status, the
 * machine, each dkms.conf, and the logs of builds. Settings, keys and variables of the environment
 * are left out. Returns 0, or a negative errno and err. */
int doctor_report_write(const struct settings *s, const char *path, const char *document,
	struct error *err);

#endif
