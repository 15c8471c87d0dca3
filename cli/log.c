/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What did a build print? Shows its log, from the first error on. */
#include "config.h"

#include <errno.h>

#include "builder/build/logged-builds.h"
#include "cli/command-row.h"
#include "cli/json.h"
#include "cli/log-text.h"
#include "cli/log.h"
#include "cli/pager.h"
#include "cli/print.h"

/* So many lines are shown before the one with the first error. */
#define LINES_BEFORE 3

#define SCHEMA "dkms-log-1"

/* Finds the build to show. *ret belongs to builds. */
static int find_build(const struct arguments *args, struct logged_builds *builds,
	const struct logged_build **ret, bool *failed, struct error *err)
{
	const struct settings *s = &args->settings;
	struct tree_filter *filter = arguments_filter(args);
	int r = logged_builds_list_failed(s, filter, builds, err);

	*failed = builds->n > 0;
	if (r == 0 && !builds->n && args->name)
		r = logged_builds_list_built(s, filter, builds, err);
	free(filter);
	*ret = logged_builds_newest(builds);
	if (r < 0 || *ret)
		return r;
	if (!args->name)
		return error_set(err, -ENOENT, 1, "no build has failed, according to %s",
			s->trees.dkms);
	return error_set(err, -ENOENT, 1, "%s%s%s%s%s has no log in %s", args->name,
		args->version ? "/" : "", args->version ? args->version : "",
		args->kernels.n ? " for " : "", args->kernels.n ? args->kernels.items[0] : "",
		s->trees.dkms);
}

static void print_document(const struct logged_build *b, bool failed,
	const struct buildlog_summary *summary)
{
	json_t *root = json_object();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "module", json_text(b->name));
	json_object_set_new(root, "version", json_text(b->version));
	json_object_set_new(root, "kernel", json_text(b->release));
	json_object_set_new(root, "arch", json_text(b->arch));
	json_object_set_new(root, "failed", json_boolean(failed));
	json_set_log(root, b->log, b->when_s, failed ? summary : NULL);
	json_object_set_new(root, "error_line",
		failed && summary->error_line ? json_integer((json_int_t)summary->error_line)
					      : json_null());
	json_object_set_new(root, "lines", json_integer((json_int_t)summary->lines));
	json_print(root, stdout);
	json_decref(root);
}

#define HEAD_LINES 3

/* Prints how the build ended, and where its log is, in HEAD_LINES lines. */
static void print_head(const struct logged_build *b, bool failed,
	const struct buildlog_summary *summary, FILE *out)
{
	_cleanup_free_ char *when = format_minute(b->when_s);
	_cleanup_free_ char *time = format_seconds(summary->elapsed_s);
	const char *what = summary->what ? summary->what : failed ? "failed" : "built";

	print_masked(out, "%s/%s for %s: %s (%s, after %s)\n%s\n\n", b->name, b->version,
		b->release, what, when, time, b->log);
}

static void show(const struct logged_build *b, bool failed,
	const struct buildlog_summary *summary, struct log_text *text)
{
	bool tty = isatty(STDOUT_FILENO);
	size_t line = failed && summary->error_line > LINES_BEFORE
			      ? summary->error_line - LINES_BEFORE + HEAD_LINES
			      : 1;
	FILE *pager = tty ? pager_start(line) : NULL;
	FILE *out = pager ? pager : stdout;

	if (tty)
		print_head(b, failed, summary, out);
	text->color = tty && is_empty(getenv("NO_COLOR"));
	log_text_print(text, out);
	if (pager)
		pclose(pager);
}

static int run(const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	struct logged_builds builds = {0};
	const struct logged_build *b = NULL;
	struct buildlog_summary summary = {0};
	struct log_text text = {0};
	bool failed = false;
	int r = arguments_check(args, err);

	if (r == 0)
		r = find_build(args, &builds, &b, &failed, err);
	if (r == 0)
		r = logged_build_read(s, b, &text.log, &summary, err);
	if (r == 0 && args->json) {
		print_document(b, failed, &summary);
	} else if (r == 0) {
		log_text_find_places(&text, s->trees.dkms, b->name, b->version);
		show(b, failed, &summary, &text);
	}
	buildlog_summary_done(&summary);
	log_text_done(&text);
	logged_builds_done(&builds);
	return r;
}

int command_log(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (run(args, &err) == 0)
		return 0;
	print_error(&err);
	return err.status;
}
