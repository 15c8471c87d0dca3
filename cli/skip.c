/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do dkms skip and dkms unskip do? They keep modules off kernels, by the word of the
 * administrator. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/skip-list.h"
#include "builder/tree/tree.h"
#include "cli/command-row.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/skip.h"
#include "cli/sources.h"

#define SCHEMA "dkms-skip-1"

/* Whether a record is about the module, the version and the kernels that are named. */
static bool is_named(const struct arguments *args, const struct skip_record *r)
{
	if (args->name && !streq(args->name, r->name))
		return false;
	if (args->version && r->version && !streq(args->version, r->version))
		return false;
	return !args->kernels.n || !r->release || strv_contains(&args->kernels, r->release);
}

static int print_list(const struct arguments *args, struct error *err)
{
	struct skip_list list;
	json_t *records = json_array(), *root;
	int r = skip_list_read(&args->settings, &list, err);

	for (size_t i = 0; i < list.n; i++) {
		const struct skip_record *record = &list.items[i];
		json_t *j;

		if (!is_named(args, record))
			continue;
		if (!args->json) {
			print_masked(stdout, "%s%s%s, %s: skipped\n", record->name,
				record->version ? "/" : "",
				record->version ? record->version : "",
				record->release ? record->release : "all kernels");
			continue;
		}
		j = json_object();
		json_object_set_new(j, "module", json_text(record->name));
		json_object_set_new(j, "version", json_text(record->version));
		json_object_set_new(j, "kernel", json_text(record->release));
		json_array_append_new(records, j);
	}
	root = json_object();
	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "skipped", records);
	if (args->json && r == 0)
		json_print(root, stdout);
	json_decref(root);
	skip_list_done(&list);
	return r;
}

/* Checks that a module and kernels are named, and that the list can hold their names. */
static int check(const struct arguments *args, struct error *err)
{
	const char *command = args->command->name;
	int r = arguments_check(args, err);

	if (r == 0 && args->archs.n)
		r = error_set(err, -EINVAL, 2,
			"%s takes a kernel whatever its architecture, so no -a", command);
	if (r == 0 && is_empty(args->name)) {
		r = error_set(err, -EINVAL, 1, "%s needs a module", command);
		error_remedy(err, "dkms %s NAME -k KVER", command);
	}
	if (r == 0 && !args->all && !args->kernels.n) {
		r = error_set(err, -EINVAL, 4, "%s needs kernels: -k KVER, or --all", command);
		error_remedy(err, "dkms %s %s --all", command, args->name);
	}
	if (r == 0 && (!text_is_name(args->name) ||
			      (args->version && !text_is_name(args->version))))
		r = error_set(err, -EINVAL, 3, "the list has no place for this name: %s",
			args->name);
	for (size_t i = 0; i < args->kernels.n && r == 0; i++)
		if (!text_is_name(args->kernels.items[i]))
			r = error_set(err, -EINVAL, 16,
				"the list has no place for this kernel: %s",
				args->kernels.items[i]);
	return r;
}

/* Warns if the name may be misspelled. */
static void warn_unknown(const struct arguments *args)
{
	const struct settings *s = &args->settings;
	_cleanup_(strv_done) struct strv sources = {0};
	_cleanup_free_ char *dir = path_join(s->trees.dkms, args->name);
	size_t n = strlen(args->name);

	if (path_look(dir) != 0)
		return;
	sources_list(s->trees.source, &sources);
	for (size_t i = 0; i < sources.n; i++)
		if (has_prefix(sources.items[i], args->name) && sources.items[i][n] == '/')
			return;
	print_warning("%s is neither in %s nor in %s", args->name, s->trees.dkms,
		s->trees.source);
}

/* Returns the words for the module and the kernel: "evdi/1.0 for RELEASE". The caller frees. */
static char *title(const struct arguments *args, const char *release)
{
	return xasprintf("%s%s%s for %s", args->name, args->version ? "/" : "",
		args->version ? args->version : "", release ? release : "all kernels");
}

