/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which module versions are known, built and installed?
 *
 * dkms status for 1,000 modules needs some 11,000 system calls, which take nearly all of
 * its time. Therefore directories are opened relative to their parents and read by
 * getdents64(2) without a DIR, and a few threads share the modules of a large tree. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "base/parallel.h"
#include "builder/host/version.h"
#include "builder/tree/built-kernels.h"
#include "builder/tree/names.h"
#include "builder/tree/tree.h"

const char *tree_state_name(enum tree_state s)
{
	static const char *const names[] = {
		[STATE_UNKNOWN] = "unknown",
		[STATE_LEFTOVER] = "leftover",
		[STATE_BROKEN] = "broken",
		[STATE_ADDED] = "added",
		[STATE_BUILT] = "built",
		[STATE_INSTALLED_WEAK] = "installed-weak",
		[STATE_INSTALLED] = "installed",
	};

	return names[s];
}

/* Tells whether the error r of opening a directory means that there is none: the entry is
 * no directory, or it has been removed since its parent was read. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* What the entry source of a directory NAME/VERSION is. */
enum source_kind { SOURCE_MISSING, SOURCE_LINK, SOURCE_OTHER };

/* Returns whether NAME/VERSION, a directory, is added, broken or a leftover. If it cannot be
 * read, it is no leftover. *ret_no_conf says whether a source has certainly no dkms.conf. */
static enum tree_state source_state(int version_fd, enum source_kind kind,
	const char *source_tree, const char *name, const char *version, bool *ret_no_conf)
{
	_cleanup_free_ char *source = NULL;
	struct kernel_names built = {0};
	bool worth;

	*ret_no_conf = false;
	/* Mostly one system call tells all. */
	if (kind == SOURCE_LINK && faccessat(version_fd, "source/dkms.conf", F_OK, 0) == 0)
		return STATE_ADDED;
	*ret_no_conf = kind == SOURCE_LINK && errno == ENOENT;
	if (kind != SOURCE_MISSING)
		return kind == SOURCE_LINK && is_dir_at(version_fd, "source") ? STATE_ADDED
									      : STATE_BROKEN;
	source = source_tree ? xasprintf("%s/%s-%s", source_tree, name, version) : NULL;
	worth = (source && path_is_dir(source)) ||
		built_kernels_list(version_fd, ".", &built) < 0 || built.n;
	kernel_names_done(&built);
	return worth ? STATE_BROKEN : STATE_LEFTOVER;
}

/* Splits the target of a link kernel-RELEASE-ARCH, "VERSION/RELEASE/ARCH", in place.
 * Returns false if the target has another form. The name of the link cannot be split,
 * because both of its parts may contain dashes. */
static bool split_target(char *target, char *ret[3])
{
	while (has_prefix(target, "./"))
		target += 2;
	for (int i = 0; i < 3; i++) {
		size_t len = strcspn(target, "/");

		if (len == 0 || target[0] == '.' || (target[len] == '\0') != (i == 2))
			return false;
		ret[i] = target;
		target[len] = '\0';
		target += len + 1;
	}
	return true;
}

/* Tells whether the link NAME/kernel-RELEASE-ARCH, whose target is given, leads to
 * VERSION/RELEASE/ARCH. A plain relative target is compared as text; otherwise the
 * directories that both lead to are compared. */
static bool link_leads_to(int name_fd, const char *target, const char *version,
	const char *release, const char *arch)
{
	_cleanup_free_ char *want = xasprintf("%s/%s/%s", version, release, arch);
	_cleanup_free_ char *link = NULL;
	struct stat a, b;

	if (streq(target, want))
		return true;
	if (target[0] != '/' && target[0] != '.')
		return false;
	link = xasprintf(TREE_LINK_PREFIX "%s-%s", release, arch);
	return fstatat(name_fd, link, &a, 0) == 0 && fstatat(name_fd, want, &b, 0) == 0 &&
	       stat_is_same(&a, &b);
}

/* A link that says that a version is installed. */
struct kernel_link {
	const char *key; /* the name without the prefix: RELEASE-ARCH */
	char *target;
};

