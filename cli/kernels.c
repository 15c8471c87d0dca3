/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms kernels print? The kernels of this machine, and which modules each of them has and
 * lacks. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "builder/build/logged-builds.h"
#include "builder/host/kernel.h"
#include "builder/host/skip-list.h"
#include "builder/host/version.h"
#include "builder/tree/weak.h"
#include "cli/json.h"
#include "cli/kernels.h"
#include "cli/print.h"

/* New keys may appear under the same number. The number is increased when a key changes its
 * meaning or is removed. */
#define SCHEMA "dkms-kernels-1"

/* What the dkms tree says, of all kernels. */
struct records {
	const struct settings *settings;
	char *running, *arch; /* as uname(1) prints them */
	struct tree_list tree;
	struct logged_builds failed;
	struct skip_list skips;
};

/* A kernel. The lists have "NAME/VERSION" in the order of the dkms tree. */
struct row {
	const char *release; /* borrowed */
	char *headers;	     /* NULL: there are none */
	bool running, newest, image;
	struct strv installed, missing, failed, skipped;
};

static void records_done(struct records *r)
{
	free(r->running);
	free(r->arch);
	tree_list_done(&r->tree);
	logged_builds_done(&r->failed);
	skip_list_done(&r->skips);
}

static void row_done(struct row *row)
{
	free(row->headers);
	strv_done(&row->installed);
	strv_done(&row->missing);
	strv_done(&row->failed);
	strv_done(&row->skipped);
}

static int read_records(struct records *ret, struct error *err)
{
	const struct settings *s = ret->settings;
	int r = tree_read(s->trees.dkms, s->trees.source, NULL, &ret->tree, err);

	ret->running = kernel_running_release();
	ret->arch = kernel_running_arch();
	if (r == 0)
		r = weak_add_entries(s, NULL, &ret->tree, err);
	if (r == 0)
		r = logged_builds_list_failed(s, NULL, &ret->failed, err);
	if (r == 0)
		r = skip_list_read(s, &ret->skips, err);
	return r;
}

static bool is_installed(enum tree_state state)
{
	return state == STATE_INSTALLED || state == STATE_INSTALLED_WEAK;
}

/* Adds what is installed of the module that the entries from first to end are about. Returns
 * whether something is. */
static bool add_installed(const struct records *all, size_t first, size_t end, struct row *row)
{
	size_t before = row->installed.n;

	for (size_t i = first; i < end; i++) {
		const struct tree_entry *e = &all->tree.entries[i];

		if (is_installed(e->state) && streq(e->release, row->release) &&
			streq(e->arch, all->arch))
			strv_pushf(&row->installed, "%s/%s", e->name, e->version);
	}
	return row->installed.n > before;
}

/* Adds the versions of the module whose newest build for the kernel has failed. Returns whether
 * there is one. */
static bool add_failed(const struct records *all, const char *name, struct row *row)
{
	size_t before = row->failed.n;

	for (size_t i = 0; i < all->failed.n; i++) {
		const struct logged_build *b = &all->failed.items[i];

		if (streq(b->name, name) && streq(b->release, row->release) &&
			streq(b->arch, all->arch))
			strv_pushf(&row->failed, "%s/%s", b->name, b->version);
	}
	return row->failed.n > before;
}

/* Adds the newest version of the module that has a source to those that the kernel lacks, or to
 * those that dkms skip keeps off it. */
static void add_missing(const struct records *all, size_t first, size_t end, struct row *row)
{
	for (size_t i = end; i-- > first;) {
		const struct tree_entry *e = &all->tree.entries[i];

		if (e->state < STATE_ADDED || e->no_conf)
			continue;
		strv_pushf(skip_list_find(&all->skips, e->name, e->version, row->release)
				? &row->skipped
				: &row->missing,
			"%s/%s", e->name, e->version);
		return;
	}
}

static void fill_row(const struct records *all, struct row *row)
{
	const struct tree_list *tree = &all->tree;
	struct kernel *k = kernel_new(all->settings, row->release, all->arch);

	row->running = streq(row->release, all->running);
	row->image = kernel_has_image(k);
	row->headers = k->has_headers ? xstrdup(k->headers) : NULL;
	kernel_free(k);
	for (size_t i = 0, end; i < tree->n; i = end) {
		bool installed, failed;

		for (end = i; end < tree->n &&
			      streq(tree->entries[end].name, tree->entries[i].name);)
			end++;
		installed = add_installed(all, i, end, row);
		failed = add_failed(all, tree->entries[i].name, row);
		if (!installed && !failed)
			add_missing(all, i, end, row);
	}
}

static void add_words(struct strv *words, const char *before, const struct strv *modules)
{
	for (size_t i = 0; i < modules->n; i++)
		strv_pushf(words, "%s %s", before, modules->items[i]);
}

