/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a version added from an archive? JOB_LOADING unpacks it into a temporary
 * directory, SOURCETREE/.dkms-load-XXXXXX:
 *
 *   tree/      the content of the archive
 *   source/    the dkms.conf of a tarball that has no source (--binaries-only)
 *
 * JOB_REGISTERING renames the source from there to SOURCETREE/NAME-VERSION, or exchanges
 * it with the source that is there. It copies the built modules into a temporary
 * directory of the dkms tree, which is then renamed. If that fails, it undoes the change
 * of the source. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir-copy.h"
#include "base/file.h"
#include "base/staging.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/build-inputs.h"
#include "builder/tree/signers.h"
#include "builder/tree/tree.h"
#include "builder/archive/tarball-read.h"
#include "builder/add/claim.h"
#include "builder/add/load.h"

struct load {
	char *dir;   /* the temporary directory; NULL until it is made */
	int lock_fd; /* holds the lock on dir; -1: not locked */
	struct tarball tarball;
	char *source; /* SOURCETREE/NAME-VERSION; NULL until these are known */
	enum {
		SOURCE_UNTOUCHED,
		SOURCE_NEW,	  /* there was no source before */
		SOURCE_EXCHANGED, /* the earlier source is in the temporary directory */
		SOURCE_REPLACED,  /* the earlier source was removed */
	} source_change;
};

void load_free(struct load *l)
{
	if (!l)
		return;
	close_ptr(&l->lock_fd);
	tarball_done(&l->tarball);
	free(l->dir);
	free(l->source);
	free(l);
}

/* JOB_LOADING */

/* Makes a source directory for a tarball that has none. It contains only the dkms.conf,
 * so that a build reports that there is no source. */
static int take_conf_only(struct load *l, struct error *err)
{
	_cleanup_free_ char *dir = path_join(l->dir, "source");
	_cleanup_free_ char *from = path_join(l->tarball.source, "dkms.conf");
	_cleanup_free_ char *to = path_join(dir, "dkms.conf");

	if (mkdir(dir, 0755) < 0 || rename(from, to) < 0)
		return error_errno(err, -errno, 1, "cannot make %s", to);
	str_replace(&l->tarball.source, dir);
	return 0;
}

static int load_work(struct job *job)
{
	const char *source_tree = job->shared->settings->trees.source;
	struct load *l = job->add->load;
	_cleanup_free_ char *unpacked = NULL;
	int r = dir_make(source_tree, &job->outcome.error);

	if (r < 0)
		return r;
	staging_remove_leftovers(source_tree, SOURCE_STAGE);
	r = staging_make(source_tree, SOURCE_STAGE "load-", &l->dir, &l->lock_fd,
		&job->outcome.error);
	if (r < 0)
		return r;
	unpacked = path_join(l->dir, "tree");
	r = dir_make(unpacked, &job->outcome.error);
	if (r == 0)
		r = tarball_read(job->add->archive, unpacked, &job->shared->stop.signal,
			&l->tarball, &job->outcome.error);
	if (r == 0 && l->tarball.binaries_only)
		r = take_conf_only(l, &job->outcome.error);
	if (r < 0)
		return r;
	strv_extend(&job->outcome.warnings, &l->tarball.warnings);
	str_replace(&job->add->from, l->tarball.source);
	return 0;
}

enum transition load_enter(struct job *job)
{
	if (!job->add->archive)
		return TRANSITION_NEXT;
	job->add->load = xcalloc(1, sizeof(*job->add->load));
	job->add->load->lock_fd = -1;
	job->ask.work = load_work;
	return TRANSITION_WORK;
}

/* JOB_REGISTERING */

int load_check_state(struct job *job, enum tree_state state)
{
	const struct load *l = job->add->load;

	if (state < STATE_ADDED || job->shared->settings->switches.force)
		return 0;
	error_set(&job->outcome.error, -EEXIST, l->tarball.made_by_dkms ? 8 : 3,
		"%s/%s is already added", job->name, job->version);
	error_remedy(&job->outcome.error, "--force replaces it with the version in %s",
		job->add->archive);
	return -EEXIST;
}

static int set_replace_error(struct job *job, int code)
{
	return error_errno(&job->outcome.error, code, 1, "cannot replace %s",
		job->add->load->source);
}

/* Renames the unpacked source to l->source, and sets l->source_change. The caller writes the
 * directory of l->source to disk. */
