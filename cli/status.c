/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms status print? Lines in the format that scripts have parsed for twenty years, JSON,
 * or metrics. */
#include "config.h"

#include "base/file.h"
#include "builder/build/logged-builds.h"
#include "builder/host/skip-list.h"
#include "builder/tree/file-check.h"
#include "builder/tree/gone-files.h"
#include "builder/tree/signers.h"
#include "builder/tree/stale.h"
#include "builder/tree/weak.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/status.h"
#include "cli/page.h"
#include "cli/status-prometheus.h"
#include "cli/tree-problem.h"

/* New keys may appear under the same number. The number is increased when a key changes its
 * meaning or is removed. */
#define SCHEMA "dkms-status-1"

/* Whether an entry is about the same version as the one before it. */
static bool is_same_version(const struct tree_list *l, size_t i)
{
	const struct tree_entry *e = &l->entries[i];

	return i > 0 && streq(e[-1].name, e->name) && streq(e[-1].version, e->version);
}

/* What dkms has found out about the entries of a list. */
struct findings {
	enum file_check *checks; /* of each entry */
	/* The others are empty unless they are wanted: scripts expect the lines without them. */
	bool wanted;
	bool *gone; /* of each entry: files are gone from the kernel's directory */
	const char **stale; /* of each entry: why it is stale, or NULL */
	struct logged_builds failed;
	struct skip_list skips;
};

/* Finds out what autoinstall would mend. */
static void find_what_to_mend(
	const struct settings *s, const struct tree_list *l, struct findings *ret)
{
	_cleanup_(stale_check_done) struct stale_check check = {.settings = s};

	ret->gone = xcalloc(l->n + 1, sizeof(*ret->gone));
	ret->stale = xcalloc(l->n + 1, sizeof(*ret->stale));
	for (size_t i = 0; i < l->n && ret->wanted; i++) {
		const struct tree_entry *e = &l->entries[i];

		if (e->state != STATE_BUILT && e->state != STATE_INSTALLED)
			continue;
		ret->gone[i] = e->state == STATE_INSTALLED &&
			       gone_files_exist(s, tree_entry_on_kernel(e));
		ret->stale[i] = stale_find(&check, tree_entry_on_kernel(e));
	}
}

/* Prints the line of an entry, without its end. */
static void print_text(
	const struct tree_list *l, size_t i, const struct findings *found, FILE *out)
{
	const struct tree_entry *e = &l->entries[i];
	enum file_check check = found->checks[i];

	switch (e->state) {
	case STATE_INSTALLED_WEAK:
		print_masked(out, "%s, %s, %s, %s: %s from %s", e->name, e->version,
			e->release, e->arch, tree_state_name(e->state), e->weak_release);
		return;
	case STATE_BUILT:
	case STATE_INSTALLED:
		print_masked(out, "%s/%s, %s, %s: %s", e->name, e->version, e->release,
			e->arch, tree_state_name(e->state));
		if (e->has_original)
			fputs(" (Original modules exist)", out);
		if (check == FILE_CHECK_MISSING)
			fputs(" (Built modules are missing in the kernel modules folder)",
				out);
		if (found->gone[i])
			fputs(" (files are gone from the kernel's directory)", out);
		else if (check == FILE_CHECK_DIFFERS)
			fputs(" (Differences between built and installed modules)", out);
		if (found->stale[i])
			fprintf(out, " (stale: %s)", found->stale[i]);
		return;
	case STATE_UNKNOWN:
	case STATE_LEFTOVER:
	case STATE_BROKEN:
	case STATE_ADDED:
		print_masked(out, "%s/%s: %s", e->name, e->version, tree_state_name(e->state));
		return;
	}
}

static void print_problem(
	const struct settings *s, const struct tree_entry *e, FILE *errors)
{
	_cleanup_(tree_problem_done) struct tree_problem p = {0};

	tree_problem_find(s, e, &p);
	print_masked(errors, "dkms: %s/%s is %s: %s\n      %s\n", e->name, e->version,
		e->state == STATE_LEFTOVER ? "a leftover" : "broken", p.what, p.remedy);
}

/* Returns the newest failed build of the entry: of its kernel or, if it has none, of any. */
static const struct logged_build *find_failed(
	const struct logged_builds *failed, const struct tree_entry *e)
{
	const struct logged_build *newest = NULL;

	for (size_t i = 0; i < failed->n; i++) {
		const struct logged_build *b = &failed->items[i];

		if (streq(b->name, e->name) && streq(b->version, e->version) &&
			(!e->release || (streq(b->release, e->release) &&
						streq(b->arch, e->arch))) &&
			(!newest || b->when_s >= newest->when_s))
			newest = b;
	}
	return newest;
}