/* The data of one thread that reads the tree. */
struct reader {
	int tree_fd;
	const struct dirents *names; /* of the tree */
	const char *source_tree;
	const struct tree_filter *filter;
	struct tree_list list;
	size_t room; /* the number of elements that list.entries has space for */
	int code;    /* negative errno of the first failure */
	struct error err;
	char arch[NAME_MAX + 1]; /* the architecture found last */
	/* Of the module being read: */
	const char *name;
	int name_fd;
	bool originals; /* original_module exists */
	struct kernel_link *links;
	size_t n_links;
};

static bool matches(const char *want, const char *s)
{
	return !want || !s || streq(want, s);
}

bool tree_filter_passes(const struct tree_filter *f, struct version_on_kernel on)
{
	if (!f)
		return true;
	for (; f; f = f->next)
		if (matches(f->name, on.name) &&
			matches(f->version, on.version) &&
			matches(f->release, on.release) &&
			matches(f->arch, on.arch))
			return true;
	return false;
}

/* Tells whether a part of the module being read passes the filter. */
static bool passes(const struct reader *r, const char *version, const char *release,
	const char *arch)
{
	return tree_filter_passes(
		r->filter, version_on_kernel(r->name, version, release, arch));
}

static struct tree_entry *push_entry(
	struct reader *r, const char *version, enum tree_state state)
{
	struct tree_entry *e;

	if (r->list.n == r->room) {
		r->room = 2 * r->room + 16;
		r->list.entries = xrealloc_array(
			r->list.entries, r->room, sizeof(*r->list.entries));
	}
	e = &r->list.entries[r->list.n++];
	*e = (struct tree_entry){
		.name = xstrdup(r->name), .version = xstrdup(version), .state = state};
	return e;
}

static bool is_installed(const struct reader *r, const char *version, const char *release,
	const char *arch)
{
	size_t len = strlen(release);

	for (size_t i = 0; i < r->n_links; i++) {
		const struct kernel_link *l = &r->links[i];

		if (strncmp(l->key, release, len) == 0 && l->key[len] == '-' &&
			streq(l->key + len + 1, arch))
			return link_leads_to(
				r->name_fd, l->target, version, release, arch);
	}
	return false;
}

/* Tells whether files were added to module/ or removed from it after it was published.
 * The rename that publishes sets the change time of above, the parent directory of
 * module/. The other dkms makes both directories first and copies the modules there
 * later. */
static bool is_changed(const struct stat *module, const struct stat *above)
{
	if (module->st_mtim.tv_sec != above->st_ctim.tv_sec)
		return module->st_mtim.tv_sec > above->st_ctim.tv_sec;
	return module->st_mtim.tv_nsec > above->st_ctim.tv_nsec;
}

/* Adds an entry if path, the directory RELEASE/ARCH relative to fd, is built and passes
 * the filter. Returns whether it is built. */
static bool push_built(struct reader *r, int fd, const char *path, const char *version,
	const char *release, const char *arch)
{
	char module_path[2 * NAME_MAX + sizeof("//module")];
	struct stat module, above;
	struct tree_entry *e;
	int code;

	snprintf(module_path, sizeof(module_path), "%s/module", path);
	if (fstatat(fd, module_path, &module, 0) < 0 || !S_ISDIR(module.st_mode))
		return false;
	/* Without namespaces a link stands here while POST_BUILD runs. */
	code = fstatat(fd, path, &above, AT_SYMLINK_NOFOLLOW);
	if (code == 0 && S_ISLNK(above.st_mode))
		return false;
	if (!passes(r, version, release, arch))
		return true;
	e = push_entry(r, version,
		is_installed(r, version, release, arch) ? STATE_INSTALLED : STATE_BUILT);
	e->release = xstrdup(release);
	e->arch = xstrdup(arch);
	e->changed = code < 0 || is_changed(&module, &above);
	if (r->originals) {
		_cleanup_free_ char *original =
			xasprintf(TREE_ORIGINALS "/%s/%s", release, arch);

		e->has_original = is_dir_at(r->name_fd, original);
	}
	return true;
}

