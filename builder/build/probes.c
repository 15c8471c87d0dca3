/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the commands of a build get answers to their probes? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "builder/build/build.h"
#include "builder/build/compilers.h"
#include "builder/build/confine.h"
#include "builder/build/places.h"
#include "builder/build/probes.h"
#include "builder/probes/memo.h"

#define HELPER "answer-probes"
#define HELPER_MAX (4 * 1024 * 1024) /* bytes */
/* The reference run asks some forty probes. */
#define REFERENCE_TIMEOUT_S 120

char *probes_path(const struct job *job, const char *name)
{
	_cleanup_free_ char *below = path_join("probes", name);

	return build_job_path(job, below);
}

/* Returns the path of the program: beside dkms while that is not installed. The caller
 * frees. */
static char *find_helper(void)
{
	_cleanup_free_ char *self = NULL, *dir = NULL, *path = NULL;

	if (link_read("/proc/self/exe", &self) == 0) {
		dir = path_parent(self);
		path = path_join(dir, "builder/probes/" HELPER);
		if (path_is_program(path))
			return TAKE_PTR(path);
	}
	return xstrdup(DKMSLIBDIR "/" HELPER);
}

/* Writes a new file, which need not survive a crash. */
static int write_new(const char *path, const char *data, size_t n, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return write_all(fd, data, n);
}

/* Copies the program to where the user of the build can reach it. */
static int copy_helper(const char *to)
{
	_cleanup_free_ char *from = find_helper();
	_cleanup_(str_done) struct str bytes = {0};
	int r = file_read(from, HELPER_MAX, &bytes, NULL);

	return r < 0 ? r : write_new(to, bytes.data, bytes.len, 0755);
}

void probes_list_programs(const struct job *job, struct strv *ret)
{
	_cleanup_free_ char *copy = xstrdup(build_search_path(job));
	char *dir, *rest = copy;

	while ((dir = strsep(&rest, ":"))) {
		_cleanup_(strv_done) struct strv names = {0};

		if (*dir != '/' || dir_list(dir, &names) < 0)
			continue;
		for (size_t i = 0; i < names.n; i++) {
			const char *name = names.items[i];

			if ((compilers_is_name(name) || streq(name, "pahole")) &&
				!strv_contains(ret, name))
				strv_push(ret, name);
		}
	}
}

bool probes_can_run(const struct job *job)
{
	const struct build *b = job->build;
	_cleanup_free_ char *helper = find_helper();
	struct statvfs fs;

	return b->sandbox != SANDBOX_KIND_NONE && path_is_program(helper) &&
	       statvfs(b->paths.version_dir, &fs) == 0 && !(fs.f_flag & ST_NOEXEC);
}

/* Makes what keeps the compilers of these names from making debug information. */
static int leave_debug_info_out(const struct job *job, struct strv *names)
{
	_cleanup_free_ char *mark = probes_path(job, "shown/" PROBES_NO_DEBUG_INFO);

	probes_list_programs(job, names);
	return write_new(mark, "", 0, 0644);
}

int probes_prepare(const struct job *job, const struct strv *names)
{
	_cleanup_free_ char *top = build_job_path(job, "probes");
	_cleanup_free_ char *bin = probes_path(job, "shown/bin");
	_cleanup_free_ char *helper = probes_path(job, "shown/" HELPER);
	_cleanup_(strv_done) struct strv all = {0};
	int r = dir_remove(top, NULL);

	strv_extend(&all, names);
	if (r == 0)
		r = dir_make(bin, NULL);
	if (r == 0 && !probes_can_run(job))
		r = -EACCES;
	if (r == 0)
		r = copy_helper(helper);
	if (r == 0 && job->build->no_debug_info)
		r = leave_debug_info_out(job, &all);
	for (size_t i = 0; i < all.n && r == 0; i++) {
		_cleanup_free_ char *link = path_join(bin, all.items[i]);

		r = symlink("../" HELPER, link) < 0 ? -errno : 0;
	}
	return r;
}

