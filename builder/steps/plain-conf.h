/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_PLAIN_CONF_H
#define BUILDER_STEPS_PLAIN_CONF_H

#include "builder/job/job.h"

/* Reads the dkms.conf and the override files without bash, if all are plain lists of
 * assignments (builder/conf/plain.h) that everybody may read: nothing in them is run, so no
 * sandbox is needed. Returns 1 and job->conf; 0 if bash has to evaluate them; or a negative
 * errno and err. */
int plain_conf_read(
	struct job *job, const struct conf_request *request, struct error *err);

/* Frees what plain_conf_read() keeps in job_shared; NULL is allowed. */
void plain_text_free(struct plain_text *t);

#endif