static int place_source(struct job *job)
{
	struct load *l = job->add->load;
	const char *from = l->tarball.source;

	if (!path_exists(l->source)) {
		if (rename(from, l->source) < 0)
			return error_errno(&job->outcome.error, -errno, 1,
				"cannot make %s", l->source);
		l->source_change = SOURCE_NEW;
		return 0;
	}
	/* Without a source in the archive, the system's source stays. */
	if (l->tarball.binaries_only && path_is_dir(l->source))
		return 0;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, l->source, RENAME_EXCHANGE) == 0) {
		l->source_change = SOURCE_EXCHANGED;
		return 0;
	}
	/* Some file systems cannot exchange files, and an overlay cannot rename a
	 * directory of its lower layer. */
	if (errno != EINVAL && errno != ENOSYS && errno != EXDEV)
		return set_replace_error(job, -errno);
	if (dir_remove(l->source, &job->outcome.error) < 0)
		return -EIO;
	l->source_change = SOURCE_REPLACED;
	return rename(from, l->source) < 0 ? set_replace_error(job, -errno) : 0;
}

/* Undoes place_source(), unless the earlier source was removed. */
static void undo_place_source(struct load *l)
{
	const char *from = l->tarball.source;

	if (l->source_change == SOURCE_EXCHANGED)
		renameat2(AT_FDCWD, from, AT_FDCWD, l->source, RENAME_EXCHANGE);
	else if (l->source_change == SOURCE_NEW)
		rename(l->source, from);
}

/* Returns DIR/RELEASE/ARCH; the caller frees. */
static char *built_dir(const char *dir, const struct kernel_name *k)
{
	return xasprintf("%s/%s/%s", dir, k->release, k->arch);
}

/* Writes the file system of a directory to disk, before the directory is renamed. */
static int sync_dir(const char *dir, struct error *err)
{
	int r = dir_sync_all(dir);

	return r < 0 ? error_errno(err, r, 1, "cannot write %s", dir) : 0;
}

/* Copies what an archive has for a kernel, and notes that it came with one. What another machine
 * knew of its own build does not count here: its inputs, and whom it believed. */
static int copy_built(const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *mark = path_join(to, TREE_FROM_ARCHIVE);
	static const char *const others[] = {BUILD_INPUTS_FILE, SIGNERS_FILE};
	int r = dir_copy(from, to, (uid_t)-1, (gid_t)-1, err);

	for (size_t i = 0; i < ARRAY_SIZE(others) && r == 0; i++) {
		_cleanup_free_ char *path = path_join(to, others[i]);

		if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
			r = error_errno(err, -errno, 1, "cannot remove %s", path);
	}
	return r < 0 ? r : file_write(mark, "", 0, 0644, err);
}

/* Adds a version that is not in the tree, with its modules for all kernels, by one
 * rename. */
static int add_version(struct job *job)
{
	const char *tree = job->shared->settings->trees.dkms;
	const struct tarball *t = &job->add->load->tarball;
	_cleanup_free_ char *stage = NULL;
	_cleanup_close_ int lock = -1;
	int r = tree_stage_version(
		tree, job->name, job->version, &stage, &lock, &job->outcome.error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->kernels.n && r == 0; i++) {
		const struct kernel_name *k = &t->kernels.items[i];
		_cleanup_free_ char *dir = path_join(stage, k->release);
		_cleanup_free_ char *from = built_dir(t->main_tree, k);
		_cleanup_free_ char *to = built_dir(stage, k);

		r = dir_make(dir, &job->outcome.error);
		if (r == 0)
			r = copy_built(from, to, &job->outcome.error);
	}
	if (r == 0)
		r = sync_dir(stage, &job->outcome.error);
	if (r == 0)
		r = tree_add_staged(tree, job->name, job->version, job->add->load->source,
			stage, &job->outcome.error);
	if (r < 0)
		tree_remove_stage(tree, job->name, stage);
	else
		job->add->n_loaded = t->kernels.n;
	return r;
}

/* Adds the modules for one kernel to a version that is in the tree. */
static int add_kernel(struct job *job, const struct kernel_name *k)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *from = built_dir(job->add->load->tarball.main_tree, k);
	_cleanup_free_ char *stage = NULL;
	_cleanup_free_ char *to = NULL;
	_cleanup_close_ int lock = -1;
	int r = tree_stage_build(
		tree, job->name, job->version, &stage, &lock, &job->outcome.error);

	if (r < 0)
		return r;
	to = path_join(stage, "built");
	r = copy_built(from, to, &job->outcome.error);
	if (r == 0)
		r = tree_publish(tree,
			version_on_kernel(job->name, job->version, k->release, k->arch),
			to, &job->outcome.error);
	dir_remove(stage, NULL);
	if (r == 0)
		job->add->n_loaded++;
	return r;
}

/* Adds the modules for each kernel to a version that is in the tree, whose source may
 * have been missing. Without --force, kernels that it is built for already are left out.
 */
