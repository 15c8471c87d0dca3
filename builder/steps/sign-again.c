/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is signed again what is built already?
 *
 * JOB_TAKING_BUILT makes a copy of RELEASE/ARCH in the job's directory, decompresses the modules
 * and removes their signatures. The states of sign.c sign them. JOB_REPLACING compresses them
 * as they were, renames the copy to RELEASE/ARCH, and replaces the installed files. Their
 * names and places stay, so the records of the kernel's own modules, which this version has
 * replaced, stay as well. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir-copy.h"
#include "base/file.h"
#include "base/staging.h"
#include "builder/module/compress.h"
#include "builder/module/examine.h"
#include "builder/module/signature.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/install/destinations.h"
#include "builder/install/kernel-lock.h"
#include "builder/install/record.h"
#include "builder/reuse/provenance.h"
#include "builder/steps/publish.h"
#include "builder/steps/sign-again.h"

/* Appends the names of the module files that are built. */
static int list_built(struct job *job, struct strv *ret)
{
	_cleanup_free_ char *dir = path_join(job->build->paths.built_dir, "module");
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(dir, &names);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *module = module_name_of_file(names.items[i]);

		if (module)
			strv_push(ret, names.items[i]);
	}
	return 0;
}

/* Returns the path of the staged file without its compression; the caller frees. */
static char *plain_path(const struct job *job, const char *file)
{
	const char *suffix = compression_suffix(compression_of_file(file));
	char *path = build_staged_path(job, file);

	path[strlen(path) - strlen(suffix)] = '\0';
	return path;
}

/* JOB_TAKING_BUILT */

/* Sets the error for a module that is there plain and compressed, or in two compressions. */
static int refuse_two(struct job *job, const char *file)
{
	const char *dir = job->build->paths.built_dir;

	error_set(&job->outcome.error, -EEXIST, 1,
		"%s/module has two files of one module: %s and another one", dir, file);
	error_remedy(&job->outcome.error,
		"remove the one that does not belong there, or dkms build %s/%s -k %s/%s --force",
		job->name, job->version, job->kernel->release, job->kernel->arch);
	return -EEXIST;
}

