/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has dkms done on this machine? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cli/command-row.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/print.h"
#include "cli/run-history.h"

/* More than both files can have. */
#define FILE_MAX (16 * HISTORY_BYTES)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Adds the runs of one file to list. */
static int read_file(const char *path, json_t *list, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	int r = file_read(path, FILE_MAX, &text, NULL);
	char *line, *rest = text.data;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	while ((line = strsep(&rest, "\n"))) {
		json_t *run = json_loads(line, 0, NULL);

		if (json_is_array(json_object_get(run, "jobs")))
			json_array_append(list, run);
		json_decref(run);
	}
	return 0;
}

int run_history_read(const char *path, json_t **ret, struct error *err)
{
	_cleanup_free_ char *old = xasprintf("%s.1", path);
	json_t *list = json_array();
	int r = read_file(old, list, err);

	if (r == 0)
		r = read_file(path, list, err);
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = list;
	return 0;
}

bool run_history_job_passes(const json_t *job, const struct tree_filter *filter)
{
	return tree_filter_passes(filter,
		version_on_kernel(text_of(job, "module"), text_of(job, "version"),
			text_of(job, "kernel"), text_of(job, "arch")));
}

char *run_history_job_words(const json_t *job)
{
	_cleanup_(strv_done) struct strv words = {0};
	const char *result = text_of(job, "result"), *error = text_of(job, "error");
	const json_t *change;
	size_t i;

	json_array_foreach(json_object_get(job, "changes"), i, change)
		if (json_is_string(change))
			strv_push(&words, json_string_value(change));
	if (streq(result, "failed"))
		strv_take(&words, xasprintf("FAILED: %s", error));
	else if (streq(result, "blocked"))
		strv_take(&words, xasprintf("not done: %s", error));
	else if (streq(result, "stopped"))
		strv_push(&words, "stopped");
	return strv_join(&words, ", ");
}

char *run_history_words(const json_t *run)
{
	const char *by = text_of(run, "by"), *line = text_of(run, "line");
	int64_t seconds = json_when_seconds(json_object_get(run, "when"));
	_cleanup_free_ char *when = seconds ? format_minute(seconds) : xstrdup("?");

	return xasprintf(
		"%s  %s%s%s%s", when, line, *by ? " (" : "", by, *by ? ")" : "");
}

const json_t *run_history_find_last(const json_t *runs, struct version_on_kernel on)
{
	const struct tree_filter filter = {.name = on.name, .version = on.version,
		.release = on.release, .arch = on.arch};
	const json_t *job;
	size_t k;

	for (size_t i = json_array_size(runs); i-- > 0;) {
		const json_t *run = json_array_get(runs, i);

		json_array_foreach(json_object_get(run, "jobs"), k, job)
			if (run_history_job_passes(job, &filter) &&
				json_array_size(json_object_get(job, "changes")) > 0)
				return run;
	}
	return NULL;
}

static void print_run(const json_t *run, const struct tree_filter *filter, FILE *out)
{
	_cleanup_free_ char *head = run_history_words(run);
	json_int_t status = json_integer_value(json_object_get(run, "status"));
	const json_t *job;
	size_t i;

	print_masked(out, "%s", head);
	if (status)
		fprintf(out, ": exit %" JSON_INTEGER_FORMAT, status);
	fputc('\n', out);
	json_array_foreach(json_object_get(run, "jobs"), i, job) {
		_cleanup_free_ char *words = run_history_job_words(job);
		const char *kernel = text_of(job, "kernel"), *name = text_of(job, "module");

		if (run_history_job_passes(job, filter))
			print_masked(out, "  %s%s%s%s%s: %s\n", name, *name ? "/" : "",
				text_of(job, "version"), *kernel && *name ? " for " : "", kernel,
				words);
	}
}

/* Returns the runs that have a job which the filter passes, the newest first. */
static json_t *choose(const json_t *runs, const struct tree_filter *filter)
{
	json_t *chosen = json_array(), *job;
	size_t k;

	for (size_t i = json_array_size(runs); i-- > 0;) {
		json_t *run = json_array_get(runs, i);

		json_array_foreach(json_object_get(run, "jobs"), k, job) {
			if (!run_history_job_passes(job, filter))
				continue;
			json_array_append(chosen, run);
			break;
		}
	}
	return chosen;
}

static void print_all(json_t *runs, const struct tree_filter *filter)
{
	FILE *pager = isatty(STDOUT_FILENO) ? pager_start(1) : NULL;
	FILE *out = pager ? pager : stdout;
	const json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
		print_run(run, filter, out);
	if (pager)
		pclose(pager);
}

static int show_history(const struct arguments *args, struct error *err)
{
	const char *path = settings_history_path(&args->settings);
	struct tree_filter *filter;
	json_t *all = NULL, *chosen;
	int r = arguments_check(args, err);

	if (r < 0)
		return r;
	if (!path) {
		error_set(err, -ENOENT, 1, "runs on %s have no history",
			args->settings.trees.dkms);
		error_remedy(err, "the setting history in framework.conf names a file");
		return -ENOENT;
	}
	r = run_history_read(path, &all, err);
	if (r < 0)
		return r;
	filter = arguments_filter(args);
	chosen = choose(all, filter);
	if (args->json) {
		json_t *root = json_pack("{s:s, s:O}", "schema", HISTORY_SCHEMA, "runs", chosen);

		json_print(root, stdout);
		json_decref(root);
	} else {
		print_all(chosen, filter);
	}
	json_decref(chosen);
	json_decref(all);
	free(filter);
	return 0;
}

int command_history(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (show_history(args, &err) == 0)
		return 0;
	print_error(&err);
	return err.status;
}