/* Puts the links first in $PATH, and shows them and what belongs to them. */
static void show(const struct job *job, struct command *cmd, struct sandbox *box)
{
	_cleanup_free_ char *shown = probes_path(job, "shown");
	_cleanup_free_ char *path = NULL;

	path = xasprintf(
		PROBES_SANDBOX_DIR "/bin:%s", strv_getenv(&cmd->env, "PATH"));
	strv_setenv(&cmd->env, "PATH", path);
	strv_push_all(&box->bwrap_options,
		(const char *const[]){"--ro-bind", shown, PROBES_SANDBOX_DIR, NULL});
}

int probes_wrap_compilers(const struct job *job, struct command *cmd, struct sandbox *box,
	struct error *err)
{
	const struct build *b = job->build;
	_cleanup_free_ char *memo = probes_path(job, "shown/memo");
	_cleanup_free_ char *mark = probes_path(job, "shown/" PROBES_NO_DEBUG_INFO);
	const struct strv none = {0};
	int r = 0;

	if (b->sandbox == SANDBOX_KIND_NONE || !strv_getenv(&cmd->env, "PATH"))
		return 0;
	if (job->build->no_debug_info && !path_is_file(mark))
		r = probes_prepare(job, &none);
	if (r < 0)
		return error_errno(err, r, 1,
			"cannot put a program before the compilers of %s", b->paths.job_dir);
	if (job->build->no_debug_info || path_is_file(memo))
		show(job, cmd, box);
	return 0;
}

/* Makes a directory in JOB_DIR/probes that the user of the build can write to. */
static int make_writable(const struct job *job, const char *name)
{
	_cleanup_free_ char *path = probes_path(job, name);
	uid_t uid = job->build->user.uid;
	int r = dir_make(path, NULL);

	if (r == 0 && uid && lchown(path, uid, uid) < 0)
		r = -errno;
	return r;
}

/* Makes the package of the reference run. */
static int make_package(const struct job *job)
{
	static const char text[] = "obj-m :=\n";
	_cleanup_free_ char *makefile = probes_path(job, "build/Makefile");
	int r = make_writable(job, "build");

	return r < 0 ? r : write_new(makefile, text, strlen(text), 0644);
}

int probes_fill_reference(struct job *job, struct command *cmd, struct trace *trace)
{
	struct build *b = job->build;
	struct sandbox box = {.kind = b->sandbox};
	_cleanup_free_ char *record = probes_path(job, "record");
	_cleanup_free_ char *point = probes_path(job, "shown/record");
	_cleanup_free_ char *headers = places_path(b, job->kernel->headers);
	int r = make_package(job);

	if (r == 0)
		r = make_writable(job, "record");
	if (r == 0)
		r = dir_make(point, NULL);
	if (r < 0)
		return r;
	strv_push_all(&cmd->argv, (const char *const[]){"make", "-C", headers, NULL});
	strv_pushf(&cmd->argv, "M=%s", b->paths.build_dir);
	strv_push(&cmd->argv, "modules");
	build_fill_environment(job, &cmd->env);
	cmd->trace = trace;
	cmd->timeout_s = REFERENCE_TIMEOUT_S;
	build_fill_sandbox(job, &box);
	/* Its own directory is where those of packages are in their builds. */
	for (size_t i = 0; i + 1 < box.writable_dirs.n; i += 2) {
		if (streq(box.writable_dirs.items[i], b->work_dir)) {
			free(box.writable_dirs.items[i]);
			box.writable_dirs.items[i] = probes_path(job, "build");
		}
	}
	show(job, cmd, &box);
	strv_push_all(&box.bwrap_options,
		(const char *const[]){
			"--bind", record, PROBES_SANDBOX_DIR "/record", NULL});
	r = sandbox_wrap_command(cmd, &box, NULL);
	sandbox_done(&box);
	return r;
}
