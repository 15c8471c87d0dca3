/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which options are there, and what does a command line mean? The help and the completion
 * use the table of options as well. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/options.h"

#define AT(field) offsetof(struct arguments, field)
#define MODULE (COMMAND_NEEDS_MODULE | COMMAND_NAMES_MODULE)
#define SETTING(field) offsetof(struct arguments, settings.field)

const struct option_row options[] = {
	{'m', "module", "NAME[/VERSION]", OPTION_SPECIAL, 0, "the module",
		MODULE},
	{'v', NULL, "VERSION", OPTION_TEXT, AT(version), "its version",
		MODULE},
	{'k', "kernelver", "KVER[/ARCH]", OPTION_SPECIAL, 0,
		"a kernel release; may be repeated",
		COMMAND_NAMES_KERNELS | COMMAND_SKIPS},
	{'a', "arch", "ARCH", OPTION_LIST, AT(archs),
		"the architecture: one for all kernels, or one for each -k",
		COMMAND_NAMES_KERNELS},
	{0, "all", NULL, OPTION_FLAG, AT(all),
		"all kernels with headers; when removing, every kernel it is built for",
		COMMAND_ALL_KERNELS},
	{0, "force", NULL, OPTION_FLAG, SETTING(switches.force),
		"repeat what is already done",
		COMMAND_RUNS},
	{0, "force-version-override", NULL, OPTION_FLAG,
		SETTING(switches.force_version_override),
		"install even over a newer module",
		COMMAND_BUILDS},
	{'j', NULL, "N", OPTION_SPECIAL, 0,
		"job slots, shared with make; 0: no limit; default: the CPUs",
		COMMAND_BUILDS},
	{0, "max-memory", "SIZE", OPTION_SPECIAL, 0,
		"memory for all builds together; limits the number of job slots",
		COMMAND_BUILDS},
	{'c', NULL, "FILE", OPTION_TEXT, AT(conf), "the dkms.conf to use when adding",
		COMMAND_TAKES_ARCHIVE},
	{0, "archive", "FILE", OPTION_TEXT, AT(archive),
		"the file that mktarball, mkdeb or mkrpm writes, or that add loads",
		COMMAND_PACKS | COMMAND_TAKES_ARCHIVE},
	{0, "source-only", NULL, OPTION_FLAG, AT(source_only),
		"pack the source, without built modules",
		COMMAND_PACKS},
	{0, "binaries-only", NULL, OPTION_FLAG, AT(binaries_only),
		"pack built modules, without the source",
		COMMAND_PACKS},
	{0, "config", "FILE", OPTION_TEXT, SETTING(kernel.config),
		"the kernel's .config",
		COMMAND_BUILDS},
	{0, "kernelsourcedir", "DIR", OPTION_TEXT, SETTING(kernel.source_dir),
		"the kernel's headers",
		COMMAND_BUILDS},
	{0, "templatekernel", "KVER", OPTION_TEXT, AT(template_kernel),
		"the kernel that match copies from",
		COMMAND_TEMPLATE},
	{0, "directive", "NAME=VALUE", OPTION_LIST, SETTING(directives),
		"set a directive, overriding every dkms.conf",
		COMMAND_BUILDS | COMMAND_TAKES_ARCHIVE},
	{0, "dkmstree", "DIR", OPTION_TEXT, SETTING(trees.dkms),
		"the dkms tree, instead of /var/lib/dkms", 0},
	{0, "sourcetree", "DIR", OPTION_TEXT, SETTING(trees.source),
		"the directory of sources, instead of /usr/src", 0},
	{0, "installtree", "DIR", OPTION_TEXT, SETTING(trees.install),
		"the directory of kernels, instead of /lib/modules", 0},
	{0, "sandbox", "MODE", OPTION_SPECIAL, 0,
		"auto, require or off: build in a sandbox made by bubblewrap",
		COMMAND_RUNS},
	{0, "cache-dir", "DIR", OPTION_TEXT, SETTING(cache.dir),
		"the build cache, instead of /var/cache/dkms",
		COMMAND_BUILDS | COMMAND_CACHE | COMMAND_REMOTE},
	{0, "no-cache", NULL, OPTION_FLAG, SETTING(cache.disabled),
		"build everything, and store nothing in the cache",
		COMMAND_BUILDS},
	{0, "remote", "URL", OPTION_TEXT, SETTING(remote.urls),
		"a remote cache to ask for builds, instead of the setting remote",
		COMMAND_BUILDS | COMMAND_REMOTE},
	{0, "remote-only", NULL, OPTION_FLAG, SETTING(remote.only),
		"compile nothing: what no cache has is an error",
		COMMAND_BUILDS | COMMAND_REMOTE},
	{0, "no-remote", NULL, OPTION_FLAG, SETTING(remote.disabled),
		"ask no remote cache, and write to none",
		COMMAND_BUILDS},
	{0, "keep-build", NULL, OPTION_FLAG, SETTING(switches.keep_build),
		"keep the directory of a failed build, not only its log",
		COMMAND_BUILDS},
	{0, "allow-post-add", NULL, OPTION_FLAG, SETTING(switches.allow_post_add),
		"run the script POST_ADD of an archive, as root",
		COMMAND_TAKES_ARCHIVE},
	{0, "no-depmod", NULL, OPTION_FLAG, SETTING(switches.no_depmod),
		"do not run depmod",
		COMMAND_BUILDS | COMMAND_REMOVES},
	{0, "modprobe-on-install", NULL, OPTION_FLAG, SETTING(modprobe_on_install),
		"on the running kernel, load the modules that its devices need",
		COMMAND_BUILDS},
	{0, "symlink-modules", NULL, OPTION_FLAG, SETTING(symlink_modules),
		"install links to the dkms tree instead of copies",
		COMMAND_BUILDS},
	{0, "rpm_safe_upgrade", NULL, OPTION_FLAG, SETTING(switches.rpm_safe_upgrade),
		"in RPM scripts: remove keeps a version that was just added",
		COMMAND_TAKES_ARCHIVE | COMMAND_REMOVES},
	{0, "rpm-safe-upgrade", NULL, OPTION_FLAG, SETTING(switches.rpm_safe_upgrade),
		NULL, 0},
	{0, "as-hook", NULL, OPTION_FLAG, AT(as_hook),
		"obey the setting on_failure, as autoinstall does",
		COMMAND_BUILDS},
	{0, "json", NULL, OPTION_FLAG, AT(json),
		"print the status, or what was done, as JSON",
		COMMAND_RUNS | COMMAND_JSON},
	{0, "prometheus", NULL, OPTION_FLAG, AT(prometheus),
		"print the status as metrics for Prometheus", COMMAND_STATUS},
	{0, "html", "FILE", OPTION_TEXT, AT(html),
		"write the status, or what was done, to FILE as a page for a browser",
		COMMAND_RUNS | COMMAND_STATUS | COMMAND_MERGES},
	{0, "plan", "FILE", OPTION_TEXT, AT(plan),
		"do what a plan says that dkms plan has made", COMMAND_SHARDS},
	{0, "shard", "I/N", OPTION_TEXT, AT(shard),
		"only part I of N of the plan; auto or auto/N: the part that the engine names",
		COMMAND_SHARDS},
	{0, "junit", "FILE", OPTION_TEXT, AT(junit),
		"write the results to FILE in JUnit's format", COMMAND_MERGES},
	{0, "github", NULL, OPTION_FLAG, AT(github),
		"print the failures as annotations for GitHub Actions", COMMAND_MERGES},
	{0, "fix", NULL, OPTION_FLAG, AT(fix), "mend what doctor has found",
		COMMAND_DOCTOR},
	{0, "report", "FILE", OPTION_TEXT, AT(report),
		"write what a report of a bug needs to FILE, a tar.gz archive",
		COMMAND_DOCTOR},
	{0, "dry-run", NULL, OPTION_FLAG, SETTING(switches.dry_run),
		"print what would be done, and change nothing",
		COMMAND_DRY_RUN},
	{0, "explain", NULL, OPTION_FLAG, SETTING(switches.explain),
		"print the reason for what each job does",
		COMMAND_BUILDS},
	{0, "fail-fast", NULL, OPTION_FLAG, SETTING(switches.fail_fast),
		"start no other job after one has failed",
		COMMAND_RUNS},
	{0, "timeout", "SECONDS", OPTION_SPECIAL, 0, "the time limit of each job",
		COMMAND_RUNS},
	{0, "events", "FILE", OPTION_TEXT, AT(events),
		"write events to FILE as lines of JSON; -: to standard output",
		COMMAND_RUNS},
	{0, "trace", "FILE", OPTION_TEXT, AT(trace),
		"write what ran when to FILE, for Perfetto or chrome://tracing",
		COMMAND_RUNS},
	{'q', "quiet", NULL, OPTION_FLAG, AT(quiet), "print only failures and warnings", 0},
	{0, "verbose", NULL, OPTION_FLAG, SETTING(switches.verbose),
		"say more: failed builds and what is stale in status, what cannot be recorded", 0},
	{0, "debug", NULL, OPTION_FLAG, AT(debug), "print every step and command", 0},
	{0, "no-initrd", NULL, OPTION_IGNORED, 0, NULL, 0},
	{0, "no-clean-kernel", NULL, OPTION_IGNORED, 0, NULL, 0},
	{0, "no-prepare-kernel", NULL, OPTION_IGNORED, 0, NULL, 0},
	{'V', "version", NULL, OPTION_FLAG, AT(show_version), "print the version", 0},
	{'h', "help", NULL, OPTION_FLAG, AT(show_help), "print this help", 0},
	{0},
};