/* Reads RELEASE without listing it, which works in most cases: it has one ARCH only, the
 * same as the release before. On file systems that count the links of directories, a
 * directory with three links (its own name, its "." and the ".." of a subdirectory) has
 * exactly one subdirectory, so if the expected ARCH exists, there is no other. Returns
 * whether the release has been read. */
static bool read_expected_arch(
	struct reader *r, int version_fd, const char *version, const char *release)
{
	char path[2 * NAME_MAX + sizeof("/")];
	struct stat st;

	if (!r->arch[0] || fstatat(version_fd, release, &st, 0) < 0 || st.st_nlink != 3)
		return false;
	snprintf(path, sizeof(path), "%s/%s", release, r->arch);
	return push_built(r, version_fd, path, version, release, r->arch);
}

static int fail_unreadable(
	struct reader *r, int code, const char *version, const char *release)
{
	return error_errno(&r->err, code, 1, "cannot read %s%s%s%s%s in the dkms tree",
		r->name, version ? "/" : "", version ? version : "", release ? "/" : "",
		release ? release : "");
}

static int read_release(
	struct reader *r, int version_fd, const char *version, const char *release)
{
	_cleanup_close_ int fd = -1;
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int code;

	if (read_expected_arch(r, version_fd, version, release))
		return 0;
	fd = dir_open_at(version_fd, release);
	code = fd < 0 ? fd : dirents_read(fd, &dirents);
	if (code < 0)
		return is_absent(code) ? 0 : fail_unreadable(r, code, version, release);
	for (size_t i = 0; i < dirents.n; i++) {
		const char *arch = dirents.items[i].name;

		if (dir_entry_may_be_dir(&dirents.items[i]) &&
			push_built(r, fd, arch, version, release, arch))
			snprintf(r->arch, sizeof(r->arch), "%s", arch);
	}
	return 0;
}

static int read_version(struct reader *r, const char *version)
{
	_cleanup_close_ int fd = dir_open_at(r->name_fd, version);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int code = fd < 0 ? fd : dirents_read(fd, &dirents);
	size_t before = r->list.n;
	enum source_kind kind = SOURCE_MISSING;
	enum tree_state state;
	bool no_conf;

	if (code < 0)
		return is_absent(code) ? 0 : fail_unreadable(r, code, version, NULL);
	for (size_t i = 0; i < dirents.n; i++)
		if (streq(dirents.items[i].name, "source"))
			kind = dir_entry_is_link(fd, &dirents.items[i]) ? SOURCE_LINK
									: SOURCE_OTHER;
	state = source_state(fd, kind, r->source_tree, r->name, version, &no_conf);
	for (size_t i = 0; i < dirents.n && state == STATE_ADDED; i++) {
		const struct dir_entry *d = &dirents.items[i];

		if (!dir_entry_may_be_dir(d) || !built_kernels_is_release(d->name) ||
			!passes(r, version, d->name, NULL))
			continue;
		code = read_release(r, fd, version, d->name);
		if (code < 0)
			return code;
	}
	if (r->list.n == before)
		push_entry(r, version, state);
	for (size_t i = before; i < r->list.n; i++)
		r->list.entries[i].no_conf = no_conf && state == STATE_ADDED;
	return 0;
}

/* Reads the links kernel-RELEASE-ARCH of a module, which must be known before its
 * versions are read. Ignores a link whose target cannot be read. */
static void read_links(struct reader *r, const struct dirents *dirents)
{
	for (size_t i = 0; i < dirents->n; i++) {
		const struct dir_entry *d = &dirents->items[i];
		char target[4096];
		ssize_t n;

		if (!has_prefix(d->name, TREE_LINK_PREFIX))
			continue;
		n = readlinkat(r->name_fd, d->name, target, sizeof(target));
		if (n <= 0 || (size_t)n == sizeof(target))
			continue;
		if ((r->n_links & (r->n_links + 1)) == 0)
			r->links = xrealloc_array(
				r->links, 2 * (r->n_links + 1), sizeof(*r->links));
		r->links[r->n_links++] = (struct kernel_link){
			d->name + strlen(TREE_LINK_PREFIX), xstrndup(target, (size_t)n)};
	}
}

