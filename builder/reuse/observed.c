/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has a build looked at? Makes a manifest of what its commands have opened. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/walk.h"
#include "cache/cache.h"
#include "builder/run/trace.h"
#include "builder/host/header-trees.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/others.h"
#include "builder/build/places.h"
#include "builder/build/probes.h"
#include "builder/reuse/observed.h"
#include "builder/reuse/observed-links.h"
#include "builder/reuse/observed-mentions.h"
#include "builder/reuse/observed-values.h"

#define SYSFS_MAX (1024 * 1024) /* larger than any file there (bytes) */

/* A manifest that is being made. */
struct observer {
	const struct job *job;
	struct manifest *m;
	struct sandbox box;  /* of the build */
	struct strv covered; /* real paths whose content is in the key */
	struct observed_words words; /* of the package */
	bool visible, processor, user, accounts, others;
	char *why; /* why the result must not be kept, or NULL */
};

/* Appends the real paths of files and directories that parts of the key list. */
static void list_covered(const struct job *job, struct strv *ret)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(strv_done) struct strv paths = {0};

	header_trees_list(k, ret);
	strv_push(&paths, job->build->paths.source_dir);
	strv_pushf(&paths, "%s/%s", s->config_dir, job->name);
	strv_pushf(&paths, "%s/modules.builtin", k->dir);
	strv_pushf(&paths, "%s/modules.order", k->dir);
	if (k->config_path)
		strv_push(&paths, k->config_path);
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++)
		strv_pushf(&paths, "%s%s", sandbox_visible_boot[i], k->release);
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		struct version_on_kernel module =
			job_module_on_kernel(job, job->conf->build_depends.items[i]);
		_cleanup_free_ char *version =
			tree_installed_version(s->trees.dkms, module);
		_cleanup_free_ char *link = tree_installed_link(s->trees.dkms, module);

		strv_pushf(&paths, "%s/module/Module.symvers", link);
		if (version)
			strv_pushf(&paths, "%s/%s/%s/source", s->trees.dkms, module.name,
				version);
	}
	for (size_t i = 0; i < paths.n; i++) {
		char *real = realpath(paths.items[i], NULL);

		if (real)
			strv_take(ret, real);
	}
}

static bool is_covered(const struct observer *o, const char *real)
{
	for (size_t i = 0; i < o->covered.n; i++)
		if (path_is_in(real, o->covered.items[i]))
			return true;
	return false;
}

/* Whether a path in /proc tells nothing that a result could depend on, or something that
 * is different each time. */
static bool is_ignored_proc(const char *path)
{
	static const char *const names[] = {"filesystems", "loadavg", "meminfo", "mounts",
		"self", "stat", "thread-self", "uptime", "version"};
	const char *name = path + strlen("/proc/");
	size_t len = strcspn(path + strlen("/proc/"), "/");

	if (strspn(name, "0123456789") == len)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncmp(name, names[i], len) == 0)
			return true;
	return false;
}

/* Whether the build saw something at the path that the sandbox has made the same for each
 * build with this key, or that has no influence. */