bool option_applies(const struct option_row *row, const struct command_row *command)
{
	return !row->commands || row->commands & command->flags;
}

/* Sets the name, and the version if there is one, from "NAME/VERSION" or "NAME". */
static void set_module(struct arguments *args, const char *text)
{
	const char *slash = strchr(text, '/');

	free(args->name);
	args->name = slash ? xstrndup(text, (size_t)(slash - text)) : xstrdup(text);
	if (slash && slash[1])
		str_replace(&args->version, slash + 1);
}

/* Adds a kernel, and its architecture if there is one, from "RELEASE/ARCH" or "RELEASE". */
static int add_kernel(struct arguments *args, const char *text, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	size_t len = strlen(copy);
	char *slash;

	/* The name of a directory that a shell has completed ends in a slash. */
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	if (*copy == '/' && copy[1]) {
		error_set(err, -EINVAL, 2, "-k takes the release of a kernel, not a path: %s", text);
		error_remedy(err, "-k %s", path_base(copy));
		return -EINVAL;
	}
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	strv_push(&args->kernels, copy);
	if (slash)
		strv_push(&args->archs, slash + 1);
	return 0;
}

/* Parses text as a decimal number of at most max. Returns false if it is anything else. */
static bool parse_number(const char *text, unsigned long max, unsigned int *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n > max)
		return false;
	*ret = (unsigned int)n;
	return true;
}

