/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a report of a bug need, and what must not be in it? Only what is listed here gets into
 * the archive: no file of /etc/dkms, which may name a PIN, no key, and nothing of the
 * environment. */
#include "config.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/guard.h"
#include "builder/archive/texts.h"
#include "builder/build/logged-builds.h"
#include "builder/host/kernel.h"
#include "cli/doctor-report.h"
#include "cli/passwords.h"
#include "cli/print.h"
#include "cli/status.h"

/* So much of the end of a log, and of a dkms.conf, is taken (bytes). */
#define TEXT_MAX (1024 * 1024)

/* The line of a log that repeats what a user has exported; see buildlog_add_environment(). */
#define ENVIRONMENT "# environment: "

struct contents {
	struct strv names, texts;
};

/* Returns the text without passwords, and without the lines that tell variables of the
 * environment. The caller frees. */
static char *without_secrets(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct str s = {0};
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (has_prefix(line, ENVIRONMENT))
			continue;
		passwords_leave_out(&s, line);
		if (rest)
			str_add(&s, "\n");
	}
	return str_take(&s);
}

/* Adds a file, without secrets in its text; takes the name. */
static void add(struct contents *c, char *name, const char *text)
{
	strv_take(&c->names, name);
	strv_take(&c->texts, without_secrets(text));
}

static void add_file(struct contents *c, char *name, const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	struct read_guard guard;
	struct stat st;
	/* The source may be another user's, and a dkms.conf there a link to a file of root's. */
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);

	/* This fails for a smaller file, which is read from its beginning. */
	if (fd >= 0)
		(void)lseek(fd, -(off_t)TEXT_MAX, SEEK_END);
	if (fd < 0 || file_read_fd(fd, TEXT_MAX, &text) < 0 || !text.data) {
		free(name);
		return;
	}
	add(c, name, text.data);
}

static void add_machine(const struct settings *s, struct contents *c)
{
	_cleanup_(strv_done) struct strv kernels = {0};
	_cleanup_free_ char *all = NULL;
	struct utsname u;
	_cleanup_(str_done) struct str text = {0};

	str_addf(&text, "dkms %s\n", PACKAGE_VERSION);
	if (uname(&u) == 0)
		str_addf(&text, "%s %s %s %s\n", u.sysname, u.release, u.version, u.machine);
	str_addf(&text, "dkms tree %s, sources %s, kernels %s\n", s->trees.dkms, s->trees.source,
		s->trees.install);
	kernel_list_with_headers(s, &kernels);
	all = strv_join(&kernels, " ");
	str_addf(&text, "kernels with headers: %s\n", all);
	add(c, xstrdup("machine"), text.data);
	add_file(c, xstrdup("os-release"), s->os_release);
}

static void add_status(const struct settings *s, struct contents *c)
{
	char *text = NULL, *errors = NULL;
	size_t n, n_errors;
	FILE *out = open_memstream(&text, &n), *err = open_memstream(&errors, &n_errors);

	if (out && err)
		status_print(s, NULL, STATUS_JSON, out, err);
	if (out)
		fclose(out);
	if (err)
		fclose(err);
	free(errors);
	if (text)
		add(c, xstrdup("status.json"), text);
	free(text);
}

static void add_history(const struct settings *s, struct contents *c)
{
	const char *path = settings_history_path(s);

	if (path)
		add_file(c, xstrdup("history.jsonl"), path);
}

static void add_confs(const struct settings *s, struct contents *c)
{
	_cleanup_(strv_done) struct strv names = {0};

	tree_list_modules(s->trees.dkms, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(strv_done) struct strv versions = {0};

		tree_list_versions(s->trees.dkms, names.items[i], &versions);
		for (size_t v = 0; v < versions.n; v++) {
			_cleanup_free_ char *dir = tree_version_dir(
				s->trees.dkms, names.items[i], versions.items[v]);
			_cleanup_free_ char *path = path_join(dir, "source/dkms.conf");

			add_file(c, xasprintf("conf/%s-%s", names.items[i], versions.items[v]),
				path);
		}
	}
}

static void add_logs(const struct logged_builds *builds, const char *dir, struct contents *c)
{
	for (size_t i = 0; i < builds->n; i++) {
		const struct logged_build *b = &builds->items[i];

		add_file(c,
			xasprintf("%s/%s-%s-%s-%s.log", dir, b->name, b->version, b->release,
				b->arch),
			b->log);
	}
}

int doctor_report_write(const struct settings *s, const char *path, const char *document,
	struct error *err)
{
	struct logged_builds failed = {0}, built = {0};
	struct contents c = {0};
	int r = logged_builds_list_failed(s, NULL, &failed, err);

	if (r == 0)
		r = logged_builds_list_built(s, NULL, &built, err);
	add(&c, xstrdup("doctor.json"), document);
	add_machine(s, &c);
	add_status(s, &c);
	add_history(s, &c);
	add_confs(s, &c);
	add_logs(&failed, "failed", &c);
	add_logs(&built, "built", &c);
	if (r == 0)
		r = texts_write(path, &c.names, &c.texts, err);
	strv_done(&c.names);
	strv_done(&c.texts);
	logged_builds_done(&failed);
	logged_builds_done(&built);
	return r;
}
