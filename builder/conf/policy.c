/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the administrator say of how dkms treats a package? */
#include "config.h"

#include "base/file.h"
#include "builder/conf/environment.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/policy.h"
#include "builder/conf/problems.h"

/* A file of more bytes, larger than any real one, is evaluated without looking into it. */
#define FILE_MAX (1024 * 1024)

static const char *const names[] = {"on_failure", NULL};

/* Returns whether a file may set one of the names: it mentions one, or it reads another file,
 * which may. Returns true if that cannot be known, so that bash reports the reason. */
static bool may_set_policy(const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	const char *line;

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return true;
	if (!text.len)
		return false;
	for (size_t i = 0; names[i]; i++)
		if (strstr(text.data, names[i]))
			return true;
	line = text.data + strspn(text.data, " \t");
	return strlen(text.data) != text.len || strstr(text.data, "source ") ||
	       has_prefix(line, ". ") || strstr(text.data, "\n. ") ||
	       strstr(text.data, "; . ");
}

int policy_fill_command(const struct conf_request *request, struct command *cmd)
{
	_cleanup_(strv_done) struct strv files = {0};
	const struct strv none = {0};
	bool needed = false;

	conf_list_overrides(request, &files);
	for (size_t i = 0; i < files.n && !needed; i++)
		needed = path_look(files.items[i]) != 0 && may_set_policy(files.items[i]);
	if (!needed)
		return 0;
	environment_add_permitted(&cmd->env, request->settings->sandbox.environment);
	conf_set_environment(request, &cmd->env);
	evaluate_fill_command(names, &files, &none, cmd);
	free(cmd->cwd);
	cmd->cwd = xstrdup("/");
	return 1;
}

int policy_parse(const struct command *cmd, const struct outcome *outcome,
	struct policy *ret, struct error *err)
{
	_cleanup_free_ char *subject = NULL;
	struct problems problems = {0};
	struct evaluation e = {0};
	struct policy policy = {.known = true};
	const char *value;
	int r = evaluate_parse_report(cmd, outcome, &e, err);

	if (r < 0)
		return r;
	problems.subject = subject = evaluation_file_names(&e);
	value = evaluation_value(&e, "on_failure", 0);
	if (value && !settings_parse_on_failure(value, &policy.on_failure))
		problems_add(&problems, "on_failure is \"%s\", but must be fail or warn", value);
	r = problems_to_error(&problems, 8, err);
	problems_done(&problems);
	evaluation_done(&e);
	if (r == 0)
		*ret = policy;
	return r;
}
