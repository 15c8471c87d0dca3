/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do builds see in place of what names the machine and its kernel? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/build/build.h"
#include "builder/build/constants.h"
#include "builder/build/sysfs.h"
#include "builder/build/uname.sh.h"

#define NOBODY 65534 /* the user nobody, and its group */
/* Larger than the headers that are read here (bytes). */
#define HEADER_MAX 8192

/* The files in the job's directory constants/, and where the sandbox shows them. */
static const struct constant {
	const char *name, *place;
	bool without_network; /* the system's own is shown if the build has a network */
} constants[] = {
	{"passwd", "/etc/passwd", false},
	{"group", "/etc/group", false},
	{"nsswitch.conf", "/etc/nsswitch.conf", true},
	{"hosts", "/etc/hosts", true},
	{"proc-version", "/proc/version", false},
	{"osrelease", "/proc/sys/kernel/osrelease", false},
	{"version", "/proc/sys/kernel/version", false},
	{"hostname", "/proc/sys/kernel/hostname", false},
	{"domainname", "/proc/sys/kernel/domainname", false},
};

/* What the kernel says about itself. */
struct identity {
	char *version;              /* uname -v */
	char *by, *host, *compiler; /* who built it, and with what; NULL: not known */
};

static void identity_done(struct identity *id)
{
	free(id->version);
	free(id->by);
	free(id->host);
	free(id->compiler);
}

/* Sets *ret to the text that a line of the header file defines the macro as, unless it has a
 * value; the caller frees. Without such a line or file *ret stays NULL. */
static int read_macro(const struct kernel *k, const char *file, const char *macro, char **ret,
	struct error *err)
{
	_cleanup_free_ char *path =
		xasprintf("%s/include/generated/%s", k->headers, file);
	_cleanup_free_ char *start = xasprintf("#define %s", macro);
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r;

	if (*ret)
		return 0;
	r = file_read_optional(path, HEADER_MAX, &text, err);
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		size_t n = strlen(start);

		if (!has_prefix(line, start))
			continue;
		n += strspn(line + n, " \t");
		if (line[n] == '"' && strcspn(line + n + 1, "\\") == strlen(line + n + 1)) {
			*ret = xstrndup(line + n + 1, strcspn(line + n + 1, "\""));
			break;
		}
	}
	return r;
}

static int identity_read(const struct kernel *k, struct identity *ret, struct error *err)
{
	const struct {
		const char *file, *macro;
		char **ret;
	} wanted[] = {
		{"utsversion.h", "UTS_VERSION", &ret->version},
		{"compile.h", "UTS_VERSION", &ret->version},
		{"compile.h", "LINUX_COMPILE_BY", &ret->by},
		{"compile.h", "LINUX_COMPILE_HOST", &ret->host},
		{"compile.h", "LINUX_COMPILER", &ret->compiler},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		int r = read_macro(k, wanted[i].file, wanted[i].macro, wanted[i].ret, err);

		if (r < 0)
			return r;
	}
	if (!ret->version)
		ret->version = xstrdup("#1 SMP");
	return 0;
}

static void add_variable(struct str *s, const char *name, const char *value)
{
	str_addf(s, "%s=", name);
	str_add_quoted(s, value);
	str_add(s, "\n");
}

static char *make_uname(const struct kernel *k, const struct identity *id)
{
	struct str s = {0};

	str_add(&s, "#!/bin/sh\n");
	add_variable(&s, "sysname", "Linux");
	add_variable(&s, "release", k->release);
	add_variable(&s, "version", id->version);
	add_variable(&s, "machine", k->arch);
	str_add(&s, uname_sh);
	return str_take(&s);
}

/* Returns the text of /proc/version. */
static char *make_proc_version(const struct kernel *k, const struct identity *id)
{
	return xasprintf("Linux version %s (%s@%s) (%s) %s\n", k->release,
		id->by ? id->by : "dkms", id->host ? id->host : "localhost",
		id->compiler ? id->compiler : "gcc", id->version);
}

