/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may the user type next? Serves the completion of shells. The tables of options and of
 * commands decide: the name of an argument there ("KVER", "DIR") says what may stand for it. */
#include "config.h"

#include "base/file.h"
#include "builder/host/kernel.h"
#include "builder/host/skip-list.h"
#include "builder/tree/tree.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/options.h"
#include "cli/sources.h"

struct completion {
	const struct arguments *args;
	const char *typed;   /* the beginning of the word to complete, perhaps "" */
	const char *prefix;  /* printed before each word: "--dkmstree=", or "" */
	struct strv offered; /* the words printed so far, to print each only once */
	FILE *out;
};

/* Prints word if it begins with what was typed. Directories in the trees may have any name,
 * but a word that means something to a shell or to a terminal is not offered. */
static void offer(struct completion *c, const char *word, const char *description)
{
	if (!has_prefix(word, c->typed) || strv_contains(&c->offered, word) ||
		!text_is_plain(word))
		return;
	strv_push(&c->offered, word);
	fprintf(c->out, "%s%s\t%s\n", c->prefix, word, description);
}

static bool is_command(const struct completion *c, const char *name)
{
	return c->args->command && streq(c->args->command->name, name);
}

/* Modules */

/* The least state in which the command can do anything with a module version. */
static enum tree_state least_state(const struct completion *c)
{
	if (is_command(c, "uninstall"))
		return STATE_INSTALLED;
	if (is_command(c, "remove"))
		return STATE_LEFTOVER;
	return is_command(c, "unbuild") || is_command(c, "sign") ? STATE_BUILT : STATE_BROKEN;
}

/* Reads the entries of the dkms tree that match the kernel and, unless any_module, the module
 * on the command line. Sets the state of entries that the command cannot use to
 * STATE_UNKNOWN. An unreadable tree yields no entries. */
static void read_tree(const struct completion *c, bool any_module, struct tree_list *ret)
{
	const struct arguments *args = c->args;
	enum tree_state least = least_state(c);
	struct tree_filter filter = {
		.name = any_module ? NULL : args->name,
		.version = any_module ? NULL : args->version,
		.release = least > STATE_ADDED && args->kernels.n ? args->kernels.items[0] : NULL,
	};

	*ret = (struct tree_list){0};
	tree_read(args->settings.trees.dkms, args->settings.trees.source, &filter, ret,
		NULL);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->entries[i].state < least)
			ret->entries[i].state = STATE_UNKNOWN;
}

static void offer_sources(struct completion *c)
{
	const struct settings *settings = &c->args->settings;
	_cleanup_(strv_done) struct strv sources = {0};

	sources_list(c->args->settings.trees.source, &sources);
	for (size_t i = 0; i < sources.n; i++) {
		const char *slash = strchr(sources.items[i], '/');
		_cleanup_free_ char *name =
			xstrndup(sources.items[i], (size_t)(slash - sources.items[i]));

		/* "dkms add" fails for a module that is already added. */
		if (!is_command(c, "add") ||
			tree_version_state(settings->trees.dkms, settings->trees.source,
				name, slash + 1) != STATE_ADDED)
			offer(c, sources.items[i], "source");
	}
}

/* Offers the modules that dkms skip keeps off kernels or, if kernels is set, the kernels that the
 * given module, or any, is kept off. */
static void offer_skipped(struct completion *c, bool kernels)
{
	struct skip_list list;

	skip_list_read(&c->args->settings, &list, NULL);
	for (size_t i = 0; i < list.n; i++) {
		const struct skip_record *r = &list.items[i];
		_cleanup_free_ char *word = xasprintf("%s%s%s", r->name, r->version ? "/" : "",
			r->version ? r->version : "");

		if (!kernels)
			offer(c, word, "skipped");
		else if (r->release && (!c->args->name || streq(c->args->name, r->name)))
			offer(c, r->release, "skipped");
	}
	skip_list_done(&list);
}

static void offer_modules(struct completion *c)
{
	struct tree_list list;

	if (is_command(c, "unskip")) {
		offer_skipped(c, false);
		return;
	}
	read_tree(c, true, &list);
	for (size_t i = 0; i < list.n && !is_command(c, "add"); i++) {
		const struct tree_entry *e = &list.entries[i];
		_cleanup_free_ char *word = xasprintf("%s/%s", e->name, e->version);

		if (is_command(c, "skip"))
			offer(c, e->name, "all versions");
		if (e->state != STATE_UNKNOWN)
			offer(c, word, e->release ? "" : tree_state_name(e->state));
	}
	tree_list_done(&list);
	if (command_takes_source(c->args->command))
		offer_sources(c);
}

static void offer_versions(struct completion *c)
{
	_cleanup_(strv_done) struct strv sources = {0};
	const char *name = c->args->name;
	struct tree_list list;

	if (!name)
		return;
	read_tree(c, false, &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.entries[i].state != STATE_UNKNOWN)
			offer(c, list.entries[i].version, "");
	tree_list_done(&list);
	if (command_takes_source(c->args->command))
		sources_list(c->args->settings.trees.source, &sources);
	for (size_t i = 0; i < sources.n; i++)
		if (has_prefix(sources.items[i], name) && sources.items[i][strlen(name)] == '/')
			offer(c, sources.items[i] + strlen(name) + 1, "source");
}

/* Kernels */

/* Offers the kernels that the given module, or any module, is built for. */
static void offer_built_kernels(struct completion *c)
{
	struct tree_list list;

	read_tree(c, false, &list);
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->release && e->state != STATE_UNKNOWN)
			offer(c, e->release, tree_state_name(e->state));
	}
	tree_list_done(&list);
}

