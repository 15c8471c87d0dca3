/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a dkms.conf that writes beside itself see? A copy of its directory. */
#include "config.h"

#include "base/file.h"
#include "base/guard.h"
#include "builder/steps/conf-copy.h"

#define ORIGINAL "/run/dkms-source" /* where the sandbox has the directory itself */
#define CONF_BYTES_MAX (1024 * 1024)

/* Whether the line writes to a file, as far as its words tell. */
static bool writes(const char *line)
{
	static const char *const commands[] = {"cp ", "install ", "ln ", "mkdir ", "mktemp",
		"mv ", "rm ", "sed -i", "tee ", "touch "};

	for (const char *at = line; (at = strchr(at, '>'));) {
		at += strspn(at, ">|");
		if (*at != '&' && !has_prefix(at + strspn(at, " \t"), "/dev/null"))
			return true;
	}
	return text_has_any(line, commands, ARRAY_SIZE(commands));
}

bool conf_copy_is_expected(const char *path)
{
	static const char *const hides[] = {"2>", "&>", ">&"}, *const asks[] = {"-w "};
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

	if (file_read(path, CONF_BYTES_MAX, &text, NULL) < 0)
		return false;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (line[strspn(line, " \t")] == '#')
			continue;
		if (text_has_any(line, asks, ARRAY_SIZE(asks)) ||
			(text_has_any(line, hides, ARRAY_SIZE(hides)) && writes(line)))
			return true;
	}
	return false;
}

bool conf_copy_is_needed(const struct outcome *outcome)
{
	/* The second one comes from ">>" and a file that exists. */
	static const char *const messages[] = {
		"Read-only file system", "Permission denied"};

	return outcome->err.data &&
	       text_has_any(outcome->err.data, messages, ARRAY_SIZE(messages));
}

static bool has_secret(const struct sandbox *box, const char *dir)
{
	for (size_t i = 0; i < box->secret_files.n; i++) {
		_cleanup_free_ char *real = realpath(box->secret_files.items[i], NULL);

		if (real && path_is_in(real, dir))
			return true;
	}
	return false;
}

/* Makes dir an empty directory that everybody may write to. */
static void empty_dir(struct sandbox *box, const char *dir)
{
	strv_push_all(&box->bwrap_options,
		(const char *const[]){"--perms", "0777", "--tmpfs", dir, NULL});
}

/* If the directory of the dkms.conf is the link "source" of the dkms tree, there may be
 * files beside this link, too. */
static void empty_version_dir(struct sandbox *box, const char *dir)
{
	_cleanup_free_ char *target = NULL, *parent = path_parent(dir);
	_cleanup_free_ char *real = realpath(parent, NULL), *link = NULL;

	if (!streq(path_base(dir), "source") || !real || link_read(dir, &target) < 0)
		return;
	link = path_join(real, "source");
	empty_dir(box, real);
	strv_push_all(&box->bwrap_options,
		(const char *const[]){"--symlink", target, link, NULL});
}

void conf_copy_show(const char *path, struct command *cmd, struct sandbox *box)
{
	static const char script[] = "cp -RPp \"$0/.\" \"$1\" 2>/dev/null; "
				     "chmod u+w \"$1\" 2>/dev/null; "
				     "shift; exec \"$@\"";
	_cleanup_free_ char *dir = path_parent(path), *real = NULL;
	struct read_guard guard = {0};
	_cleanup_close_ int fd = guard_resolve(dir, &guard, &real);
	struct strv argv = {0};
	bool is_shown = false;

	for (size_t i = 0; i < box->readable_paths.n; i++)
		is_shown = is_shown || streq(box->readable_paths.items[i], dir);
	if (box->kind == SANDBOX_KIND_NONE || fd < 0 || has_secret(box, real))
		return;
	empty_version_dir(box, dir);
	if (is_shown)
		strv_push_all(&box->bwrap_options,
			(const char *const[]){"--ro-bind", real, ORIGINAL, NULL});
	empty_dir(box, real);
	/* A dkms.conf that was handed over as a text is there instead. */
	for (size_t i = 1; !is_shown && i < box->data_files.n; i += 2)
		if (path_is_below(box->data_files.items[i], real)) {
			free(box->data_files.items[i]);
			box->data_files.items[i] = xstrdup(ORIGINAL "/dkms.conf");
		}
	strv_push_all(&argv, (const char *const[]){"sh", "-c", script, ORIGINAL, real, NULL});
	strv_extend(&argv, &cmd->argv);
	strv_done(&cmd->argv);
	cmd->argv = argv;
}
