/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is a job called, and which word says how it ended? */
#include "config.h"

#include "cli/words.h"

char *job_title(const struct job *job)
{
	if (!job->name && job_archive(job))
		return xstrdup(job_archive(job));
	if (!job->name)
		return xstrdup(job->kind == JOB_DEPMOD ? job->kernel->release
						       : job->conf_path);
	if (job->kind == JOB_ADD || job->kind == JOB_FORGET || job->kind == JOB_PACK)
		return xasprintf("%s/%s", job->name, job->version);
	return xasprintf("%s/%s for %s", job->name, job->version, job->kernel->release);
}

bool job_in_summary(const struct job *job)
{
	return job->name && job->kind != JOB_ADD && job->kind != JOB_FORGET &&
	       job->kind != JOB_PACK &&
	       (job->kind != JOB_EVALUATE || job->outcome.result == RESULT_FAILED);
}

const char *job_outcome_word(const struct job *job)
{
	switch (job->outcome.result) {
	case RESULT_DONE:
		return job->outcome.restored	   ? "cached"
		       : job->outcome.linked_from ? "linked"
		       : job->outcome.built	   ? "built"
					   : "done";
	case RESULT_NOTHING:
		return "-";
	case RESULT_EXCLUDED:
		return "skipped";
	case RESULT_FAILED:
	case RESULT_BLOCKED:
		return "FAILED";
	case RESULT_STOPPED:
	case RESULT_NONE:
		break;
	}
	return "";
}