/* Offers kernels: those that have modules for the commands that act on what is built and for
 * --templatekernel (is_template), for the others those that have headers. */
static void offer_kernels(struct completion *c, bool is_template)
{
	_cleanup_(strv_done) struct strv releases = {0};
	static const char *const on_built[] = {"uninstall", "unbuild", "remove", "status",
		"sign", "mktarball", "mkdeb", "mkrpm", "provenance", "log", "why", "history",
		"kernel_prerm"};
	bool built = is_template;

	if (is_command(c, "unskip")) {
		offer_skipped(c, true);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(on_built); i++)
		built |= is_command(c, on_built[i]);
	if (built) {
		offer_built_kernels(c);
		return;
	}
	kernel_list_with_headers(&c->args->settings, &releases);
	for (size_t i = 0; i < releases.n; i++)
		offer(c, releases.items[i], "");
}

/* Arguments of options and operands of commands, by their names in the tables */

static void offer_arguments(struct completion *c, const struct option_row *row)
{
	const char *what = row->argument;

	if (streq(what, "NAME[/VERSION]"))
		offer_modules(c);
	else if (streq(what, "VERSION"))
		offer_versions(c);
	else if (has_prefix(what, "KVER"))
		offer_kernels(c, streq(what, "KVER"));
	else if (streq(what, "DIR"))
		fputs(":directories\n", c->out);
	else if (streq(what, "FILE"))
		fputs(":files\n", c->out);
	else if (streq(what, "ARCH")) {
		_cleanup_free_ char *arch = kernel_running_arch();

		offer(c, arch, "this machine");
	} else if (streq(what, "MODE")) {
		offer(c, "auto", "use a sandbox where the system permits it");
		offer(c, "require", "do not build without a sandbox");
		offer(c, "off", "build without a sandbox");
	}
}

static void offer_commands(struct completion *c)
{
	for (const struct command_row *row = commands; row->name; row++)
		offer(c, row->name, row->help);
}

/* Whether the operand is the file that dkms remote signs or verifies. */
static bool names_signed_file(const struct arguments *args)
{
	return args->command->flags & COMMAND_REMOTE &&
	       (streq(args->subcommand, "sign") || streq(args->subcommand, "verify"));
}

static void offer_operands(struct completion *c)
{
	const struct command_row *command = c->args->command;

	if (is_command(c, "help")) {
		if (!c->args->subcommand)
			offer_commands(c);
		return;
	}
	if (command->flags & COMMAND_HAS_PARTS && !c->args->subcommand) {
		_cleanup_(strv_done) struct strv parts = {0};

		strv_split(&parts, command->operands);
		for (size_t i = 0; i < parts.n; i++)
			if (!streq(parts.items[i], "|"))
				offer(c, parts.items[i], "");
		return;
	}
	if (command->flags & COMMAND_TAKES_ARCHIVE || names_signed_file(c->args))
		fputs(":files\n", c->out);
	if (strstr(command->operands, "NAME") || is_command(c, "cache") ||
		(is_command(c, "remote") && remote_names_module(c->args->subcommand)))
		offer_modules(c);
}

static void offer_options(struct completion *c)
{
	for (const struct option_row *row = options; row->letter || row->name; row++) {
		char letter[] = {'-', row->letter, '\0'};
		_cleanup_free_ char *name = row->name ? xasprintf("--%s", row->name) : NULL;

		if (!row->help || (c->args->command && !option_applies(row, c->args->command)))
			continue;
		if (row->name)
			offer(c, name, row->help);
		if (row->letter && (streq(c->typed, letter) || (!row->name && !c->typed[1])))
			offer(c, letter, row->help);
	}
}

/* Returns the option that word is if it takes its argument from the next word, else NULL. */
static const struct option_row *find_option_with_argument(const char *word)
{
	for (const struct option_row *row = options; row->letter || row->name; row++) {
		if (!row->argument)
			continue;
		if (row->name && has_prefix(word, "--") && streq(word + 2, row->name))
			return row;
		if (row->letter && word[0] == '-' && word[1] == row->letter && !word[2])
			return row;
	}
	return NULL;
}

void complete_print(struct arguments *args, char **words, int n, FILE *out)
{
	const char *typed = words[n - 1];
	const char *equals = has_prefix(typed, "--") ? strchr(typed, '=') : NULL;
	_cleanup_free_ char *prefix =
		equals ? xstrndup(typed, (size_t)(equals + 1 - typed)) : NULL;
	_cleanup_free_ char *name = equals ? xstrndup(typed, (size_t)(equals - typed)) : NULL;
	struct completion c = {args, equals ? equals + 1 : typed, prefix ? prefix : "", {0}, out};
	const struct option_row *row = NULL;
	_cleanup_(strv_done) struct strv argv = {0};
	int before = n - 1;

	if (equals)
		row = find_option_with_argument(name);
	else if (before && (row = find_option_with_argument(words[before - 1])))
		before--;
	strv_push(&argv, "dkms");
	for (int i = 0; i < before; i++)
		strv_push(&argv, words[i]);
	/* Errors are ignored here; dkms reports them when the finished line is run. */
	options_parse(args, (int)argv.n, argv.items, NULL);
	settings_resolve(&args->settings);
	if (row)
		offer_arguments(&c, row);
	else if (equals)
		;
	else if (*typed == '-')
		offer_options(&c);
	else if (!args->command)
		offer_commands(&c);
	else
		offer_operands(&c);
	strv_done(&c.offered);
}