static int read_name(struct reader *r, const char *name)
{
	_cleanup_close_ int fd = dir_open_at(r->tree_fd, name);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int code = fd < 0 ? fd : dirents_read(fd, &dirents);

	r->name = name;
	r->name_fd = fd;
	r->originals = false;
	if (code < 0)
		return is_absent(code) ? 0 : fail_unreadable(r, code, NULL, NULL);
	read_links(r, &dirents);
	for (size_t i = 0; i < dirents.n; i++)
		r->originals =
			r->originals || streq(dirents.items[i].name, TREE_ORIGINALS);
	for (size_t i = 0; i < dirents.n && code == 0; i++) {
		const struct dir_entry *d = &dirents.items[i];

		if (dir_entry_may_be_dir(d) && names_is_version(d->name) &&
			passes(r, d->name, NULL, NULL))
			code = read_version(r, d->name);
	}
	for (size_t i = 0; i < r->n_links; i++)
		free(r->links[i].target);
	free(r->links);
	r->links = NULL;
	r->n_links = 0;
	return code;
}

/* Like version_compare(), but also orders versions that are equal and written
 * differently, such as 1.0 and 1.00. */
static int compare_versions(const char *a, const char *b)
{
	int r = version_compare(a, b);

	return r ? r : strcmp(a, b);
}

/* Compares the names as strcmp() does "NAME/": other versions of dkms sort their lines. */
static int compare_names(const char *a, const char *b)
{
	for (; *a && *a == *b; b++)
		a++;
	return (unsigned char)(*a ? *a : '/') - (unsigned char)(*b ? *b : '/');
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct tree_entry *a = pa, *b = pb;
	int r = compare_names(a->name, b->name);

	if (r == 0)
		r = compare_versions(a->version, b->version);
	if (r == 0 && a->release && b->release)
		r = compare_versions(a->release, b->release);
	if (r == 0 && a->arch && b->arch)
		r = strcmp(a->arch, b->arch);
	return r;
}

/* Starting a thread takes as long as reading some 20 modules. */
#define NAMES_PER_THREAD 50

static void read_nth_name(void *arg, size_t thread, size_t i)
{
	struct reader *r = (struct reader *)arg + thread;
	const struct dir_entry *d = &r->names->items[i];

	r->name = d->name;
	if (r->code == 0 && dir_entry_may_be_dir(d) && passes(r, NULL, NULL, NULL))
		r->code = read_name(r, d->name);
}

/* Moves the entries and the error of a reader to list and err. Returns its code. */
static int take_list(struct tree_list *list, struct reader *r, struct error *err)
{
	int code = r->code;

	if (r->list.n) {
		list->entries = xrealloc_array(
			list->entries, list->n + r->list.n, sizeof(*list->entries));
		memcpy(list->entries + list->n, r->list.entries,
			r->list.n * sizeof(*list->entries));
		list->n += r->list.n;
	}
	free(r->list.entries);
	error_move(err, &r->err);
	return code;
}

void tree_list_sort(struct tree_list *l)
{
	if (l->n > 1)
		qsort(l->entries, l->n, sizeof(*l->entries), compare_entries);
}

int tree_read(const char *dkms_tree, const char *source_tree,
	const struct tree_filter *filter, struct tree_list *ret, struct error *err)
{
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, dkms_tree);
	_cleanup_(dirents_done) struct dirents names = {0};
	struct reader readers[PARALLEL_MAX];
	struct tree_list list = {0};
	size_t threads;
	int code = fd < 0 ? fd : dirents_read(fd, &names);

	if (code < 0 && code != -ENOENT)
		return error_errno(
			err, code, 1, "cannot read the dkms tree %s", dkms_tree);
	code = 0;
	threads = parallel_threads(names.n, NAMES_PER_THREAD);
	for (size_t i = 0; i < threads; i++)
		readers[i] = (struct reader){.tree_fd = fd,
			.names = &names,
			.source_tree = source_tree,
			.filter = filter};
	parallel_for(names.n, threads, read_nth_name, readers);
	for (size_t i = 0; i < threads; i++) {
		int r = take_list(&list, &readers[i], err);

		code = code ? code : r;
	}
	if (code < 0) {
		tree_list_done(&list);
		return code;
	}
	tree_list_sort(&list);
	*ret = list;
	return 0;
}

