/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms doctor do? It says what is not as it should be, and with --fix mends it. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/lock.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree.h"
#include "scheduler/plan-run.h"
#include "cli/command-row.h"
#include "cli/doctor-find.h"
#include "cli/doctor-report.h"
#include "cli/doctor.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/session.h"

#define SCHEMA "dkms-doctor-1"

static json_t *finding_json(const struct finding *f)
{
	const char *fix = doctor_fix_words(f->fix);
	json_t *j = json_object();

	json_object_set_new(j, "kind", json_text(f->kind));
	json_object_set_new(j, "what", json_text(f->what));
	json_object_set_new(j, "fix", json_text(fix));
	json_object_set_new(j, "remedy", json_text(f->remedy));
	json_object_set_new(j, "module", json_text(f->name));
	json_object_set_new(j, "version", json_text(f->version));
	json_object_set_new(j, "kernel", json_text(f->release));
	json_object_set_new(j, "arch", json_text(f->arch));
	json_object_set_new(j, "path", json_text(f->path));
	return j;
}

/* Returns the document; json_decref() frees. */
static json_t *findings_json(const struct findings *f)
{
	json_t *root = json_object(), *list = json_array();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(root, "checks", json_integer((json_int_t)f->n_checks));
	json_object_set_new(root, "findings", list);
	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list, finding_json(&f->items[i]));
	return root;
}

static void print_findings(const struct findings *f)
{
	if (!f->n) {
		printf("all %zu checks are good\n", f->n_checks);
		return;
	}
	printf("%zu of %zu checks need%s attention\n", f->n, f->n_checks, f->n == 1 ? "s" : "");
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->items[i];
		const char *fix = doctor_fix_words(x->fix);

		print_masked(stdout, "  %-9s  %s\n", x->kind, x->what);
		if (fix)
			print_masked(stdout, "             --fix %s\n", fix);
		else if (x->remedy)
			print_masked(stdout, "             %s\n", x->remedy);
	}
}

/* Adds a job for a finding about a version on a kernel. */
static struct job *add_job(struct session *s, enum job_kind kind, const struct finding *f)
{
	return plan_add_job(&s->plan, kind, plan_get_kernel(&s->plan, f->release, f->arch),
		f->name, f->version);
}

/* Adds a job that installs again each version that is installed on a kernel. */
static int finish_kernel(struct session *s, const struct finding *f)
{
	struct tree_filter filter = {.release = f->release};
	struct tree_list list = {0};
	int r = tree_read(s->settings->trees.dkms, s->settings->trees.source, &filter, &list,
		&s->error);

	plan_get_kernel(&s->plan, f->release, f->arch);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state == STATE_INSTALLED)
			plan_add_job(&s->plan, JOB_INSTALL,
				plan_get_kernel(&s->plan, e->release, e->arch), e->name,
				e->version);
	}
	tree_list_done(&list);
	return r;
}

/* Removes a link if it still leads nowhere. */
static int remove_link(struct session *s, const struct finding *f)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *to = NULL;

	if (link_read(f->path, &target) < 0)
		return 0;
	to = *target == '/' ? xstrdup(target) : path_beside(f->path, target);
	if (path_look(to) == 0 && unlink(f->path) < 0)
		return error_errno(&s->error, -errno, 1, "cannot remove %s", f->path);
	if (f->release)
		plan_get_kernel(&s->plan, f->release, f->arch)->needs_depmod = true;
	return 0;
}

/* Mends a finding, or adds the job that does. */
static int fix(struct session *s, const struct finding *f)
{
	struct job *job;

	switch (f->fix) {
	case FIX_ADD:
		job = plan_add_job(&s->plan, JOB_ADD, s->kernels[0], f->name, f->version);
		job->add->allow_existing = true;
		break;
	case FIX_FORGET:
		plan_add_job(&s->plan, JOB_FORGET, NULL, f->name, f->version);
		break;
	case FIX_UNBUILD:
		add_job(s, JOB_UNBUILD, f);
		break;
	case FIX_REINSTALL:
		add_job(s, JOB_INSTALL, f)->request.reinstall = true;
		break;
	case FIX_REBUILD:
		job = add_job(s, f->installed ? JOB_INSTALL : JOB_BUILD, f);
		job->request.rebuild = true;
		job->request.stale = f->stale;
		break;
	case FIX_SIGN:
		add_job(s, JOB_SIGN, f);
		break;
	case FIX_DEPMOD:
		plan_get_kernel(&s->plan, f->release, f->arch)->needs_depmod = true;
		break;
	case FIX_FINISH:
		return finish_kernel(s, f);
	case FIX_UNLINK:
		return remove_link(s, f);
	case FIX_CLEAN:
		leftovers_remove(s->settings);
		lock_remove_leftovers(s->settings->trees.dkms);
		break;
	case FIX_NONE:
	case FIX_CACHE: /* doctor_find() has removed it */
		break;
	}
	return 0;
}

/* Whether a finding before the nth has led to a job for the same version and kernel. */
static bool is_repeated(const struct findings *f, size_t nth)
{
	const struct finding *x = &f->items[nth];

	for (size_t i = 0; i < nth && x->name && x->release; i++) {
		const struct finding *y = &f->items[i];

		if (y->fix != FIX_NONE && y->name && y->release && streq(x->name, y->name) &&
			streq(x->version, y->version) && streq(x->release, y->release) &&
			streq(x->arch, y->arch))
			return true;
	}
	return false;
}

/* Mends what can be mended. Returns the exit status of that. */
static int fix_all(struct arguments *args, const struct findings *f)
{
	bool json = args->json;
	struct session s;
	int status = 0, r;

	args->json = false; /* the document is about what is left, not about these jobs */
	args->quiet |= json;
	r = session_init(&s, args, false);
	for (size_t i = 0; i < f->n && r == 0; i++)
		if (!is_repeated(f, i))
			r = fix(&s, &f->items[i]);
	if (r == 0 && session_run_installs(&s) == 0)
		status = session_exit_status(&s);
	status = session_done(&s, status);
	args->json = json;
	return status;
}

static int run(struct arguments *args, struct findings *f, int *status, struct error *err)
{
	_cleanup_free_ char *document = NULL;
	json_t *j;
	int r = doctor_find(&args->settings, args->fix, f, err);

	if (r == 0 && args->fix && f->n) {
		if (!args->json) {
			print_findings(f);
			fflush(stdout);
		}
		*status = fix_all(args, f);
		doctor_findings_done(f);
		r = doctor_find(&args->settings, args->fix, f, err);
	}
	if (r < 0)
		return r;
	j = findings_json(f);
	if (args->json)
		json_print(j, stdout);
	else
		print_findings(f);
	document = json_dumps(j, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(j);
	if (args->report)
		r = doctor_report_write(&args->settings, args->report, document, err);
	if (r == 0 && args->report && !args->json)
		print_masked(stdout, "%s has what a report of a bug needs\n", args->report);
	return r;
}

int command_doctor(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	struct findings f = {0};
	int status = 0;
	int r = arguments_check(args, &err);

	if (r == 0)
		r = run(args, &f, &status, &err);
	if (r < 0)
		print_error(&err);
	else if (f.n)
		err.status = status ? status : 1;
	doctor_findings_done(&f);
	return err.status;
}