static int set_slots(struct arguments *args, const char *text, struct error *err)
{
	if (!parse_number(text, USHRT_MAX, &args->settings.limits.slots))
		return error_set(err, -EINVAL, 2, "-j takes a number, not '%s'", text);
	args->ignores_make_slots = args->settings.limits.slots_exact = true;
	return 0;
}

static int set_timeout(struct arguments *args, const char *text, struct error *err)
{
	if (!parse_number(text, INT_MAX, &args->settings.limits.timeout_s))
		return error_set(err, -EINVAL, 2,
			"--timeout takes a number of seconds, not '%s'", text);
	return 0;
}

static int set_sandbox(struct arguments *args, const char *text, struct error *err)
{
	args->settings.sandbox.mode_given = true;
	if (settings_parse_sandbox(text, &args->settings.sandbox.mode))
		return 0;
	return error_set(err, -EINVAL, 2, "--sandbox takes auto, require or off, not '%s'", text);
}

static int set_special(struct arguments *args, const struct option_row *row, const char *text,
	struct error *err)
{
	if (row->name && streq(row->name, "timeout"))
		return set_timeout(args, text, err);
	if (row->name && streq(row->name, "max-memory"))
		return settings_parse_size(text, &args->settings.limits.max_memory_bytes)
			       ? 0
			       : error_set(err, -EINVAL, 2,
					 "--max-memory takes a size such as 2G, not '%s'", text);
	switch (row->letter) {
	case 'm':
		set_module(args, text);
		args->module_option = true;
		return 0;
	case 'k':
		return add_kernel(args, text, err);
	case 'j':
		return set_slots(args, text, err);
	default:
		return set_sandbox(args, text, err);
	}
}

