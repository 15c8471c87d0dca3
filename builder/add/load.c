/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_ADD of an archive. It is unpacked into SOURCETREE/.dkms-load-XXXXXX, a stage:
 *
 *   tree/      what is in the archive
 *   source/    the dkms.conf of a tarball of binaries only
 *
 * From there its source is renamed to where sources live, or exchanged with what is
 * there. Modules that it brings are copied into a stage of the dkms tree, which is then
 * renamed. What fails on the way is undone. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/staging.h"
#include "builder/tree/source-lock.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/archive/tarball-read.h"
#include "builder/add/load.h"

struct load {
	char *dir;
	int lock_fd;
	struct tarball tarball;
	char *source; /* SOURCETREE/NAME-VERSION, once that is known */
	enum {
		SOURCE_UNTOUCHED,
		SOURCE_NEW,       /* there was none */
		SOURCE_EXCHANGED, /* the old one is where ours was */
		SOURCE_REPLACED,  /* the old one is gone */
	} placed;
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

/* So that a build says that there is no source, nothing else may be beside the conf. */
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

enum phase load_enter(struct job *job)
{
	if (!job->add->archive)
		return PHASE_NEXT;
	job->add->load = xcalloc(1, sizeof(*job->add->load));
	job->add->load->lock_fd = -1;
	job->ask.work = load_work;
	return PHASE_WORK;
}

/* JOB_REGISTERING */

int load_check_state(struct job *job, enum tree_state state)
{
	const struct load *l = job->add->load;

	if (state == STATE_UNKNOWN || state == STATE_BROKEN ||
		job->shared->settings->switches.force)
		return 0;
	error_set(&job->outcome.error, -EEXIST, l->tarball.made_by_dkms ? 8 : 3,
		"%s/%s is already added", job->name, job->version);
	error_remedy(&job->outcome.error, "--force replaces it by what is in %s",
		job->add->archive);
	return -EEXIST;
}

static int cannot_replace(struct job *job, int code)
{
	return error_errno(&job->outcome.error, code, 1, "cannot replace %s",
		job->add->load->source);
}

static int place_source(struct job *job)
{
	struct load *l = job->add->load;
	const char *from = l->tarball.source;

	if (!path_exists(l->source)) {
		if (rename(from, l->source) < 0)
			return error_errno(&job->outcome.error, -errno, 1,
				"cannot make %s", l->source);
		l->placed = SOURCE_NEW;
		return 0;
	}
	/* A source on the system is better than none. */
	if (l->tarball.binaries_only && path_is_dir(l->source))
		return 0;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, l->source, RENAME_EXCHANGE) == 0) {
		l->placed = SOURCE_EXCHANGED;
		return 0;
	}
	/* Not every file system can exchange, nor an overlay rename what is below. */
	if (errno != EINVAL && errno != ENOSYS && errno != EXDEV)
		return cannot_replace(job, -errno);
	if (dir_remove(l->source, &job->outcome.error) < 0)
		return -EIO;
	l->placed = SOURCE_REPLACED;
	return rename(from, l->source) < 0 ? cannot_replace(job, -errno) : 0;
}

static void undo_source(struct load *l)
{
	const char *from = l->tarball.source;

	if (l->placed == SOURCE_EXCHANGED)
		renameat2(AT_FDCWD, from, AT_FDCWD, l->source, RENAME_EXCHANGE);
	else if (l->placed == SOURCE_NEW)
		rename(l->source, from);
}

/* The directory of a kernel below one that has RELEASE/ARCH directories; caller frees. */
static char *kernel_dir(const char *dir, const struct kernel_name *k)
{
	return xasprintf("%s/%s/%s", dir, k->release, k->arch);
}

/* Brings a directory to disk before it gets its name. */
static int sync_dir(const char *dir, struct error *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return error_errno(err, -errno, 1, "cannot write %s", dir);
	return 0;
}