void tree_list_done(struct tree_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct tree_entry *e = &l->entries[i];

		free(e->name);
		free(e->version);
		free(e->release);
		free(e->arch);
		free(e->weak_release);
	}
	free(l->entries);
	*l = (struct tree_list){0};
}

int tree_read_built(const char *dkms_tree, struct version_on_kernel on,
	enum tree_state *ret, struct error *err)
{
	_cleanup_free_ char *dir = tree_built_dir(dkms_tree, on);
	_cleanup_free_ char *module = path_join(dir, "module"), *installed = NULL, *link = NULL;
	struct stat st;
	int r = stat(module, &st) < 0 ? -errno : 0;

	*ret = STATE_UNKNOWN;
	/* The link is the one in push_built(). */
	if (is_absent(r) || link_read(dir, &link) == 0)
		return 0;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", module);
	r = S_ISDIR(st.st_mode) ? tree_read_installed(dkms_tree, on, &installed, err) : 0;
	if (r == 0 && S_ISDIR(st.st_mode))
		*ret = installed && streq(installed, on.version) ? STATE_INSTALLED : STATE_BUILT;
	return r;
}

int tree_read_state(const char *dkms_tree, const char *source_tree,
	struct version_on_kernel on, enum tree_state *ret, struct error *err)
{
	_cleanup_free_ char *path = tree_version_dir(dkms_tree, on.name, on.version);
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, path);
	enum source_kind kind = SOURCE_MISSING;
	enum tree_state built;
	struct stat st;
	bool no_conf;
	int r = fd;

	*ret = STATE_UNKNOWN;
	if (r >= 0)
		r = fstatat(fd, "source", &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (r < 0 && !is_absent(r))
		return error_errno(err, r, 1, "cannot read %s", path);
	if (fd < 0)
		return 0;
	if (r == 0)
		kind = S_ISLNK(st.st_mode) ? SOURCE_LINK : SOURCE_OTHER;
	*ret = source_state(fd, kind, source_tree, on.name, on.version, &no_conf);
	if (*ret != STATE_ADDED || !on.release || !on.arch)
		return 0;
	r = tree_read_built(dkms_tree, on, &built, err);
	if (r == 0 && built != STATE_UNKNOWN)
		*ret = built;
	return r;
}

enum tree_state tree_state(
	const char *dkms_tree, const char *source_tree, struct version_on_kernel on)
{
	enum tree_state state;

	return tree_read_state(dkms_tree, source_tree, on, &state, NULL) < 0
		       ? STATE_UNKNOWN
		       : state;
}

/* Returns the version that a link made by hand leads to, whose target is absolute or
 * contains dots; NULL if there is none. The caller frees. */
static int find_version_of_link(const char *dkms_tree, const char *target,
	struct version_on_kernel on, char **ret)
{
	_cleanup_free_ char *name_dir = path_join(dkms_tree, on.name);
	_cleanup_close_ int name_fd = dir_open_at(AT_FDCWD, name_dir);
	_cleanup_(strv_done) struct strv versions = {0};
	int r = name_fd < 0 ? name_fd
			    : tree_list_versions(dkms_tree, on.name, &versions);

	for (size_t i = 0; i < versions.n && r == 0 && !*ret; i++)
		if (link_leads_to(name_fd, target, versions.items[i], on.release,
			    on.arch))
			*ret = xstrdup(versions.items[i]);
	return r;
}