static json_t *failed_json(const struct settings *s, const struct logged_build *b)
{
	_cleanup_(str_done) struct str log = {0};
	struct buildlog_summary summary = {.exit_status = -1};
	json_t *j;

	if (!b)
		return json_null();
	j = json_object();
	logged_build_read(s, b, &log, &summary, NULL);
	json_object_set_new(j, "kernel", json_text(b->release));
	json_object_set_new(j, "arch", json_text(b->arch));
	json_set_log(j, b->log, b->when_s, &summary);
	buildlog_summary_done(&summary);
	return j;
}

static void print_failed(const struct logged_build *b, FILE *out)
{
	_cleanup_free_ char *age = format_age(b->when_s);

	print_masked(out, " (build failed %s: dkms log %s/%s -k %s)", age, b->name, b->version,
		b->release);
}

/* Whether a record of dkms skip is about the version, for whatever kernel. */
static bool is_skip_of(const struct skip_record *r, const struct tree_entry *e)
{
	return streq(r->name, e->name) && (!r->version || streq(r->version, e->version));
}

/* Returns the releases of the kernels that dkms skip keeps the version off. */
static json_t *skipped_kernels_json(const struct skip_list *skips, const struct tree_entry *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < skips->n; i++)
		if (is_skip_of(&skips->items[i], e) && skips->items[i].release)
			json_array_append_new(list, json_text(skips->items[i].release));
	return list;
}

/* Prints that dkms skip keeps the version off the kernel or, if release is NULL, off all. */
static void print_skipped(const struct skip_list *skips, const struct tree_entry *e,
	const char *release, FILE *out)
{
	const struct skip_record *r = skip_list_find(skips, e->name, e->version, release);
	_cleanup_free_ char *words = r ? skip_record_words(r) : NULL;

	if (r)
		print_masked(out, " (skipped: dkms unskip %s)", words);
}

/* Whether the list has an entry for the version on the kernel. */
static bool has_entry(const struct tree_list *l, const struct tree_entry *of,
	const char *release, const char *arch)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct tree_entry *e = &l->entries[i];

		if (e->release && streq(e->name, of->name) && streq(e->version, of->version) &&
			streq(e->release, release) && streq(e->arch, arch))
			return true;
	}
	return false;
}

/* Prints the line of a kernel that has no entry, for which the version is only added. */
static void print_other(const struct tree_entry *e, const char *release, const char *arch,
	const struct logged_build *failed, const struct findings *found, FILE *out)
{
	print_masked(out, "%s/%s, %s, %s: %s", e->name, e->version, release, arch,
		tree_state_name(STATE_ADDED));
	if (failed)
		print_failed(failed, out);
	print_skipped(&found->skips, e, release, out);
	fputc('\n', out);
}

/* Prints the failed builds of an entry's version for kernels that have no entry, and such
 * kernels that it is kept off. */
static void print_others(const struct tree_list *l, const struct tree_entry *e,
	const struct findings *found, const struct tree_filter *filter, FILE *out)
{
	_cleanup_free_ char *arch = kernel_running_arch();
	_cleanup_(strv_done) struct strv printed = {0};

	for (size_t i = 0; i < found->failed.n; i++) {
		const struct logged_build *b = &found->failed.items[i];

		if (!streq(b->name, e->name) || !streq(b->version, e->version) ||
			has_entry(l, e, b->release, b->arch))
			continue;
		print_other(e, b->release, b->arch, b, found, out);
		strv_push(&printed, b->release);
	}
	for (size_t i = 0; i < found->skips.n && e->state >= STATE_ADDED; i++) {
		const struct skip_record *r = &found->skips.items[i];

		if (!is_skip_of(r, e) || !r->release || has_entry(l, e, r->release, arch) ||
			strv_contains(&printed, r->release) ||
			!tree_filter_passes(filter,
				version_on_kernel(e->name, e->version, r->release, arch)))
			continue;
		print_other(e, r->release, arch, NULL, found, out);
		strv_push(&printed, r->release);
	}
}

/* Prints the lines of the list. */
static void print_lines(const struct tree_list *l, const struct findings *found,
	const struct tree_filter *filter, FILE *out)
{
	const struct logged_builds *failed = &found->failed;

	for (size_t i = 0; i < l->n; i++) {
		const struct tree_entry *e = &l->entries[i];
		const struct logged_build *b = e->release ? find_failed(failed, e) : NULL;

		print_text(l, i, found, out);
		if (b)
			print_failed(b, out);
		print_skipped(&found->skips, e, e->release, out);
		fputc('\n', out);
		if (i + 1 == l->n || !is_same_version(l, i + 1))
			print_others(l, e, found, filter, out);
	}
}

