/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does this machine have of a kernel: headers, configuration, modules? */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "builder/host/kernel.h"
#include "builder/host/version.h"

/* A larger file is not read as a kernel configuration (bytes). Real ones have some
 * 300 KiB. */
#define CONFIG_MAX (16 * 1024 * 1024)

char *kernel_running_release(void)
{
	struct utsname names;

	return xstrdup(uname(&names) == 0 ? names.release : "");
}

char *kernel_running_arch(void)
{
	struct utsname names;

	return xstrdup(uname(&names) == 0 ? names.machine : "");
}

static bool has_include(const char *headers)
{
	_cleanup_free_ char *include = path_join(headers, "include");

	return path_is_dir(include);
}

static int compare_releases(const void *a, const void *b)
{
	return version_compare(*(char *const *)a, *(char *const *)b);
}

int kernel_list_with_headers(const struct settings *s, struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct strv found = {0};
	int r;

	r = dir_list(s->trees.install, &names);
	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *headers =
			xasprintf("%s/%s/build", s->trees.install, names.items[i]);

		if (has_include(headers))
			strv_push(&found, names.items[i]);
	}
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_releases);
	strv_extend(ret, &found);
	strv_done(&found);
	return 0;
}

static char *find_config(const struct settings *s, const char *headers)
{
	static const char *const places[] = {"include/config/auto.conf", ".config"};

	if (!is_empty(s->kernel.config))
		return xstrdup(s->kernel.config);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path = path_join(headers, places[i]);

		if (path_is_file(path))
			return path;
		free(path);
	}
	return NULL;
}

struct kernel *kernel_new(const struct settings *s, const char *release, const char *arch)
{
	struct kernel *k = xcalloc(1, sizeof(*k));

	k->release = xstrdup(release);
	k->arch = xstrdup(arch);
	k->dir = path_join(s->trees.install, release);
	k->headers = is_empty(s->kernel.source_dir) ? path_join(k->dir, "build")
						    : xstrdup(s->kernel.source_dir);
	k->config_path = find_config(s, k->headers);
	k->has_headers = has_include(k->headers);
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->config_lock, NULL);
	return k;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	kernel_forget_modules(k);
	str_done(&k->config);
	pthread_mutex_destroy(&k->config_lock);
	pthread_mutex_destroy(&k->lock);
	free(k->release);
	free(k->arch);
	free(k->dir);
	free(k->headers);
	free(k->config_path);
	free(k);
}