static int decompress_staged(struct job *job, const char *file)
{
	_cleanup_free_ char *path = build_staged_path(job, file);
	_cleanup_free_ char *plain = plain_path(job, file);
	_cleanup_close_ int fd = -1;
	int r;

	if (streq(path, plain))
		return 0;
	fd = open(plain, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return refuse_two(job, file);
	if (fd < 0)
		return error_errno(&job->outcome.error, -errno, 1, "cannot write %s", plain);
	r = examine_decompress(path, fd, &job->outcome.error);
	if (r == 0 && unlink(path) < 0)
		r = error_errno(&job->outcome.error, -errno, 1, "cannot remove %s", path);
	return r;
}

static int take_built_work(struct job *job)
{
	struct build *b = job->build;
	_cleanup_(strv_done) struct strv files = {0};
	int r = 0;

	if (!b->job_lock.path)
		r = job_try_lock(job, b->paths.job_dir, &b->job_lock);
	if (r == 0)
		r = dir_make(b->paths.job_dir, &job->outcome.error);
	if (r == 0)
		r = build_clear_job_dir(job);
	if (r == 0)
		r = list_built(job, &files);
	if (r == 0)
		r = dir_copy(b->paths.built_dir, b->paths.staging_dir, (uid_t)-1, (gid_t)-1,
			&job->outcome.error);
	for (size_t i = 0; i < files.n && r == 0; i++) {
		_cleanup_free_ char *plain = plain_path(job, files.items[i]);

		r = decompress_staged(job, files.items[i]);
		if (r == 0)
			r = signature_strip(plain, &job->outcome.error);
	}
	return r;
}

enum transition take_built_enter(struct job *job)
{
	if (!job->build)
		job->build = build_new(job);
	job->ask.work = take_built_work;
	return TRANSITION_WORK;
}

/* JOB_REPLACING */

static int compress_staged(struct job *job, const char *file)
{
	enum compression how = compression_of_file(file);
	_cleanup_free_ char *path = build_staged_path(job, file);
	_cleanup_free_ char *plain = plain_path(job, file);
	int r;

	if (how == COMPRESSION_NONE)
		return 0;
	r = compress_file(plain, path, how,
		compress_options_of(job->shared->settings, how), &job->outcome.error);
	if (r == 0 && unlink(plain) < 0)
		r = error_errno(&job->outcome.error, -errno, 1, "cannot remove %s", plain);
	return r;
}

/* Returns whether a staged file has other bytes than the file at path, or that is not
 * known. */
static bool differs(const struct job *job, const char *file, const char *path)
{
	_cleanup_free_ char *staged = build_staged_path(job, file);

	return file_same_bytes(staged, path) != 1;
}

/* Notes the paths of the installed files to replace. A link leads to what is built. What has
 * other bytes than the built file is not what dkms has installed, and stays. Returns 0, or a
 * negative errno. */
static int list_replaced(struct job *job, const struct destinations *installed)
{
	for (size_t i = 0; i < installed->n; i++) {
		const struct destination *f = &installed->items[i];
		_cleanup_free_ char *target = NULL;
		int same;

		if (!f->path || !path_is_file(f->path) || link_read(f->path, &target) == 0 ||
			!differs(job, f->file, f->path))
			continue;
		same = file_same_bytes(f->built, f->path);
		if (same < 0)
			return error_errno(&job->outcome.error, same, 1,
				"cannot compare %s with %s", f->path, f->built);
		if (same)
			strv_push(&job->outcome.moved, f->path);
		else
			strv_pushf(&job->outcome.warnings,
				"%s is left as it is, because it differs from what dkms has built",
				f->path);
	}
	return 0;
}

/* Copies a file over another one, which keeps its mode. */
static int replace_file(const char *from, const char *to, struct error *err)
{
	_cleanup_close_ int fd = file_open(from);
	struct stat st;

	if (fd < 0)
		return file_open_error(from, fd, err);
	if (stat(to, &st) < 0)
		return error_errno(err, -errno, 1, "cannot look at %s", to);
	staging_remove_temporaries(to);
	return file_copy_fd(fd, from, to, st.st_mode & 0777, err);
}

/* Returns, for each installed file, the path of the staged one that replaces it, or NULL. The
 * caller frees them and the array. */
static char **list_sources(const struct job *job, const struct destinations *installed)
{
	char **sources = xcalloc(installed->n, sizeof(*sources));

	for (size_t i = 0; i < installed->n; i++) {
		const struct destination *f = &installed->items[i];

		if (f->path && strv_contains(&job->outcome.moved, f->path))
			sources[i] = build_staged_path(job, f->file);
	}
	return sources;
}

/* Replaces the installed files by the staged ones, and begins to change the record, if there is
 * one. Returns the number of those, or a negative errno. */
static int replace_installed(struct job *job, const struct destinations *installed,
	struct record_change *record)
{
	char **sources = list_sources(job, installed);
	int r = 0, n = 0;

	if (installed->has_record)
		r = record_begin(job, installed, installed, sources, record);
	for (size_t i = 0; i < installed->n; i++) {
		if (sources[i] && r == 0) {
			r = replace_file(
				sources[i], installed->items[i].path, &job->outcome.error);
			n++;
		}
		free(sources[i]);
	}
	free(sources);
	return r < 0 ? r : n;
}

static int replace_locked(struct job *job)
{
	struct build *b = job->build;
	_cleanup_(destinations_done) struct destinations installed = {0};
	_cleanup_(record_change_done) struct record_change record = {0};
	_cleanup_(strv_done) struct strv files = {0};
	bool changed = false;
	int n, r = list_built(job, &files);

	if (r == 0)
		r = kernel_find_modules(job->kernel, &job->outcome.error);
	if (r == 0 && job->outcome.state_before == STATE_INSTALLED)
		r = destinations_list_installed(
			job, job->version, &installed, &job->outcome.error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *built =
			xasprintf("%s/module/%s", b->paths.built_dir, files.items[i]);

		changed |= differs(job, files.items[i], built);
	}
	r = list_replaced(job, &installed);
	if (r < 0)
		return r;
	if (!changed && !job->outcome.moved.n) {
		job->outcome.result = RESULT_NOTHING;
		return 0;
	}
	r = job->outcome.moved.n ? kernel_begin_change(job) : 0;
	/* The installed files come first, because what is built tells whether they are ours. */
	n = r < 0 ? r : !job->outcome.moved.n ? 0 : replace_installed(job, &installed, &record);
	r = n < 0 ? n
		  : tree_publish(job->shared->settings->trees.dkms, job_on_kernel(job),
			    b->paths.staging_dir, &job->outcome.error);
	if (r < 0)
		return r;
	record_commit(job, &record);
	job->outcome.changed_kernel = n > 0;
	job->outcome.signed_again = true;
	if (n > 0)
		kernel_end_change(job);
	return 0;
}

static int replace_built_work(struct job *job)
{
	_cleanup_(strv_done) struct strv files = {0};
	_cleanup_free_ char *modules = build_staged_path(job, "");
	_cleanup_free_ char *log = path_join(job->build->paths.staging_dir, "log");
	int r = list_built(job, &files);

	for (size_t i = 0; i < files.n && r == 0; i++) {
		_cleanup_free_ char *plain = plain_path(job, files.items[i]);

		if (path_is_file(plain)) /* it may be done: the kernel was locked */
			r = compress_staged(job, files.items[i]);
	}
	if (r == 0)
		r = provenance_update(modules, log, &job->outcome.error);
	return r < 0 ? r : kernel_lock_and_call(job, replace_locked);
}

enum transition replace_built_enter(struct job *job)
{
	job->ask.work = replace_built_work;
	return TRANSITION_WORK;
}