/* A version that is not in the tree comes with all its kernels by one rename. */
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
		_cleanup_free_ char *from = kernel_dir(t->main_tree, k);
		_cleanup_free_ char *to = kernel_dir(stage, k);

		r = dir_make(dir, &job->outcome.error);
		if (r == 0)
			r = dir_copy(from, to, (uid_t)-1, (gid_t)-1, &job->outcome.error);
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

static int publish_kernel(struct job *job, const struct kernel_name *k)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *from = kernel_dir(job->add->load->tarball.main_tree, k);
	_cleanup_free_ char *stage = NULL;
	_cleanup_free_ char *to = NULL;
	_cleanup_close_ int lock = -1;
	int r = tree_stage_build(
		tree, job->name, job->version, &stage, &lock, &job->outcome.error);

	if (r < 0)
		return r;
	to = path_join(stage, "built");
	r = dir_copy(from, to, (uid_t)-1, (gid_t)-1, &job->outcome.error);
	if (r == 0)
		r = tree_publish(tree,
			version_on_kernel(job->name, job->version, k->release, k->arch),
			to, &job->outcome.error);
	dir_remove(stage, NULL);
	if (r == 0)
		job->add->n_loaded++;
	return r;
}

/* One that is there, perhaps broken, gets them one by one; those that it has stay. */
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
		_cleanup_free_ char *built = kernel_dir(dir, k);

		if (path_exists(built) && !s->switches.force)
			strv_pushf(&job->outcome.warnings,
				"what is built for %s/%s stays; --force replaces it",
				k->release, k->arch);
		else
			r = publish_kernel(job, k);
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
	_cleanup_close_ int lock = -1;
	int r;

	l->source = xasprintf("%s/%s-%s", s->trees.source, job->name, job->version);
	r = sync_dir(l->dir, &job->outcome.error);
	if (r < 0)
		return r;
	lock = source_lock_take(s);
	/* Another one may have been quicker. */
	r = load_check_state(job, tree_version_state(s->trees.dkms, s->trees.source,
					  job->name, job->version));
	if (r == 0)
		r = place_source(job);
	if (r < 0)
		return r;
	/* A duplicate module is found only now, so that the copy stays (COMPAT). */
	r = conf_check_duplicates(job->conf, job->conf_path, &job->outcome.error);
	if (r < 0)
		return r;
	r = path_exists(dir) ? complete_version(job) : add_version(job);
	if (r < 0) {
		undo_source(l);
		return r;
	}
	conf = path_join(l->source, "dkms.conf");
	str_replace(&job->conf_path, conf);
	return 0;
}

bool load_is_sourceless(const struct job *job)
{
	const struct load *l = job->add->load;

	return l && l->tarball.binaries_only && l->placed != SOURCE_UNTOUCHED;
}

/* JOB_DISCARDING */

/* Replaces each from in text by to. */
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

/* What was said of a place that is gone is said of the archive. */
static void replace_place(struct job *job, const char *dir)
{
	_cleanup_free_ char *from = xasprintf("%s/%s/", job->add->load->dir, dir);
	_cleanup_free_ char *to = xasprintf("%s: ", job->add->archive);

	replace_all(&job->outcome.error.what, from, to);
	replace_all(&job->outcome.error.remedy, from, to);
	for (size_t i = 0; i < job->outcome.warnings.n; i++)
		replace_all(&job->outcome.warnings.items[i], from, to);
}

static void name_archive(struct job *job)
{
	struct error *err = &job->outcome.error;

	replace_place(job, "tree");
	replace_place(job, "source");
	if (err->what && err->status && !strstr(err->what, job->add->archive) &&
		!job->shared->stop.signal) {
		_cleanup_free_ char *what =
			xasprintf("%s: %s", job->add->archive, err->what);

		str_replace(&err->what, what);
	}
}

static int discard_work(struct job *job)
{
	struct load *l = job->add->load;

	if (l->dir) {
		dir_remove(l->dir, NULL);
		name_archive(job);
	}
	load_free(TAKE_PTR(job->add->load));
	return 0;
}

enum phase discard_enter(struct job *job)
{
	if (!job->add->load)
		return PHASE_NEXT;
	job->ask.work = discard_work;
	return PHASE_WORK;
}