int kernel_lock(const struct kernel *k, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = open(k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return error_errno(err, -errno, 1, "cannot open %s", k->dir);
	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		*ret_fd = take_fd(&fd);
	return 0;
}

/* Reads the configuration and replaces the end of each line by a NUL, so that each value
 * is a string in place. */
static void read_config(struct kernel *k)
{
	_cleanup_(str_done) struct str text = {0};
	char *c;

	if (!k->config_path || file_read(k->config_path, CONFIG_MAX, &text, NULL) < 0 ||
		!text.len)
		return;
	str_add(&k->config, "\n");
	str_add(&k->config, text.data); /* a configuration has no NUL bytes */
	for (c = k->config.data; c < k->config.data + k->config.len; c++)
		if (*c == '\n' || (*c == '\r' && (c[1] == '\n' || !c[1])))
			*c = '\0';
}

/* The lines are not sorted, because only a few of some thousands are ever looked up. If
 * two lines set one option, either may be returned; kconfig writes each option once. */
const char *kernel_config(struct kernel *k, const char *option)
{
	_cleanup_free_ char *line = xasprintf("\n%s=", option);
	size_t len = strlen(line);
	const char *found;

	pthread_mutex_lock(&k->config_lock);
	if (!k->config_known)
		read_config(k);
	k->config_known = true;
	pthread_mutex_unlock(&k->config_lock);
	if (!k->config.len || !has_prefix(option, "CONFIG_"))
		return NULL;
	*line = '\0';
	found = memmem(k->config.data, k->config.len, line, len);
	return found ? found + len : NULL;
}

/* The state of a walk through a kernel's directory. */
struct walk {
	struct kernel *k; /* the kernel whose modules it fills in */
	size_t room;	  /* the number of elements that k->modules has space for */
	struct str path;  /* of the entry looked at last, relative to k->dir */
};

static void add_module(struct walk *w, char *name)
{
	struct kernel *k = w->k;

	if (k->n_modules == w->room) {
		w->room = w->room ? 2 * w->room : 256;
		k->modules = xrealloc_array(k->modules, w->room, sizeof(*k->modules));
	}
	k->modules[k->n_modules++] = (struct kernel_module){
		.name = name,
		.path = xstrdup(w->path.data),
	};
}

static int walk_dir(struct walk *w, int fd);

/* Looks at the entry name of the directory dir; w->path ends with that name. */
static int walk_entry(struct walk *w, int dir, const char *name, unsigned char type)
{
	char *module;
	struct stat st;

	if (type == DT_UNKNOWN) {
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
		type = IFTODT(st.st_mode);
	}
	if (type == DT_DIR) {
		int fd;

		if (streq(w->path.data, "build") || streq(w->path.data, "source"))
			return 0;
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT ? 0 : -errno;
		return walk_dir(w, fd);
	}
	if (type != DT_REG && type != DT_LNK)
		return 0;
	module = module_name_of_file(name);
	if (!module)
		return 0;
	/* A link to a file counts as a module: weak-modules(8) makes such links. */
	if (type == DT_LNK && (fstatat(dir, name, &st, 0) < 0 || !S_ISREG(st.st_mode))) {
		free(module);
		return 0;
	}
	add_module(w, module);
	return 0;
}

/* Walks the directory fd, whose path is w->path. Closes fd. */
static int walk_dir(struct walk *w, int fd)
{
	DIR *dir = fdopendir(fd);
	size_t len = w->path.len;
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		str_addf(&w->path, "%s%s", len ? "/" : "", entry->d_name);
		r = walk_entry(w, fd, entry->d_name, entry->d_type);
		if (r == 0) {
			w->path.len = len;
			w->path.data[len] = '\0';
		}
	}
	closedir(dir);
	return r;
}

static int compare_modules(const void *a, const void *b)
{
	const struct kernel_module *ma = a, *mb = b;
	int order = strcmp(ma->name, mb->name);

	return order ? order : strcmp(ma->path, mb->path);
}

int kernel_find_modules(struct kernel *k, struct error *err)
{
	struct walk w = {.k = k};
	int fd, r;

	if (k->modules_known)
		return 0;
	fd = open(k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return error_errno(err, -errno, 1, "cannot read %s", k->dir);
	r = fd < 0 ? 0 : walk_dir(&w, fd);
	if (r < 0) {
		error_errno(err, r, 1, "cannot read %s/%s", k->dir,
			w.path.len ? w.path.data : "");
		kernel_forget_modules(k);
	} else {
		if (k->n_modules)
			qsort(k->modules, k->n_modules, sizeof(*k->modules),
				compare_modules);
		k->modules_known = true;
	}
	str_done(&w.path);
	return r;
}

void kernel_forget_modules(struct kernel *k)
{
	for (size_t i = 0; i < k->n_modules; i++) {
		free(k->modules[i].name);
		free(k->modules[i].path);
	}
	free(k->modules);
	k->modules = NULL;
	k->n_modules = 0;
	k->modules_known = false;
}

enum compression kernel_compression(const struct kernel *k)
{
	/* The numbers of files outside of kernel/ and below it. */
	size_t counts[2][N_COMPRESSIONS] = {0};
	enum compression best = COMPRESSION_NONE;
	bool any_below = false;

	for (size_t i = 0; i < k->n_modules; i++) {
		const char *path = k->modules[i].path;
		bool below = has_prefix(path, "kernel/");

		counts[below][compression_of_file(path)]++;
		any_below |= below;
	}
	for (size_t i = 0; i < N_COMPRESSIONS; i++)
		if (counts[any_below][i] &&
			counts[any_below][i] >= counts[any_below][best])
			best = (enum compression)i;
	return best;
}

bool kernel_has_image(const struct kernel *k)
{
	_cleanup_free_ char *modules = path_join(k->dir, "kernel");
	_cleanup_free_ char *image = path_join(k->dir, "vmlinuz");
	_cleanup_free_ char *boot = xasprintf("/boot/vmlinuz-%s", k->release);

	return path_is_dir(modules) || path_exists(image) || path_exists(boot);
}
