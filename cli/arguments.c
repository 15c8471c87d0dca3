/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What did the command line ask for, and is it possible? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "scheduler/cpus.h"
#include "cli/arguments.h"
#include "cli/command-row.h"

void arguments_init(struct arguments *args)
{
	*args = (struct arguments){0};
	settings_init(&args->settings);
	args->settings.limits.slots = cpus_available();
}

void arguments_done(struct arguments *args)
{
	settings_done(&args->settings);
	strv_done(&args->kernels);
	strv_done(&args->archs);
	strv_done(&args->ignored);
	free(args->name);
	free(args->version);
	free(args->line);
	free(args->directory);
	free(args->conf);
	free(args->subcommand);
	free(args->unknown);
	free(args->archive);
	free(args->template_kernel);
	free(args->events);
	free(args->trace);
	free(args->report);
	free(args->html);
	free(args->plan);
	free(args->shard);
	free(args->junit);
	strv_done(&args->files);
	*args = (struct arguments){0};
}

/* Returns 0 if path, or the nearest of its parent directories that exists, is writable. */
static int check_writable(const char *path, struct error *err)
{
	_cleanup_free_ char *partial = xstrdup(path);

	for (;;) {
		char *slash;

		if (access(partial, W_OK) == 0)
			return 0;
		if (errno != ENOENT)
			break;
		slash = strrchr(partial, '/');
		if (!slash || slash == partial)
			break;
		*slash = '\0';
	}
	error_errno(err, -errno, 1, "cannot write to %s", path);
	if (geteuid() != 0)
		error_remedy(err, "run it as root, or choose writable trees with "
				  "--dkmstree and --installtree");
	return -EACCES;
}

/* Checks this before anything is changed: depmod needs the directory, after the install. */
static int check_temporary_dir(const char *path, struct error *err)
{
	if (path_is_dir(path) && access(path, W_OK | X_OK) == 0)
		return 0;
	error_set(err, -ENOENT, 1, "%s is no directory for temporary files: %s", path,
		path_is_dir(path)	 ? strerror(errno)
			: path_exists(path) ? "it is a file"
					    : "it does not exist");
	error_remedy(err, "set TMPDIR, or tmp_location in framework.conf, to another one");
	return -ENOENT;
}

struct tree_filter *arguments_filter(const struct arguments *args)
{
	const struct strv *kernels = &args->kernels, *archs = &args->archs;
	size_t n = kernels->n ? kernels->n : 1;
	struct tree_filter *filters = xcalloc(n, sizeof(*filters));

	for (size_t i = 0; i < n; i++) {
		filters[i].name = args->name;
		filters[i].version = args->version;
		filters[i].release = kernels->n ? kernels->items[i] : NULL;
		if (archs->n)
			filters[i].arch = archs->items[archs->n == n ? i : 0];
		filters[i].next = i + 1 < n ? &filters[i + 1] : NULL;
	}
	return filters;
}

static int check_name(const char *what, const char *name, int status, struct error *err)
{
	int r = tree_check_name(what, name, err);

	if (r < 0 && err)
		err->status = status;
	return r;
}

bool arguments_are_archive(const struct arguments *args)
{
	return args->command->flags & COMMAND_TAKES_ARCHIVE && args->archive &&
	       !args->directory && is_empty(args->name) && is_empty(args->version);
}

bool arguments_need_stdout(const struct arguments *args)
{
	return args->json || (args->events && streq(args->events, "-"));
}

/* The specification asks programs to fail if the value is not valid. */
static int check_source_date(struct error *err)
{
	const char *text = getenv(SOURCE_DATE_VARIABLE);
	struct source_date date;

	if (source_date_parse(text, &date))
		return 0;
	error_set(err, -EINVAL, 2, "%s is '%s', which is no number of seconds since 1970",
		SOURCE_DATE_VARIABLE, text);
	error_remedy(err, "%s=$(date +%%s) dkms ...", SOURCE_DATE_VARIABLE);
	return -EINVAL;
}

int arguments_check(const struct arguments *args, struct error *err)
{
	const struct command_row *c = args->command;
	const struct settings *s = &args->settings;

	if (args->json && args->events && streq(args->events, "-"))
		return error_set(err, -EINVAL, 2, "--json and --events - cannot be combined");
	if (args->all && args->kernels.n)
		return error_set(err, -EINVAL, 2, "--all and -k cannot be combined");
	if (args->all && args->archs.n)
		return error_set(err, -EINVAL, 3, "--all and -a cannot be combined");
	if (c->flags & COMMAND_EXACT_KERNEL && !args->all && args->kernels.n != 1)
		return error_set(err, -EINVAL, 4, "%s needs exactly one -k", c->name);
	if (args->all && !(c->flags & COMMAND_ALL_KERNELS))
		return error_set(err, -EINVAL, 5, "%s does not take --all", c->name);
	if (args->archs.n > 1 && args->archs.n != args->kernels.n)
		return error_set(err, -EINVAL, 1, "%zu architectures are given for %zu kernels",
			args->archs.n, args->kernels.n);
	if (c->flags & COMMAND_NEEDS_MODULE && !args->directory && !arguments_are_archive(args) &&
		(is_empty(args->name) || is_empty(args->version))) {
		error_set(err, -EINVAL, 1, "%s needs a module and its version", c->name);
		error_remedy(err, "dkms %s NAME/VERSION", c->name);
		return -EINVAL;
	}
	if (check_source_date(err) < 0)
		return -EINVAL;
	if (args->name && tree_check_name("module name", args->name, err) < 0)
		return -EINVAL;
	if (args->version && tree_check_name("module version", args->version, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < args->kernels.n; i++)
		if (check_name("kernel release", args->kernels.items[i], 16, err) < 0)
			return -EINVAL;
	for (size_t i = 0; i < args->archs.n; i++)
		if (check_name("architecture", args->archs.items[i], 12, err) < 0)
			return -EINVAL;
	if (s->switches.dry_run && (args->archive || !(c->flags & COMMAND_DRY_RUN)))
		return error_set(err, -EINVAL, 2, "%s%s does not take --dry-run", c->name,
			args->archive ? " with an archive" : "");
	if (s->switches.dry_run)
		return 0;
	if (c->flags & (COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS) &&
		check_temporary_dir(s->tmp_location, err) < 0)
		return -ENOENT;
	if (c->flags & COMMAND_WRITES_TREE && check_writable(s->trees.dkms, err) < 0)
		return -EACCES;
	if (c->flags & COMMAND_WRITES_KERNELS &&
		check_writable(s->trees.install, err) < 0)
		return -EACCES;
	return 0;
}