static int set_option(struct arguments *args, const struct option_row *row, const char *text,
	struct error *err)
{
	void *field = (char *)args + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		str_replace(field, text);
		break;
	case OPTION_LIST:
		strv_push(field, text);
		break;
	case OPTION_SPECIAL:
		return set_special(args, row, text, err);
	case OPTION_IGNORED:
		strv_pushf(&args->ignored, "--%s", row->name);
		break;
	}
	return 0;
}

static const struct command_row *find_command(const char *name)
{
	for (const struct command_row *c = commands; c->name; c++)
		if (streq(c->name, name))
			return c;
	return NULL;
}

/* Returns true if word can only be a path, and neither NAME nor NAME/VERSION. */
static bool is_path(const char *word)
{
	const char *slash = strchr(word, '/');

	return *word == '/' || *word == '.' || (slash && strchr(slash + 1, '/'));
}

static bool takes_archive(const struct arguments *args)
{
	return args->command && args->command->flags & COMMAND_TAKES_ARCHIVE;
}

/* Takes word as the command or the subcommand, if it is one; ignores it otherwise. The
 * command may stand anywhere on the line, and the meaning of the other words depends on
 * it, so all words are tried here before any is taken as an operand. */
static int set_command(struct arguments *args, const char *word, struct error *err)
{
	const struct command_row *command = find_command(word);

	if (args->command && args->command->flags & COMMAND_HAS_PARTS && !args->subcommand) {
		args->subcommand = xstrdup(word);
		return 0;
	}
	if (command && args->command && command != args->command)
		return error_set(err, -EINVAL, 4, "two commands: %s and %s",
			args->command->name, command->name);
	if (command)
		args->command = command;
	return 0;
}

bool remote_names_module(const char *part)
{
	return streq(part, "push") || streq(part, "pull") || streq(part, "why");
}

/* Whether the operand of dkms remote is a file, or the name of a key, and no module. */
static bool names_file(const struct arguments *args)
{
	return args->command->flags & COMMAND_REMOTE && args->subcommand &&
	       !remote_names_module(args->subcommand);
}

/* Takes a word that is neither option nor command: the path of a dkms.conf, a directory
 * with a dkms.conf, an archive, or else NAME or NAME/VERSION, tried in this order. Returns 0,
 * or a negative errno if the word can only be a path and there is no dkms.conf. */
static int set_operand(struct arguments *args, const char *word, struct error *err)
{
	_cleanup_free_ char *conf = path_join(word, "dkms.conf");

	if (args->command && (args->command->flags & COMMAND_ARCHIVE_ONLY || names_file(args))) {
		str_replace(&args->archive, word);
	} else if (has_suffix(word, "dkms.conf") && path_is_file(word)) {
		free(args->directory);
		args->directory = path_parent(word);
		if (!*args->directory)
			str_replace(&args->directory, ".");
	} else if (path_is_file(conf)) {
		str_replace(&args->directory, word);
	} else if (path_is_file(word) && (takes_archive(args) || is_path(word))) {
		str_replace(&args->archive, word);
	} else if (is_path(word)) {
		return error_set(err, -ENOENT, *word == '/' ? 1 : 2,
			"there is no dkms.conf in %s", word);
	} else {
		set_module(args, word);
	}
	return 0;
}

/* What getopt_long() returns for the long option in row 0 of the table; the next rows follow.
 * Short options are letters, which are at most UCHAR_MAX, so the two cannot collide. */
#define LONG_BASE (UCHAR_MAX + 1)

