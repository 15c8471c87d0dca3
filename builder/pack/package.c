/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a package of the distribution made? Its files are assembled in a temporary
 * directory (JOB_PACKING), the format's tool makes a package of them (JOB_PACKAGING), and
 * the package is copied to its destination (JOB_DELIVERING). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir-copy.h"
#include "base/file.h"
#include "base/output-file.h"
#include "base/staging.h"
#include "base/walk.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree.h"
#include "builder/install/destinations.h"
#include "builder/pack/deb.h"
#include "builder/pack/format.h"
#include "builder/pack/output.h"
#include "builder/pack/package.h"
#include "builder/pack/rpm.h"

#define SAID_MAX 500 /* how much of the tool's output goes into an error (bytes) */

static const struct package_format *const formats[] = {
	[PACK_DEB] = &package_deb, [PACK_RPM] = &package_rpm};

struct package *package_new(void)
{
	struct package *p = xcalloc(1, sizeof(*p));

	p->lock_fd = -1;
	return p;
}

void package_free(struct package *p)
{
	if (!p)
		return;
	close_ptr(&p->lock_fd);
	free(p->dir);
	free(p->root);
	free(p->name);
	free(p->version);
	free(p->arch);
	free(p->file);
	free(p->source);
	free(p);
}

/* Checks the names that are written to scripts and to the tools' files. They are not
 * quoted, because these have different rules for quoting, or none; so they may have no
 * characters that would need it. */
static int check_names(const struct job *job, struct error *err)
{
	const char *const words[] = {job->name, job->version, job->kernel->release};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_free_ char *word = package_sanitize(words[i], "._+~:-", ' ');

		if (!package_is_alnum(*words[i]) || strchr(word, ' '))
			return error_set(err, -EINVAL, 3,
				"'%s' cannot be in a package: it has characters "
				"that are not letters, digits or one of . _ + ~ : -",
				words[i]);
	}
	return 0;
}

/* Sets the mode of a file or directory to 0755 or 0644. Adds the size of a file to the
 * package's, and keeps the time of the newest file. */
static int normalize_file(const struct walk_entry *e, struct package *p)
{
	struct stat st;
	mode_t mode;

	if (e->error)
		return e->error;
	if (e->type != DT_DIR && e->type != DT_REG)
		return 0;
	if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	mode = e->type == DT_DIR || st.st_mode & 0111 ? 0755 : 0644;
	if (fchmodat(e->parent, e->name, mode, 0) < 0)
		return -errno;
	if (e->type == DT_REG) {
		p->bytes += (uint64_t)st.st_size;
		if (st.st_mtime > p->time)
			p->time = st.st_mtime;
	}
	return 0;
}

/* Calls normalize_file() for all files of a package. */
static int normalize_files(struct package *p, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, p->root, WALK_SORTED);

	if (r == 0 && chmod(p->root, 0755) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", p->root);
	while ((e = walk_next(&w))) {
		r = normalize_file(e, p);
		if (r < 0)
			return error_errno(
				err, r, 1, "cannot change %s/%s", p->root, e->path);
	}
	return 0;
}

/* Adds a warning for each template of a package format. Earlier versions of dkms used
 * templates, this one does not. */
static void warn_about_templates(struct job *job, const char *source)
{
	static const char *const names[] = {
		"mkdeb", "mkbmdeb", "mkrpm.spec", "mkkmp.spec"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path =
			xasprintf("%s/%s-dkms-%s", source, job->name, names[i]);

		if (path_exists(path))
			strv_pushf(&job->outcome.warnings, "%s is not used", path);
	}
}

/* Copies the version's source into the package. */
static int copy_source(struct job *job, struct package *p)
{
	_cleanup_free_ char *version_dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
	_cleanup_free_ char *link = path_join(version_dir, "source");
	_cleanup_free_ char *to = xasprintf("%s%s", p->root, p->source);
	_cleanup_free_ char *above = path_parent(to);
	int r;

	if (!path_is_dir(link))
		return error_errno(
			&job->outcome.error, -ENOENT, 6, "cannot read %s", link);
	warn_about_templates(job, link);
	r = dir_make(above, &job->outcome.error);
	return r == 0 ? dir_copy_guarded(link, to, (uid_t)-1, (gid_t)-1, NULL,
				&job->outcome.error)
		      : r;
}

/* Copies the built modules for the job's kernel into the package. */
static int copy_modules(struct job *job, struct package *p)
{
	size_t kernel_len = strlen(job->kernel->dir);
	struct destinations found;
	int r = destinations_list_by_conf(job, &found, &job->outcome.error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < found.n && r == 0; i++) {
		_cleanup_free_ char *to =
			xasprintf("%s%s/%s%s", p->root, package_modules_dir(),
				job->kernel->release, found.items[i].path + kernel_len);
		_cleanup_free_ char *dir = path_parent(to);

		r = dir_make(dir, &job->outcome.error);
		if (r == 0)
			r = file_copy(found.items[i].built, to, &job->outcome.error);
	}
	destinations_done(&found);
	return r;
}

/* Copies the provenance of the modules into the package, if there is one. One that only root
 * may read has digests of what only root may read. */