static bool is_constant(const struct observer *o, const char *path)
{
	static const char *const paths[] = {"/etc/ld.so.cache", "/etc/localtime"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (streq(path, paths[i]))
			return true;
	for (size_t i = 1; i < o->box.shown_files.n; i += 2)
		if (streq(path, o->box.shown_files.items[i]))
			return true;
	return path_is_in(path, "/run/ccache") || path_is_in(path, "/run/pahole");
}

/* Whether the file is still the one that was opened, and was not changed since the build
 * began. */
static bool is_unchanged(const struct observer *o, const struct traced_file *f,
	const struct stat *now)
{
	struct timespec began = trace_began(o->job->build->trace);

	return !f->deleted && stat_is_same(&f->st, now) &&
	       f->st.st_size == now->st_size &&
	       timespec_ns(&f->st.st_mtim) == timespec_ns(&now->st_mtim) &&
	       timespec_ns(&now->st_ctim) < timespec_ns(&began);
}

static void set_changed(struct observer *o, const char *path)
{
	if (!o->why)
		o->why = xasprintf("%s changed while it was built", path);
}

static void add_value(struct observer *o, enum manifest_kind kind, const char *path)
{
	_cleanup_free_ char *value = observed_value(o->job, kind, path);

	if (kind != MANIFEST_LINK && kind != MANIFEST_PROGRAM && streq(value, "-"))
		set_changed(o, path);
	else
		manifest_add(o->m, kind, path, value);
}

static void add_proc(struct observer *o, const struct traced_file *f)
{
	if (streq(f->path, "/proc/cpuinfo"))
		o->processor = true;
	else if (S_ISREG(f->st.st_mode) && !is_ignored_proc(f->path))
		add_value(o, MANIFEST_FILE, f->path);
}

/* Whether programs that are not the package's ask for the path by themselves: the C library
 * does, for the number of processors, which does not count. */
static bool is_asked_by_programs(const char *path)
{
	static const char *const paths[] = {"/sys/devices/system/cpu",
		"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (streq(path, paths[i]))
			return true;
	return false;
}

/* Whether a copy, which was made when the build began, differs from the file in /sys. */
static bool copy_differs(const char *copy, const char *path)
{
	_cleanup_(str_done) struct str seen = {0}, now = {0};

	return file_read(copy, SYSFS_MAX, &seen, NULL) < 0 ||
	       file_read(path, SYSFS_MAX, &now, NULL) < 0 || seen.len != now.len ||
	       (seen.len && memcmp(seen.data, now.data, seen.len) != 0);
}

/* Adds a file in /sys. The build has read a copy, unless sandbox_paths shows the file. */
static void add_sysfs(struct observer *o, const struct traced_file *f)
{
	_cleanup_free_ char *name = xasprintf("constants%s", f->path);
	_cleanup_free_ char *copy = build_job_path(o->job, name);

	if (is_asked_by_programs(f->path) && !o->words.sysfs)
		return;
	add_value(o, S_ISDIR(f->st.st_mode) ? MANIFEST_DIR : MANIFEST_FILE, f->path);
	if (S_ISREG(f->st.st_mode) && strv_contains(&o->box.shown_files, "/sys") &&
		copy_differs(copy, f->path))
		set_changed(o, f->path);
}

/* Whether the file is a program that may ask which user a build is. */
static bool asks_for_user(const struct traced_file *f)
{
	static const char *const programs[] = {
		"groups", "id", "logname", "perl", "python", "whoami"};
	const char *name = path_base(f->path);

	for (size_t i = 0; f->executed && i < ARRAY_SIZE(programs); i++) {
		size_t n = strlen(programs[i]);

		/* python3.11, perl5.36 */
		if (has_prefix(name, programs[i]) &&
			strspn(name + n, "0123456789.") == strlen(name + n))
			return true;
	}
	return false;
}

/* Notes if an entry of a directory, of which the build has seen a part, came or went while it
 * ran. */
static void check_partial_dir(struct observer *o, const char *path)
{
	struct timespec began = trace_began(o->job->build->trace);
	struct stat now;

	if (stat(path, &now) < 0 || timespec_ns(&now.st_mtim) >= timespec_ns(&began))
		set_changed(o, path);
}

static void add_file(struct observer *o, const struct traced_file *f)
{
	_cleanup_free_ char *path = observed_real_path(o->job, f->path);
	bool is_dir = S_ISDIR(f->st.st_mode), covered;
	struct stat now;

	o->user = o->user || asks_for_user(f);
	o->accounts = o->accounts || streq(f->path, "/etc/passwd") ||
		      streq(f->path, "/etc/group");
	/* What it did is in the manifest of the memo. */
	if (path_is_in(f->path, PROBES_SANDBOX_DIR))
		return;
	if (is_constant(o, f->path)) {
		/* A program of this name must not come before it. */
		if (f->executed)
			add_value(o, MANIFEST_PROGRAM, path_base(f->path));
		return;
	}
	if (path_is_in(f->path, "/proc")) {
		add_proc(o, f);
		return;
	}
	if (path_is_below(f->path, "/sys")) {
		add_sysfs(o, f);
		return;
	}
	o->others = o->others || others_shows(o->job, f->path);
	if (is_dir && others_is_partial(o->job, f->path)) {
		o->others = true;
		add_value(o, MANIFEST_DIR, f->path);
		check_partial_dir(o, path);
		return;
	}
	if (is_dir && (lstat(path, &now) < 0 || now.st_dev != f->st.st_dev)) {
		o->visible = true; /* a directory that the sandbox has made */
		return;
	}
	covered = is_covered(o, path);
	if (!is_dir)
		add_value(o, covered ? MANIFEST_INPUT : MANIFEST_FILE, f->path);
	else if (!covered)
		add_value(o, MANIFEST_DIR, f->path);
	/* If this is still so after the file was read, its value is what the build saw. A
	 * link is here where the sandbox has the file itself in its place. */
	if (lstat(path, &now) == 0 && S_ISLNK(now.st_mode))
		add_value(o, MANIFEST_LINK, path);
	if (stat(path, &now) < 0 || !is_unchanged(o, f, &now))
		set_changed(o, path);
}

/* Adds the files of the package. A build reads a copy of them, which is not traced. It was
 * made after the trace had begun, and the key before. "dkms add" may have made the files
 * just before that. */
static void add_source(struct observer *o)
{
	const struct build *b = o->job->build;
	struct timespec began = trace_began(b->trace);
	_cleanup_free_ char *real = realpath(b->paths.source_dir, NULL);
	_cleanup_free_ char *seen = real ? places_path(b, real) : NULL;
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = real ? walk_begin(&w, real, WALK_SORTED) : -ENOENT;

	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *path = path_join(seen, e->path);
		struct stat st;

		if (e->type == DT_REG)
			add_value(o, MANIFEST_INPUT, path);
		if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			timespec_ns(&st.st_ctim) > timespec_ns(&began)) {
			_cleanup_free_ char *outside = path_join(real, e->path);

			set_changed(o, outside);
		}
	}
}

