/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the administrator say of how dkms treats a package? */
#include "config.h"

#include <ctype.h>

#include "base/file.h"
#include "builder/conf/environment.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/policy.h"
#include "builder/conf/problems.h"

/* A file of more bytes, larger than any real one, is evaluated without looking into it. */
#define FILE_MAX (1024 * 1024)

static const char *const names[] = {
	"debug_info",
	"on_failure",
	"sandbox",
	"sandbox_network",
	"sandbox_paths",
	"sandbox_write",
	NULL,
};

void policy_done(struct policy *policy)
{
	free(policy->sandbox.paths);
	free(policy->sandbox.write);
	*policy = (struct policy){0};
}

bool policy_is_possible(const struct settings *s)
{
	_cleanup_(strv_done) struct strv files = {0};

	if (dir_list(s->config_dir, &files) < 0)
		return false;
	for (size_t i = 0; i < files.n; i++)
		if (has_suffix(files.items[i], ".conf") &&
			!streq(files.items[i], "framework.conf"))
			return true;
	return false;
}

/* Returns whether a text has that word, with a blank, a quote or a backslash after it. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		unsigned char before = at > text ? (unsigned char)at[-1] : '\n';

		if (!isalnum(before) && !strchr("_./-", before) && at[len] &&
			strchr(" \t\"'\\", at[len]))
			return true;
	}
	return false;
}

/* Returns whether a file may set one of the names: it mentions one, or it may read another file
 * or evaluate a text, which may. Returns true if that cannot be known, so that bash reports the reason. */
static bool may_set_policy(const char *path)
{
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return true;
	if (!text.len)
		return false;
	for (size_t i = 0; names[i]; i++)
		if (strstr(text.data, names[i]))
			return true;
	return strlen(text.data) != text.len || has_word(text.data, ".") ||
	       has_word(text.data, "source") || has_word(text.data, "eval");
}

int policy_fill_command(const struct conf_request *request, const struct policy *policy,
	struct command *cmd)
{
	_cleanup_(strv_done) struct strv all = {0}, files = {0};
	const struct strv none = {0};
	bool needed = false;

	conf_list_overrides(request, &all);
	for (size_t i = 0; i < all.n && (i == 0 || policy->own_known); i++) {
		strv_push(&files, all.items[i]);
		/* The first one is NAME.conf. */
		if (i == 0 ? !policy->own_known : !needed)
			needed = path_look(all.items[i]) != 0 &&
				 may_set_policy(all.items[i]);
	}
	if (!needed)
		return 0;
	environment_add_permitted(&cmd->env, request->settings->sandbox.environment);
	conf_set_environment(request, &cmd->env);
	evaluate_fill_command(names, &files, &none, cmd);
	free(cmd->cwd);
	cmd->cwd = xstrdup("/");
	return 1;
}

/* Returns the value of a list of absolute paths, or NULL; the caller frees. */
static char *read_paths(
	const struct evaluation *e, const char *name, struct problems *problems)
{
	const char *value = evaluation_value(e, name, 0);
	_cleanup_(strv_done) struct strv paths = {0};

	strv_split(&paths, value ? value : "");
	for (size_t i = 0; i < paths.n; i++) {
		_cleanup_free_ char *clean = path_without_dots(paths.items[i]);

		if (*paths.items[i] != '/' || !clean || streq(clean, "/") || !*clean)
			problems_add(problems,
				"%s has \"%s\", but must have absolute paths below /", name,
				paths.items[i]);
		else
			str_replace(&paths.items[i], clean);
	}
	return paths.n ? strv_join(&paths, " ") : NULL;
}

static void read_sandbox(
	const struct evaluation *e, struct policy *policy, struct problems *problems)
{
	const char *mode = evaluation_value(e, "sandbox", 0);
	const char *network = evaluation_value(e, "sandbox_network", 0);

	policy->sandbox.mode_set = mode != NULL;
	if (mode && !settings_parse_sandbox(mode, &policy->sandbox.mode))
		problems_add(problems,
			"sandbox is \"%s\", but must be auto, require or off", mode);
	policy->sandbox.network_set = network != NULL;
	policy->sandbox.network = network && streq(network, "yes");
	if (network && !streq(network, "yes") && !streq(network, "no"))
		problems_add(problems, "sandbox_network is \"%s\", but must be yes or no",
			network);
	policy->sandbox.paths = read_paths(e, "sandbox_paths", problems);
	policy->sandbox.write = read_paths(e, "sandbox_write", problems);
}

/* Whether a mode confines at least as much as another one. */
static bool is_as_strict(enum sandbox_mode a, enum sandbox_mode b)
{
	return a == b || a == SANDBOX_REQUIRE || b == SANDBOX_OFF;
}

static bool is_same_text(const char *a, const char *b)
{
	return streq(a ? a : "", b ? b : "");
}

void policy_add(struct policy *policy, struct policy *all, const struct conf_request *request,
	struct strv *warnings)
{
	const enum sandbox_mode mode = policy->sandbox.mode_set
					       ? policy->sandbox.mode
					       : request->settings->sandbox.mode;
	_cleanup_(strv_done) struct strv ignored = {0};
	_cleanup_free_ char *list = NULL;

	policy->on_failure = all->on_failure;
	policy->debug_info = all->debug_info;
	if (all->sandbox.mode_set && is_as_strict(all->sandbox.mode, mode)) {
		policy->sandbox.mode_set = true;
		policy->sandbox.mode = all->sandbox.mode;
	} else if (all->sandbox.mode_set) {
		strv_push(&ignored, "sandbox");
	}
	if (all->sandbox.network_set && !all->sandbox.network) {
		policy->sandbox.network_set = true;
		policy->sandbox.network = false;
	} else if (all->sandbox.network && !policy->sandbox.network) {
		strv_push(&ignored, "sandbox_network");
	}
	if (!is_same_text(all->sandbox.paths, policy->sandbox.paths))
		strv_push(&ignored, "sandbox_paths");
	if (!is_same_text(all->sandbox.write, policy->sandbox.write))
		strv_push(&ignored, "sandbox_write");
	list = strv_join(&ignored, " and ");
	if (ignored.n)
		strv_pushf(warnings,
			"what %s/%s-*.conf permits with %s does not count, since the name of the "
			"file can be another package's; set it in %s/%s.conf, "
			"if [ \"$module_version\" = %s ]",
			request->settings->config_dir, request->name, list,
			request->settings->config_dir, request->name, request->version);
}

int policy_parse(const struct command *cmd, const struct outcome *outcome,
	struct policy *ret, struct error *err)
{
	_cleanup_free_ char *subject = NULL;
	struct problems problems = {0};
	struct evaluation e = {0};
	struct policy policy = {0};
	const char *value;
	int r = evaluate_parse_report(cmd, outcome, &e, err);

	if (r < 0)
		return r;
	problems.subject = subject = evaluation_file_names(&e);
	value = evaluation_value(&e, "on_failure", 0);
	if (value && !settings_parse_on_failure(value, &policy.on_failure))
		problems_add(&problems, "on_failure is \"%s\", but must be fail or warn", value);
	value = evaluation_value(&e, "debug_info", 0);
	if (value && !settings_parse_debug_info(value, &policy.debug_info))
		problems_add(&problems, "debug_info is \"%s\", but must be auto or keep", value);
	read_sandbox(&e, &policy, &problems);
	r = problems_to_error(&problems, 8, err);
	problems_done(&problems);
	evaluation_done(&e);
	if (r == 0)
		*ret = policy;
	else
		policy_done(&policy);
	return r;
}