static json_t *entry_json(const struct settings *s, const struct tree_list *l, size_t i,
	const struct findings *found)
{
	const struct tree_entry *e = &l->entries[i];
	enum file_check check = found->checks[i];
	_cleanup_free_ char *link = NULL;
	_cleanup_free_ char *source = NULL;
	_cleanup_free_ char *signers = NULL;
	_cleanup_(tree_problem_done) struct tree_problem p = {0};
	json_t *j = json_object();

	link = xasprintf("%s/%s/%s/source", s->trees.dkms, e->name, e->version);
	link_read(link, &source);
	if (tree_problem_is(e))
		tree_problem_find(s, e, &p);
	if (e->state == STATE_BUILT || e->state == STATE_INSTALLED)
		signers = signers_read(s->trees.dkms, tree_entry_on_kernel(e));
	json_object_set_new(j, "name", json_text(e->name));
	json_object_set_new(j, "version", json_text(e->version));
	json_object_set_new(j, "state", json_text(tree_state_name(e->state)));
	json_object_set_new(j, "kernel", json_text(e->release));
	json_object_set_new(j, "arch", json_text(e->arch));
	json_object_set_new(j, "built_for",
		json_text(e->weak_release ? e->weak_release : e->release));
	json_object_set_new(j, "source", json_text(source));
	json_object_set_new(j, "original_modules", json_boolean(e->has_original));
	json_object_set_new(j, "modules_missing", json_boolean(check == FILE_CHECK_MISSING));
	json_object_set_new(j, "modules_differ", json_boolean(check == FILE_CHECK_DIFFERS));
	json_object_set_new(j, "modules_gone", json_boolean(found->gone[i]));
	json_object_set_new(j, "stale", json_text(found->stale[i]));
	json_object_set_new(j, "signers", json_text(signers));
	json_object_set_new(j, "problem", json_text(p.what));
	json_object_set_new(j, "skipped",
		json_boolean(skip_list_find(&found->skips, e->name, e->version, e->release)));
	json_object_set_new(j, "skipped_kernels", skipped_kernels_json(&found->skips, e));
	json_object_set_new(
		j, "last_failure", failed_json(s, find_failed(&found->failed, e)));
	return j;
}

/* Prints the list as JSON or as what is made from that. */
static void print_document(const struct settings *s, const struct tree_list *l,
	const struct findings *found, enum status_format format, FILE *out)
{
	json_t *root = json_object(), *modules = json_array();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "modules", modules);
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(modules, entry_json(s, l, i, found));
	if (format == STATUS_PROMETHEUS)
		status_prometheus_print(modules, out);
	else
		json_print(root, out);
	json_decref(root);
}

/* Whether to print more than what scripts have parsed for twenty years. */
static bool shows_more(const struct settings *s, FILE *out)
{
	return s->switches.verbose || isatty(fileno(out));
}

int status_print(const struct settings *s, const struct tree_filter *filter,
	enum status_format format, FILE *out, FILE *errors)
{
	struct tree_list list = {0};
	struct findings found = {.wanted = format != STATUS_LINES || shows_more(s, out)};
	struct error err = {0};
	int r = tree_read(s->trees.dkms, s->trees.source, filter, &list, &err);

	if (r == 0)
		r = weak_add_entries(s, filter, &list, &err);
	if (r == 0 && found.wanted)
		r = logged_builds_list_failed(s, filter, &found.failed, &err);
	if (r == 0 && found.wanted)
		r = skip_list_read(s, &found.skips, &err);
	if (r < 0) {
		int status = err.status;

		print_masked(errors, "dkms: %s\n", err.what);
		error_done(&err);
		tree_list_done(&list);
		logged_builds_done(&found.failed);
		skip_list_done(&found.skips);
		return status;
	}
	found.checks = file_check_entries(s, &list);
	find_what_to_mend(s, &list, &found);
	if (format != STATUS_LINES)
		print_document(s, &list, &found, format, out);
	else
		print_lines(&list, &found, filter, out);
	for (size_t i = 0; i < list.n; i++)
		if (tree_problem_is(&list.entries[i]) && !is_same_version(&list, i))
			print_problem(s, &list.entries[i], errors);
	free(found.checks);
	free(found.gone);
	free(found.stale);
	tree_list_done(&list);
	logged_builds_done(&found.failed);
	skip_list_done(&found.skips);
	return 0;
}

/* Writes the page of --html. Returns the exit status. */
static int write_page(const struct arguments *args, const struct tree_filter *filter)
{
	_cleanup_free_ char *text = NULL, *said = NULL;
	_cleanup_(error_done) struct error err = {0};
	size_t n, n_said;
	FILE *out = open_memstream(&text, &n), *errors = open_memstream(&said, &n_said);
	json_t *document;

	if (!out || !errors)
		abort();
	status_print(&args->settings, filter, STATUS_JSON, out, errors);
	fclose(out);
	fclose(errors);
	document = json_loadb(text, n, 0, NULL);
	if (page_write(args->html, document, &err) < 0)
		print_error(&err);
	json_decref(document);
	return err.status;
}

int command_status(struct arguments *args)
{
	struct tree_filter *filter = arguments_filter(args);
	enum status_format format = args->prometheus ? STATUS_PROMETHEUS
				    : args->json       ? STATUS_JSON
						       : STATUS_LINES;
	int status = status_print(&args->settings, filter, format, stdout, stderr);

	if (status == 0 && args->html)
		status = write_page(args, filter);
	free(filter);
	return status;
}