static int complete_version(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct tarball *t = &job->add->load->tarball;
	_cleanup_free_ char *dir =
		tree_version_dir(s->trees.dkms, job->name, job->version);
	_cleanup_free_ char *link = path_join(dir, "source");
	int r = link_write(link, job->add->load->source, &job->outcome.error);

	for (size_t i = 0; i < t->kernels.n && r == 0; i++) {
		const struct kernel_name *k = &t->kernels.items[i];
		_cleanup_free_ char *built = built_dir(dir, k);
		int there = path_look(built);

		if (there < 0)
			r = error_errno(&job->outcome.error, there, 1,
				"cannot look at %s", built);
		else if (there && !s->switches.force)
			strv_pushf(&job->outcome.warnings,
				"the build for %s/%s stays; --force replaces it",
				k->release, k->arch);
		else
			r = add_kernel(job, k);
	}
	return r;
}

int load_register_work(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct load *l = job->add->load;
	_cleanup_free_ char *dir =
		tree_version_dir(s->trees.dkms, job->name, job->version);
	_cleanup_free_ char *conf = NULL;
	_cleanup_(lock_release) struct lock lock = {0};
	int r = job_try_lock(job, s->trees.source, &lock);

	if (r < 0)
		return r;
	l->source = xasprintf("%s/%s-%s", s->trees.source, job->name, job->version);
	r = sync_dir(l->dir, &job->outcome.error);
	if (r < 0)
		return r;
	/* Another process may have added the version meanwhile. */
	r = load_check_state(job, tree_version_state(s->trees.dkms, s->trees.source,
					  job->name, job->version));
	if (r == 0)
		r = claim_check(job, l->source);
	if (r == 0)
		r = place_source(job);
	if (r < 0)
		return r;
	/* After a crash, no version may be in the tree without its source. */
	r = dir_sync(s->trees.source);
	if (r < 0) {
		undo_place_source(l);
		return error_errno(
			&job->outcome.error, r, 1, "cannot write %s", s->trees.source);
	}
	/* As in other versions of dkms, the source stays if the dkms.conf has a duplicate
	 * module, so this is checked after the source is in place. */
	r = conf_check_duplicates(job->conf, job->conf_path, &job->outcome.error);
	if (r < 0)
		return r;
	r = path_exists(dir) ? complete_version(job) : add_version(job);
	if (r < 0) {
		undo_place_source(l);
		return r;
	}
	job->outcome.registered = true;
	conf = path_join(l->source, "dkms.conf");
	str_replace(&job->conf_path, conf);
	return 0;
}

bool load_is_sourceless(const struct job *job)
{
	const struct load *l = job->add->load;

	return l && l->tarball.binaries_only && l->source_change != SOURCE_UNTOUCHED;
}

/* JOB_CLEANING_LOAD */

/* Replaces every occurrence of from in *text by to. */
static void replace_all(char **text, const char *from, const char *to)
{
	struct str s = {0};
	const char *at = *text, *next;

	if (!at || !strstr(at, from))
		return;
	for (; (next = strstr(at, from)); at = next + strlen(from)) {
		str_add_bytes(&s, at, (size_t)(next - at));
		str_add(&s, to);
	}
	str_add(&s, at);
	free(*text);
	*text = str_take(&s);
}

/* In messages about files in the subdirectory dir of the temporary directory, which is
 * removed, replaces the path by the archive's. */
static void replace_path_by_archive(struct job *job, const char *dir)
{
	_cleanup_free_ char *from = xasprintf("%s/%s/", job->add->load->dir, dir);
	_cleanup_free_ char *to = xasprintf("%s: ", job->add->archive);

	replace_all(&job->outcome.error.what, from, to);
	replace_all(&job->outcome.error.remedy, from, to);
	for (size_t i = 0; i < job->outcome.warnings.n; i++)
		replace_all(&job->outcome.warnings.items[i], from, to);
}

/* Makes the error and the warnings of the job name the archive. */
static void name_archive_in_messages(struct job *job)
{
	struct error *err = &job->outcome.error;

	replace_path_by_archive(job, "tree");
	replace_path_by_archive(job, "source");
	if (err->what && err->status && !strstr(err->what, job->add->archive) &&
		!job->shared->stop.signal) {
		_cleanup_free_ char *what =
			xasprintf("%s: %s", job->add->archive, err->what);

		str_replace(&err->what, what);
	}
}

static int load_clean_work(struct job *job)
{
	struct load *l = job->add->load;

	if (l->dir) {
		dir_remove(l->dir, NULL);
		name_archive_in_messages(job);
	}
	load_free(TAKE_PTR(job->add->load));
	return 0;
}

enum transition load_clean_enter(struct job *job)
{
	if (!job->add->load)
		return TRANSITION_NEXT;
	job->ask.work = load_clean_work;
	return TRANSITION_WORK;
}