/* The row for a value that getopt_long() returned, or NULL. */
static const struct option_row *find_row(int value)
{
	if (value >= LONG_BASE)
		return &options[value - LONG_BASE];
	for (const struct option_row *row = options; row->letter || row->name; row++)
		if (row->letter == value)
			return row;
	return NULL;
}

/* Sets the error for an option that getopt_long() has refused: value is ':' or '?'. */
static int fail_option(int value, char **argv, struct error *err)
{
	const struct option_row *row = optopt ? find_row(optopt) : NULL;
	_cleanup_free_ char *name = NULL;

	if (optopt && row && row->name && optopt >= LONG_BASE)
		name = xasprintf("--%s", row->name);
	else if (optopt > ' ' && optopt < 127) /* one of several letters, perhaps */
		name = xasprintf("-%c", optopt);
	else
		name = xstrdup(argv[optind - 1]);
	if (value == ':')
		return error_set(err, -EINVAL, 2, "%s needs an argument", name);
	if (row)
		return error_set(err, -EINVAL, 2, "%s takes no argument", name);
	return error_set(err, -EINVAL, 2, "unknown option %s", name);
}

/* With POSIXLY_CORRECT, getopt_long() would stop at the first word that is no option, which
 * is the command. */
static void allow_options_anywhere(void)
{
	unsetenv("POSIXLY_CORRECT");
	optind = 0;
}

/* Returns the command line with the name of the program as "dkms"; the caller frees. */
static char *join_words(int argc, char **argv)
{
	_cleanup_(str_done) struct str line = {0};

	str_add(&line, "dkms");
	for (int i = 1; i < argc; i++)
		str_addf(&line, " %s", argv[i]);
	return TAKE_PTR(line.data);
}

int options_parse(struct arguments *args, int argc, char **argv, struct error *err)
{
	struct option longs[ARRAY_SIZE(options)] = {0};
	_cleanup_(str_done) struct str letters = {0};
	size_t n = 0;
	const char *subcommand = NULL; /* the word that was taken as the subcommand */
	const char *operand = NULL;
	int value, r = 0;

	args->line = join_words(argc, argv);
	str_add(&letters, ":");
	for (size_t i = 0; i < ARRAY_SIZE(options) - 1; i++) {
		const struct option_row *row = &options[i];
		int has_arg = row->argument ? required_argument : no_argument;

		if (row->letter)
			str_addf(&letters, "%c%s", row->letter, row->argument ? ":" : "");
		if (row->name)
			longs[n++] = (struct option){
				row->name, has_arg, NULL, LONG_BASE + (int)i};
	}
	/* getopt_long() also accepts abbreviated options, which does no harm. */
	allow_options_anywhere();
	while (r == 0 && (value = getopt_long(argc, argv, letters.data, longs, NULL)) != -1) {
		const struct option_row *row = find_row(value);

		if (value == ':' || value == '?' || !row)
			return fail_option(value, argv, err);
		r = set_option(args, row, optarg, err);
	}
	for (int i = optind; i < argc && r == 0; i++) {
		bool had_subcommand = args->subcommand;

		r = set_command(args, argv[i], err);
		if (!had_subcommand && args->subcommand)
			subcommand = argv[i];
	}
	for (int i = optind; i < argc && r == 0; i++) {
		if (find_command(argv[i]) || argv[i] == subcommand)
			continue;
		if (args->command && args->command->flags & COMMAND_MERGES) {
			strv_push(&args->files, argv[i]);
			continue;
		}
		/* Acting on one of two modules and silently ignoring the other would be worse. */
		if (args->command && operand && !streq(operand, argv[i]))
			return error_set(err, -EINVAL, 2, "%s takes one module: %s or %s",
				args->command->name, operand, argv[i]);
		if (!args->command && !operand)
			args->unknown = xstrdup(argv[i]);
		operand = argv[i];
		r = set_operand(args, operand, err);
	}
	if (r == 0 && args->source_only && args->binaries_only)
		r = error_set(err, -EINVAL, 8,
			"--source-only and --binaries-only cannot be combined");
	return r;
}