static void add_facts(struct observer *o)
{
	/* Makefiles look for these and do without them. */
	static const char *const optional[] = {"lsb_release", "pahole", "pkg-config"};

	if (o->words.native || o->processor)
		add_value(o, MANIFEST_FACT, "processor");
	if (o->visible)
		add_value(o, MANIFEST_FACT, "visible");
	if (o->accounts)
		add_value(o, MANIFEST_FACT, "accounts");
	if (o->words.others || o->others)
		add_value(o, MANIFEST_FACT, "others");
	if (o->words.user || o->user)
		add_value(o, MANIFEST_FACT, "user");
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		_cleanup_free_ char *value =
			observed_value(o->job, MANIFEST_PROGRAM, optional[i]);

		if (streq(value, "-"))
			manifest_add(o->m, MANIFEST_PROGRAM, optional[i], value);
	}
}

/* Ends the list. Returns what observed_list() does. */
static int finish(struct observer *o, char **ret_why)
{
	manifest_sort(o->m);
	strv_done(&o->covered);
	sandbox_done(&o->box);
	if (!o->why)
		return 0;
	*ret_why = o->why;
	manifest_done(o->m);
	return -EAGAIN;
}

int observed_list(const struct job *job, struct manifest *ret, char **ret_why)
{
	const struct trace *trace = job->build->trace;
	struct observer o = {.job = job, .m = ret, .box.kind = job->build->sandbox};
	const struct traced_file *files;
	size_t n;

	if (trace_problem(trace)) {
		*ret_why = xstrdup(trace_problem(trace));
		return -EAGAIN;
	}
	others_forget_modules(job);
	build_fill_sandbox(job, &o.box);
	list_covered(job, &o.covered);
	o.words = observed_add_mentioned(job, &o.box, ret);
	files = trace_files(trace, &n);
	for (size_t i = 0; i < n && !o.why; i++)
		add_file(&o, &files[i]);
	add_source(&o);
	add_facts(&o);
	if (!o.why) {
		_cleanup_free_ char *changed = observed_add_links(job, ret);

		if (changed)
			set_changed(&o, changed);
	}
	return finish(&o, ret_why);
}

/* Whether others than root, and the user of dkms, can write to the file. */
static bool is_of_others(const struct stat *st)
{
	return (!guard_is_of_root(st) && st->st_uid != geteuid()) ||
	       st->st_mode & (S_IWGRP | S_IWOTH);
}

int observed_list_tools(const struct job *job, const struct trace *trace,
	struct manifest *ret, char **ret_why)
{
	struct observer o = {.job = job, .m = ret, .box.kind = job->build->sandbox};
	const struct traced_file *files;
	size_t n, kept = 0;

	files = trace_files(trace, &n);
	if (trace_problem(trace))
		o.why = xstrdup(trace_problem(trace));
	build_fill_sandbox(job, &o.box);
	list_covered(job, &o.covered);
	for (size_t i = 0; i < n && !o.why; i++) {
		if (!S_ISREG(files[i].st.st_mode) || path_is_in(files[i].path, "/proc"))
			continue;
		if (is_of_others(&files[i].st) && !is_constant(&o, files[i].path))
			o.why = xasprintf("others can write to %s", files[i].path);
		else
			add_file(&o, &files[i]);
	}
	if (!o.why)
		o.why = observed_add_links(job, ret);
	for (size_t i = 0; i < ret->n; i++) {
		struct manifest_item item = ret->items[i];

		if (item.kind != MANIFEST_INPUT) {
			ret->items[kept++] = item;
			continue;
		}
		free(item.path);
		free(item.value);
	}
	ret->n = kept;
	return finish(&o, ret_why);
}