/* Prints "RELEASE, ARCH: " and the facts, separated by commas, so that grep(1) can pick lines. */
static void print_line(const struct records *all, const struct row *row)
{
	_cleanup_(strv_done) struct strv words = {0};

	if (row->running)
		strv_push(&words, "running");
	if (row->newest)
		strv_push(&words, "newest");
	strv_push(&words, row->image ? "image" : "no image");
	strv_push(&words, row->headers ? "headers" : "no headers");
	add_words(&words, "installed", &row->installed);
	add_words(&words, "missing", &row->missing);
	add_words(&words, "failed", &row->failed);
	add_words(&words, "skipped", &row->skipped);
	print_masked(stdout, "%s, %s: ", row->release, all->arch);
	for (size_t i = 0; i < words.n; i++)
		print_masked(stdout, "%s%s", i ? ", " : "", words.items[i]);
	putchar('\n');
}

/* Returns the modules, separated by blanks; the caller frees. */
static char *module_words(const struct strv *modules)
{
	struct str words = {0};

	for (size_t i = 0; i < modules->n; i++)
		str_addf(&words, "%s%s", i ? " " : "", modules->items[i]);
	return words.data ? words.data : xstrdup("-");
}

static void print_table(const struct row *rows, size_t n)
{
	int width = strlen("KERNEL");

	for (size_t i = 0; i < n; i++)
		if ((int)strlen(rows[i].release) > width)
			width = (int)strlen(rows[i].release);
	printf("%-*s  %-15s  %-5s  %-7s  %9s  %7s  %s\n", width, "KERNEL", "", "IMAGE", "HEADERS",
		"INSTALLED", "MISSING", "FAILED");
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		_cleanup_free_ char *failed = module_words(&row->failed);

		print_masked(stdout, "%-*s  %-15s  %-5s  %-7s  %9zu  %7zu  %s\n", width, row->release,
			row->running && row->newest ? "running, newest"
			: row->running		    ? "running"
			: row->newest		    ? "newest"
						    : "",
			row->image ? "yes" : "no", row->headers ? "yes" : "no", row->installed.n,
			row->missing.n, failed);
	}
}

static json_t *modules_json(const struct strv *modules)
{
	json_t *list = json_array();

	for (size_t i = 0; i < modules->n; i++)
		json_array_append_new(list, json_text(modules->items[i]));
	return list;
}

static void print_document(const struct records *all, const struct row *rows, size_t n)
{
	json_t *root = json_object(), *list = json_array();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "running", json_text(all->running));
	json_object_set_new(root, "kernels", list);
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		json_t *j = json_object();

		json_object_set_new(j, "kernel", json_text(row->release));
		json_object_set_new(j, "arch", json_text(all->arch));
		json_object_set_new(j, "running", json_boolean(row->running));
		json_object_set_new(j, "newest", json_boolean(row->newest));
		json_object_set_new(j, "image", json_boolean(row->image));
		json_object_set_new(j, "headers", json_text(row->headers));
		json_object_set_new(j, "installed", modules_json(&row->installed));
		json_object_set_new(j, "missing", modules_json(&row->missing));
		json_object_set_new(j, "failed", modules_json(&row->failed));
		json_object_set_new(j, "skipped", modules_json(&row->skipped));
		json_array_append_new(list, j);
	}
	json_print(root, stdout);
	json_decref(root);
}

/* Appends the running kernel, if it is not there, at its place in the order of versions. */
static void add_running(struct strv *releases, const char *running)
{
	_cleanup_(strv_done) struct strv old = *releases;
	bool added = strv_contains(releases, running);

	*releases = (struct strv){0};
	for (size_t i = 0; i < old.n; i++) {
		if (!added && version_compare(old.items[i], running) > 0) {
			strv_push(releases, running);
			added = true;
		}
		strv_push(releases, old.items[i]);
	}
	if (!added)
		strv_push(releases, running);
}

/* Fills in a row for each kernel and prints them. */
static void print_kernels(const struct arguments *args, const struct records *all,
	const struct strv *releases, const char *newest)
{
	struct row *rows = xcalloc(releases->n, sizeof(*rows));

	for (size_t i = 0; i < releases->n; i++) {
		rows[i].release = releases->items[i];
		rows[i].newest = newest && streq(releases->items[i], newest);
		fill_row(all, &rows[i]);
	}
	if (args->json)
		print_document(all, rows, releases->n);
	else if (isatty(STDOUT_FILENO))
		print_table(rows, releases->n);
	for (size_t i = 0; i < releases->n; i++) {
		if (!args->json && !isatty(STDOUT_FILENO))
			print_line(all, &rows[i]);
		row_done(&rows[i]);
	}
	free(rows);
}

static int run(const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_(records_done) struct records all = {.settings = s};
	_cleanup_(strv_done) struct strv releases = {0};
	_cleanup_free_ char *newest = NULL;
	int r = arguments_check(args, err);

	if (r == 0 && !is_empty(args->name)) {
		r = error_set(err, -EINVAL, 2, "kernels takes no module");
		error_remedy(err, "dkms status %s", args->name);
	}
	if (r == 0)
		r = read_records(&all, err);
	if (r < 0)
		return r;
	r = kernel_list(s, &releases);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", s->trees.install);
	if (releases.n) /* the running one counts only if it is installed */
		newest = xstrdup(releases.items[releases.n - 1]);
	add_running(&releases, all.running);
	print_kernels(args, &all, &releases, newest);
	return 0;
}

int command_kernels(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (run(args, &err) < 0)
		print_error(&err);
	return err.status;
}
