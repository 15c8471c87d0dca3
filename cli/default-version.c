/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which version does a command act on if it is given only the name of a module? */
#include "config.h"

#include <errno.h>

#include "builder/tree/tree.h"
#include "cli/command-row.h"
#include "cli/default-version.h"
#include "cli/sources.h"

/* Appends the versions in the dkms tree that the command can act on. */
static int list_added(const struct arguments *args, struct strv *ret, struct error *err)
{
	const struct settings *s = &args->settings;
	bool removes = args->command->flags & COMMAND_REMOVES;
	_cleanup_(strv_done) struct strv versions = {0};
	int r = tree_list_versions(s->trees.dkms, args->name, &versions);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read the versions of %s in %s", args->name,
			s->trees.dkms);
	for (size_t i = 0; i < versions.n; i++) {
		enum tree_state state = tree_version_state(
			s->trees.dkms, s->trees.source, args->name, versions.items[i]);

		if (state >= (removes ? STATE_LEFTOVER : STATE_ADDED))
			strv_push(ret, versions.items[i]);
	}
	return 0;
}

/* Appends the versions in the source tree that are not in ret yet. */
static void list_sources(const struct arguments *args, struct strv *ret)
{
	_cleanup_(strv_done) struct strv sources = {0};
	size_t n = strlen(args->name);

	sources_list(args->settings.trees.source, &sources);
	for (size_t i = 0; i < sources.n; i++) {
		const char *source = sources.items[i];

		if (strncmp(source, args->name, n) == 0 && source[n] == '/' &&
			!strv_contains(ret, source + n + 1))
			strv_push(ret, source + n + 1);
	}
}

int default_version_set(struct arguments *args, struct error *err)
{
	const struct command_row *c = args->command;
	_cleanup_(strv_done) struct strv versions = {0};
	_cleanup_free_ char *all = NULL;

	if (!(c->flags & COMMAND_NEEDS_MODULE) || is_empty(args->name) || args->version ||
		args->module_option || args->directory || tree_check_name("module name", args->name, NULL) < 0)
		return 0;
	if (list_added(args, &versions, err) < 0)
		return -EIO;
	if (command_takes_source(c))
		list_sources(args, &versions);
	if (versions.n == 1) {
		str_replace(&args->version, versions.items[0]);
		return 0;
	}
	if (!versions.n && command_takes_source(c))
		return error_set(err, -ENOENT, 1, "%s is neither in %s nor in %s", args->name,
			args->settings.trees.dkms, args->settings.trees.source);
	if (!versions.n)
		return error_set(err, -ENOENT, 1, "%s is not in %s", args->name,
			args->settings.trees.dkms);
	all = strv_join(&versions, ", ");
	error_set(err, -EINVAL, 1, "%s needs a version of %s: %s", c->name, args->name, all);
	error_remedy(err, "dkms %s %s/%s", c->name, args->name, versions.items[versions.n - 1]);
	return -EINVAL;
}