/* Names what is installed on the kernel, or on any, and stays there. */
static int tell_installed(const struct arguments *args, const char *release, struct error *err)
{
	const struct settings *s = &args->settings;
	struct tree_filter filter = {
		.name = args->name, .version = args->version, .release = release};
	struct tree_list list = {0};
	int r = tree_read(s->trees.dkms, s->trees.source, &filter, &list, err);

	for (size_t i = 0; i < list.n && r == 0; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state == STATE_INSTALLED)
			print_masked(stdout,
				"      it stays installed on %s; dkms uninstall %s/%s -k %s removes it\n",
				e->release, e->name, e->version, e->release);
	}
	tree_list_done(&list);
	return r;
}

static int skip_on(const struct arguments *args, const char *release, struct error *err)
{
	_cleanup_free_ char *what = title(args, release);
	int r;

	warn_unknown(args);
	r = skip_list_add(&args->settings, args->name, args->version, release, err);

	if (r < 0 || args->quiet || args->json)
		return r < 0 ? r : 0;
	print_masked(stdout, "dkms: %s: %s\n", what, r ? "already skipped" : "skipped");
	return tell_installed(args, release, err);
}

/* Whether a record keeps off a version and a kernel that are meant; NULL: all kernels. */
static bool is_about(
	const struct arguments *args, const char *release, const struct skip_record *r)
{
	return streq(args->name, r->name) &&
	       (!args->version || !r->version || streq(args->version, r->version)) &&
	       (!release || !r->release || streq(release, r->release));
}

/* Fails if another record still keeps off what was named. */
static int check_unskipped(const struct arguments *args, const char *release, struct error *err)
{
	_cleanup_free_ char *what = title(args, release);
	_cleanup_free_ char *words = NULL;
	const struct skip_record *still = NULL;
	struct skip_list list;
	int r = skip_list_read(&args->settings, &list, err);

	for (size_t i = 0; i < list.n && !still; i++)
		if (is_about(args, release, &list.items[i]))
			still = &list.items[i];
	if (still) {
		words = skip_record_words(still);
		r = error_set(err, -EEXIST, 3, "%s is still skipped, by a word that holds for more",
			what);
		error_remedy(err, "dkms unskip %s", words);
	}
	skip_list_done(&list);
	return r;
}

static int unskip_on(const struct arguments *args, const char *release, struct error *err)
{
	_cleanup_free_ char *what = title(args, release);
	int removed = skip_list_remove(
		&args->settings, args->name, args->version, release, err);
	int r = removed < 0 ? removed : check_unskipped(args, release, err);

	if (r < 0 || args->quiet || args->json)
		return r;
	print_masked(stdout, "dkms: %s: %s\n", what,
		removed ? "no longer skipped" : "not skipped");
	if (removed)
		print_masked(stdout, "      dkms autoinstall %s%s installs what is missing\n",
			release ? "-k " : "--all", release ? release : "");
	return 0;
}

static int run(struct arguments *args,
	int (*on_kernel)(const struct arguments *args, const char *release, struct error *err))
{
	_cleanup_(error_done) struct error err = {0};
	int r = check(args, &err);

	if (r == 0 && args->all)
		r = on_kernel(args, NULL, &err);
	for (size_t i = 0; i < args->kernels.n && r == 0; i++)
		r = on_kernel(args, args->kernels.items[i], &err);
	if (r == 0 && args->json)
		r = print_list(args, &err);
	if (r < 0)
		print_error(&err);
	return r < 0 ? err.status : 0;
}

int command_skip(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (args->name || args->all)
		return run(args, skip_on);
	if (arguments_check(args, &err) == 0)
		print_list(args, &err);
	if (err.status)
		print_error(&err);
	return err.status;
}

int command_unskip(struct arguments *args)
{
	return run(args, unskip_on);
}