int tree_read_installed(const char *dkms_tree, struct version_on_kernel on, char **ret,
	struct error *err)
{
	_cleanup_free_ char *link = tree_installed_link(dkms_tree, on);
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *module = path_join(link, "module");
	struct stat st;
	char *part[3];
	int r = link_read(link, &target);

	*ret = NULL;
	if (r == 0)
		r = stat(module, &st) < 0 ? -errno : 0;
	if (r == -EINVAL || is_absent(r) || (r == 0 && !S_ISDIR(st.st_mode)))
		return 0;
	if (r == 0 && (target[0] == '/' || target[0] == '.'))
		r = find_version_of_link(dkms_tree, target, on, ret);
	else if (r == 0 && split_target(target, part) && streq(part[1], on.release) &&
		 streq(part[2], on.arch))
		*ret = xstrdup(part[0]);
	return r < 0 ? error_errno(err, r, 1, "cannot read %s", link) : 0;
}

char *tree_installed_version(const char *dkms_tree, struct version_on_kernel on)
{
	char *version = NULL;

	tree_read_installed(dkms_tree, on, &version, NULL);
	return version;
}

/* Appends the names of the directories in path that accept() lets pass (NULL: all). */
static int list_dirs(const char *path, bool (*accept)(const char *), struct strv *ret)
{
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, path);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int r = fd < 0 ? fd : dirents_read(fd, &dirents);

	if (r < 0)
		return is_absent(r) ? 0 : r;
	for (size_t i = 0; i < dirents.n; i++) {
		const struct dir_entry *d = &dirents.items[i];

		if ((!accept || accept(d->name)) && dir_entry_is_dir(fd, d))
			strv_push(ret, d->name);
	}
	return 0;
}

static int compare_version_items(const void *a, const void *b)
{
	return compare_versions(*(char *const *)a, *(char *const *)b);
}

int tree_list_versions(const char *dkms_tree, const char *name, struct strv *ret)
{
	_cleanup_free_ char *path = path_join(dkms_tree, name);
	int r = list_dirs(path, names_is_version, ret);

	if (r == 0 && ret->n > 1)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_version_items);
	return r;
}

int tree_list_modules(const char *dkms_tree, struct strv *ret)
{
	int r = list_dirs(dkms_tree, NULL, ret);

	strv_sort(ret);
	return r;
}

char *tree_version_dir(const char *dkms_tree, const char *name, const char *version)
{
	return xasprintf("%s/%s/%s", dkms_tree, name, version);
}

char *tree_built_dir(const char *dkms_tree, struct version_on_kernel on)
{
	return xasprintf(
		"%s/%s/%s/%s/%s", dkms_tree, on.name, on.version, on.release, on.arch);
}

char *tree_module_dir(const char *dkms_tree, struct version_on_kernel on)
{
	_cleanup_free_ char *dir = tree_built_dir(dkms_tree, on);

	return path_join(dir, "module");
}

bool tree_is_from_archive(const char *dkms_tree, struct version_on_kernel on)
{
	_cleanup_free_ char *dir = tree_built_dir(dkms_tree, on);
	_cleanup_free_ char *mark = path_join(dir, TREE_FROM_ARCHIVE);

	return path_look(mark) != 0;
}

bool tree_has_changed(const char *dkms_tree, struct version_on_kernel on)
{
	_cleanup_free_ char *dir = tree_built_dir(dkms_tree, on);
	_cleanup_free_ char *path = path_join(dir, "module");
	struct stat module, above;

	return stat(path, &module) == 0 && lstat(dir, &above) == 0 &&
	       is_changed(&module, &above);
}

char *tree_installed_link(const char *dkms_tree, struct version_on_kernel on)
{
	return xasprintf("%s/%s/" TREE_LINK_PREFIX "%s-%s", dkms_tree, on.name,
		on.release, on.arch);
}

char *tree_original_dir(const char *dkms_tree, struct version_on_kernel on)
{
	return xasprintf("%s/%s/" TREE_ORIGINALS "/%s/%s", dkms_tree, on.name, on.release,
		on.arch);
}
