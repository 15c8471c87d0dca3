/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms status print? Lines in the format that scripts have parsed for twenty years, or
 * JSON. */
#include "config.h"

#include "base/file.h"
#include "builder/tree/file-check.h"
#include "builder/tree/weak.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/status.h"

/* New keys may appear under the same number. The number is increased when a key changes its
 * meaning or is removed. */
#define SCHEMA "dkms-status-1"

/* Why a version is broken, and how to repair it. */
struct problem {
	char *what, *remedy;
};

static bool is_problem(const struct tree_entry *e)
{
	return e->state == STATE_BROKEN || e->state == STATE_LEFTOVER || e->no_conf;
}

/* Whether an entry is about the same version as the one before it. */
static bool is_same_version(const struct tree_list *l, size_t i)
{
	const struct tree_entry *e = &l->entries[i];

	return i > 0 && streq(e[-1].name, e->name) && streq(e[-1].version, e->version);
}

static void problem_done(struct problem *p)
{
	free(p->what);
	free(p->remedy);
}

/* Whether SOURCETREE/NAME-VERSION is missing. */
static bool is_source_gone(const struct settings *s, const struct tree_entry *e)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/%s-%s", s->trees.source, e->name, e->version);

	return !path_is_dir(dir);
}

static void find_problem(
	const struct settings *s, const struct tree_entry *e, struct problem *ret)
{
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, e->name, e->version);
	_cleanup_free_ char *link = path_join(dir, "source");
	_cleanup_free_ char *source = NULL;

	if (e->state == STATE_LEFTOVER) {
		ret->what = xasprintf("%s has neither a source nor built modules", dir);
		ret->remedy = xasprintf("dkms remove %s/%s", e->name, e->version);
	} else if (e->no_conf) {
		ret->what = xasprintf("%s has no dkms.conf", link);
		ret->remedy = xasprintf("put it back, or: dkms remove %s/%s --force", e->name,
			e->version);
	} else if (link_read(link, &source) == 0) {
		ret->what = xasprintf("its source %s is missing", source);
		ret->remedy = xasprintf("put the source back, or: dkms remove %s/%s --force",
			e->name, e->version);
	} else if (path_exists(link)) {
		ret->what = xasprintf("%s should be a link to its source", link);
		ret->remedy = xasprintf("move it away, then: dkms add %s/%s", e->name, e->version);
	} else if (is_source_gone(s, e)) {
		ret->what = xasprintf("the link %s is missing, and so is its source", link);
		ret->remedy = xasprintf("dkms remove %s/%s --force", e->name, e->version);
	} else {
		ret->what = xasprintf("the link %s is missing", link);
		ret->remedy = xasprintf("dkms add %s/%s", e->name, e->version);
	}
}

static void print_text(const struct tree_entry *e, enum file_check check, FILE *out)
{
	switch (e->state) {
	case STATE_INSTALLED_WEAK:
		print_masked(out, "%s, %s, %s, %s: %s from %s\n", e->name, e->version,
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
		if (check == FILE_CHECK_DIFFERS)
			fputs(" (Differences between built and installed modules)", out);
		fputc('\n', out);
		return;
	case STATE_UNKNOWN:
	case STATE_LEFTOVER:
	case STATE_BROKEN:
	case STATE_ADDED:
		print_masked(out, "%s/%s: %s\n", e->name, e->version, tree_state_name(e->state));
		return;
	}
}

static void print_problem(
	const struct settings *s, const struct tree_entry *e, FILE *errors)
{
	_cleanup_(problem_done) struct problem p = {0};

	find_problem(s, e, &p);
	print_masked(errors, "dkms: %s/%s is %s: %s\n      %s\n", e->name, e->version,
		e->state == STATE_LEFTOVER ? "a leftover" : "broken", p.what, p.remedy);
}

static json_t *entry_json(
	const struct settings *s, const struct tree_entry *e, enum file_check check)
{
	_cleanup_free_ char *link = NULL;
	_cleanup_free_ char *source = NULL;
	_cleanup_(problem_done) struct problem p = {0};
	json_t *j = json_object();

	link = xasprintf("%s/%s/%s/source", s->trees.dkms, e->name, e->version);
	link_read(link, &source);
	if (is_problem(e))
		find_problem(s, e, &p);
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
	json_object_set_new(j, "problem", json_text(p.what));
	return j;
}

static void print_json(const struct settings *s, const struct tree_list *l,
	const enum file_check *checks, FILE *out)
{
	json_t *root = json_object(), *modules = json_array();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "modules", modules);
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(modules, entry_json(s, &l->entries[i], checks[i]));
	json_print(root, out);
	json_decref(root);
}

int status_print(const struct settings *s, const struct tree_filter *filter, bool json,
	FILE *out, FILE *errors)
{
	struct tree_list list = {0};
	struct error err = {0};
	enum file_check *checks;
	int r = tree_read(s->trees.dkms, s->trees.source, filter, &list, &err);

	if (r == 0)
		r = weak_add_entries(s, filter, &list, &err);
	if (r < 0) {
		int status = err.status;

		print_masked(errors, "dkms: %s\n", err.what);
		error_done(&err);
		tree_list_done(&list);
		return status;
	}
	checks = file_check_entries(s, &list);
	if (json)
		print_json(s, &list, checks, out);
	for (size_t i = 0; i < list.n && !json; i++)
		print_text(&list.entries[i], checks[i], out);
	for (size_t i = 0; i < list.n; i++)
		if (is_problem(&list.entries[i]) && !is_same_version(&list, i))
			print_problem(s, &list.entries[i], errors);
	free(checks);
	tree_list_done(&list);
	return 0;
}

/* Makes a chain of filters, one for each kernel, with its own architecture or the one that was
 * given for all. */
int command_status(struct arguments *args)
{
	const struct strv *kernels = &args->kernels, *archs = &args->archs;
	size_t n = kernels->n ? kernels->n : 1;
	struct tree_filter *filters = xcalloc(n, sizeof(*filters));
	int status;

	for (size_t i = 0; i < n; i++) {
		filters[i].name = args->name;
		filters[i].version = args->version;
		filters[i].release = kernels->n ? kernels->items[i] : NULL;
		if (archs->n)
			filters[i].arch = archs->items[archs->n == n ? i : 0];
		filters[i].next = i + 1 < n ? &filters[i + 1] : NULL;
	}
	status = status_print(&args->settings, filters, args->json, stdout, stderr);
	free(filters);
	return status;
}