/* Returns the text of /etc/passwd, or of /etc/group, for a build that runs as that id. */
static char *make_users(const struct job *job, bool groups, unsigned int id)
{
	struct str s = {0};

	if (job->build->user.uid)
		id = job->build->user.uid;
	str_add(&s, groups ? "root:x:0:\n" : "root:x:0:0:root:/root:/bin/sh\n");
	if (id && id != NOBODY)
		str_addf(&s, groups ? "dkms:x:%u:\n" : "dkms:x:%u:%u::/tmp:/bin/sh\n", id,
			job->build->user.uid ? id : (unsigned int)getegid());
	str_addf(&s,
		groups ? "nogroup:x:%u:\n"
		       : "nobody:x:%u:%u:nobody:/nonexistent:/bin/sh\n",
		NOBODY, NOBODY);
	return str_take(&s);
}

/* Returns the text of the file; the caller frees. */
static char *make_constant(
	const struct job *job, const char *name, const struct identity *id)
{
	if (streq(name, "passwd"))
		return make_users(job, false, geteuid());
	if (streq(name, "group"))
		return make_users(job, true, getegid());
	if (streq(name, "nsswitch.conf"))
		return xstrdup("passwd: files\ngroup: files\nhosts: files\n");
	if (streq(name, "hosts"))
		return xstrdup("127.0.0.1 localhost\n::1 localhost\n");
	if (streq(name, "proc-version"))
		return make_proc_version(job->kernel, id);
	if (streq(name, "osrelease"))
		return xasprintf("%s\n", job->kernel->release);
	if (streq(name, "version"))
		return xasprintf("%s\n", id->version);
	return xstrdup(streq(name, "hostname") ? "localhost\n" : "(none)\n");
}

/* Takes text. The files need not survive a crash, so they are not synced. */
static int write_constant(const struct job *job, const char *name, mode_t mode,
	char *text, struct error *err)
{
	_cleanup_free_ char *content = text;
	_cleanup_free_ char *dir = build_job_path(job, "constants");
	_cleanup_free_ char *path = path_join(dir, name);
	_cleanup_close_ int fd = -1;
	int r = dir_make(dir, err);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	r = fd < 0 || fchmod(fd, mode) < 0 ? -errno
					   : write_all(fd, content, strlen(content));
	return r < 0 ? error_errno(err, r, 1, "cannot write %s", path) : 0;
}

int constants_write(struct job *job)
{
	_cleanup_(identity_done) struct identity id = {0};
	_cleanup_free_ char *sysfs = build_job_path(job, "constants/sys");
	struct error *err = &job->outcome.error;
	int r = identity_read(job->kernel, &id, err);

	if (r < 0)
		return r;
	r = write_constant(job, "uname", 0755, make_uname(job->kernel, &id), err);
	for (size_t i = 0; i < ARRAY_SIZE(constants) && r == 0; i++)
		r = write_constant(job, constants[i].name, 0644,
			make_constant(job, constants[i].name, &id), err);
	return r < 0 ? r : sysfs_copy(sysfs, err);
}

/* Shows our uname over the one at path, unless that is a program with other names, too.
 */
static void show_uname(const struct job *job, const char *path, struct sandbox *box)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	if (!real || !streq(path_base(real), "uname") ||
		strv_contains(&box->shown_files, real))
		return;
	strv_take(&box->shown_files, build_job_path(job, "constants/uname"));
	strv_push(&box->shown_files, real);
}

/* Whether the administrator shows builds something in /sys, which is then all they see. */
static bool has_sysfs(const struct sandbox *box)
{
	for (size_t i = 0; i < box->readable_paths.n; i++)
		if (path_is_in(box->readable_paths.items[i], "/sys"))
			return true;
	return false;
}

void constants_show(const struct job *job, struct sandbox *box)
{
	if (path_is_dir("/sys") && !has_sysfs(box)) {
		strv_take(&box->shown_files, build_job_path(job, "constants/sys"));
		strv_push(&box->shown_files, "/sys");
	}
	show_uname(job, "/usr/bin/uname", box);
	show_uname(job, "/bin/uname", box);
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		const struct constant *c = &constants[i];
		_cleanup_free_ char *place = has_prefix(c->place, "/etc/")
						     ? sandbox_place(c->place)
						     : xstrdup(c->place);
		_cleanup_free_ char *name = path_join("constants", c->name);

		if (!place || (c->without_network && box->network))
			continue;
		strv_take(&box->shown_files, build_job_path(job, name));
		strv_push(&box->shown_files, place);
	}
}