static int copy_provenance(struct job *job, struct package *p)
{
	_cleanup_free_ char *built =
		tree_built_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *from = path_join(built, "log/provenance.json");
	_cleanup_free_ char *dir = xasprintf("%s/usr/share/doc/%s", p->root, p->name);
	_cleanup_free_ char *to = path_join(dir, "provenance.json");
	struct stat st;
	int r = path_look(from);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot look at %s", from);
	if (r == 0 || (stat(from, &st) == 0 && !(st.st_mode & S_IROTH)))
		return 0;
	r = dir_make(dir, &job->outcome.error);
	return r == 0 ? file_copy(from, to, &job->outcome.error) : r;
}

int package_assemble(struct job *job)
{
	const struct package_format *format = formats[job->pack->format];
	const char *tmp = job->shared->settings->tmp_location;
	const struct source_date *date = &job->shared->settings->source_date;
	struct package *p = job->pack->package;
	int r = check_names(job, &job->outcome.error);

	if (r < 0)
		return r;
	staging_remove_leftovers(tmp, PACKAGE_STAGE);
	r = staging_make(tmp, PACKAGE_STAGE, &p->dir, &p->lock_fd, &job->outcome.error);
	if (r < 0)
		return r;
	/* The package may have files that others may not read. */
	if (chmod(p->dir, 0700) < 0)
		return error_errno(&job->outcome.error, -errno, 1,
			"cannot change the mode of %s", p->dir);
	p->root = path_join(p->dir, "root");
	if (job->pack->source_only)
		p->source = xasprintf("/usr/src/%s-%s", job->name, job->version);
	format->fill_names(job, p);
	r = p->source ? copy_source(job, p) : copy_modules(job, p);
	if (r == 0 && !p->source)
		r = copy_provenance(job, p);
	if (r == 0)
		r = normalize_files(p, &job->outcome.error);
	if (date->given)
		p->time = (time_t)date->seconds;
	return r == 0 ? format->write_files(job, p, &job->outcome.error) : r;
}

/* JOB_PACKAGING */

enum transition package_enter(struct job *job)
{
	struct package *p = job->pack->package;
	_cleanup_free_ char *epoch = NULL;

	if (!p)
		return TRANSITION_NEXT;
	epoch = xasprintf("%lld", (long long)p->time);
	strv_push_all(&job->ask.command.env, (const char *const *)environ);
	strv_setenv(&job->ask.command.env, SOURCE_DATE_VARIABLE, epoch);
	job->ask.command.cwd = xstrdup(p->dir);
	formats[job->pack->format]->fill_command(job, p);
	return TRANSITION_COMMAND;
}

enum transition package_leave(struct job *job, const struct outcome *outcome)
{
	const struct package_format *format = formats[job->pack->format];
	const struct str *said = outcome->err.len ? &outcome->err : &outcome->out;
	_cleanup_free_ char *how = NULL, *remedy = NULL, *text = NULL;

	if (outcome_ok(outcome))
		return TRANSITION_NEXT;
	how = outcome_describe(outcome, &job->ask.command);
	text = xstrndup(said->len ? said->data : "", SAID_MAX);
	text_mask_controls(text);
	while (has_suffix(text, "\n"))
		text[strlen(text) - 1] = '\0';
	error_set(&job->outcome.error, -EIO, 9, "cannot make %s: %s %s%s%s",
		job->pack->package->file, format->tool, how, *text ? "\n" : "", text);
	if (outcome->error == -ENOENT)
		remedy = format->install_tool_command(job->shared->settings->distro);
	if (remedy)
		error_remedy(&job->outcome.error, "%s", remedy);
	return TRANSITION_FAIL;
}

/* JOB_DELIVERING */

/* Writes the package made to its name in the directory that dir_fd is open on. */
static int deliver_file(struct job *job, const char *made, int dir_fd, const char *name)
{
	struct error *err = &job->outcome.error;
	_cleanup_free_ char *target = output_target(dir_fd, name, job->pack->archive);
	struct stat st;
	int r;

	/* A rename must not replace a device or a directory. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(err, -EINVAL, 9,
			"cannot write %s: it is not a regular file", job->pack->archive);
	if (chmod(made, 0644) < 0)
		return error_errno(err, -errno, 9, "cannot change %s", made);
	r = file_copy(made, target, NULL);
	return r < 0 ? error_errno(err, r, 9, "cannot write %s", job->pack->archive) : 0;
}

static int deliver_work(struct job *job)
{
	struct package *p = job->pack->package;
	_cleanup_free_ char *made = path_join(p->dir, p->file), *name = NULL;
	_cleanup_close_ int dir_fd = -1;
	int r;

	job->pack->archive =
		output_path(job, formats[job->pack->format]->subdir, p->file);
	r = output_make_dir(job);
	if (r < 0)
		return r;
	dir_fd = output_open_dir(job->pack->archive, &name, &job->outcome.error);
	return dir_fd < 0 ? dir_fd : deliver_file(job, made, dir_fd, name);
}

enum transition deliver_enter(struct job *job)
{
	if (!job->pack->package)
		return TRANSITION_NEXT;
	job->ask.work = deliver_work;
	return TRANSITION_WORK;
}

/* JOB_CLEANING_PACKAGE */

static int package_clean_work(struct job *job)
{
	if (job->pack->package->dir && dir_remove(job->pack->package->dir, NULL) < 0)
		leftovers_expect(job->shared->settings->trees.dkms);
	package_free(TAKE_PTR(job->pack->package));
	return 0;
}

enum transition package_clean_enter(struct job *job)
{
	if (!job->pack->package)
		return TRANSITION_NEXT;
	job->ask.work = package_clean_work;
	return TRANSITION_WORK;
}
