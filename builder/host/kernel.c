/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does this machine have of a kernel: headers, configuration, modules? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/walk.h"
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

/* Returns whether an entry of the install tree is a link to another one, "current" to
 * 6.1.0-56-amd64: another name of that kernel, not one more. */
static bool is_other_name(const struct settings *s, const char *name)
{
	_cleanup_free_ char *path = path_join(s->trees.install, name);
	_cleanup_free_ char *target = NULL, *dir = NULL, *real = NULL, *tree = NULL;

	if (link_read(path, &target) < 0)
		return false;
	real = realpath(path, NULL);
	dir = real ? path_parent(real) : NULL;
	tree = realpath(s->trees.install, NULL);
	return dir && tree && streq(dir, tree);
}

char *kernel_real_release(const struct settings *s, const char *name)
{
	_cleanup_free_ char *path = path_join(s->trees.install, name);
	_cleanup_free_ char *real = NULL;

	if (strchr(name, '/') || !is_other_name(s, name))
		return xstrdup(name);
	real = realpath(path, NULL);
	return xstrdup(real ? path_base(real) : name);
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

		if (has_include(headers) && !is_other_name(s, names.items[i]))
			strv_push(&found, names.items[i]);
	}
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_releases);
	strv_extend(ret, &found);
	strv_done(&found);
	return 0;
}

/* Returns whether a kernel of that release is installed: 2 if itself, 1 if its headers are, 0
 * if neither is. */
static int installed_parts(const struct settings *s, const char *release)
{
	struct kernel *k = kernel_new(s, release, "");
	int parts = kernel_has_image(k) ? 2 : k->has_headers ? 1 : 0;

	kernel_free(k);
	return parts;
}

int kernel_list(const struct settings *s, struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct strv found = {0};
	int r = dir_list(s->trees.install, &names);

	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; i < names.n; i++)
		if (!is_other_name(s, names.items[i]) && installed_parts(s, names.items[i]))
			strv_push(&found, names.items[i]);
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_releases);
	strv_extend(ret, &found);
	strv_done(&found);
	return 0;
}

char *kernel_default_release(const struct settings *s, bool *ret_other)
{
	char *running = kernel_running_release();
	_cleanup_(strv_done) struct strv names = {0};
	const char *newest = NULL;
	int parts = 0;

	*ret_other = false;
	/* --kernelsourcedir has the headers of the running kernel. */
	if (!is_empty(s->kernel.source_dir) || installed_parts(s, running))
		return running;
	dir_list(s->trees.install, &names);
	for (size_t i = 0; i < names.n; i++) {
		int has = is_other_name(s, names.items[i])
				  ? 0
				  : installed_parts(s, names.items[i]);

		if (has > parts || (has && has == parts &&
					   version_compare(names.items[i], newest) > 0)) {
			newest = names.items[i];
			parts = has;
		}
	}
	if (newest) {
		str_replace(&running, newest);
		*ret_other = true;
	}
	return running;
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

	k->mark_fd = -1;
	k->release = xstrdup(release);
	k->arch = xstrdup(arch);
	k->dir = path_join(s->trees.install, release);
	k->headers = is_empty(s->kernel.source_dir) ? path_join(k->dir, "build")
						    : xstrdup(s->kernel.source_dir);
	k->config_path = find_config(s, k->headers);
	k->has_headers = has_include(k->headers);
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->config_lock, NULL);
	pthread_mutex_init(&k->header_trees_lock, NULL);
	return k;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	kernel_forget_modules(k);
	close_ptr(&k->mark_fd);
	str_done(&k->config);
	for (size_t i = 0; i < k->n_options; i++)
		free(k->options[i].name);
	pthread_mutex_destroy(&k->header_trees_lock);
	strv_done(&k->header_trees);
	pthread_mutex_destroy(&k->config_lock);
	pthread_mutex_destroy(&k->lock);
	free(k->release);
	free(k->arch);
	free(k->dir);
	free(k->headers);
	free(k->config_path);
	free(k);
}

/* Reads the configuration and replaces the end of each line by a NUL, so that each value
 * is a string in place. */
static int read_config(struct kernel *k, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	char *c;
	int r = 0;

	if (k->config_path)
		r = file_read_optional(k->config_path, CONFIG_MAX, &text, err);
	k->config_known = r == 0;
	if (!text.len)
		return r;
	str_add(&k->config, "\n");
	str_add(&k->config, text.data); /* a configuration has no NUL bytes */
	for (c = k->config.data; c < k->config.data + k->config.len; c++)
		if (*c == '\n' || (*c == '\r' && (c[1] == '\n' || !c[1])))
			*c = '\0';
	return 0;
}

int kernel_read_config(struct kernel *k, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&k->config_lock);
	if (!k->config_known)
		r = read_config(k, err);
	pthread_mutex_unlock(&k->config_lock);
	return r;
}

/* Finds the value of an option in the text, whose lines are not sorted, because only a few of some
 * thousands are ever looked up. If two lines set one option, either may be returned; kconfig
 * writes each option once. */
static const char *find_option(const struct kernel *k, const char *option)
{
	_cleanup_free_ char *line = xasprintf("\n%s=", option);
	size_t len = strlen(line);
	const char *found;

	if (!k->config.len || !has_prefix(option, "CONFIG_"))
		return NULL;
	*line = '\0';
	found = memmem(k->config.data, k->config.len, line, len);
	return found ? found + len : NULL;
}

/* Does the same, and remembers the answer: the same few options are asked for by the jobs of
 * all packages, and to find out that one is not set takes reading the whole text. */
static const char *find_option_once(struct kernel *k, const char *option)
{
	struct kernel_option *o = k->options;

	for (; o < k->options + k->n_options; o++)
		if (streq(o->name, option))
			return o->value;
	if (k->n_options == ARRAY_SIZE(k->options))
		return find_option(k, option);
	*o = (struct kernel_option){xstrdup(option), find_option(k, option)};
	k->n_options++;
	return o->value;
}

const char *kernel_config(struct kernel *k, const char *option)
{
	const char *value = NULL;

	pthread_mutex_lock(&k->config_lock);
	if (k->config_known || read_config(k, NULL) == 0)
		value = find_option_once(k, option);
	pthread_mutex_unlock(&k->config_lock);
	return value;
}

/* Adds the module called name; path is relative to k->dir. room is the number of elements
 * that k->modules has space for. Takes name. */
static void add_module(struct kernel *k, char *name, const char *path, size_t *room)
{
	if (k->n_modules == *room) {
		*room = *room ? 2 * *room : 256;
		k->modules = xrealloc_array(k->modules, *room, sizeof(*k->modules));
	}
	k->modules[k->n_modules++] = (struct kernel_module){
		.name = name,
		.path = xstrdup(path),
	};
}

/* Adds the entry if it is the file of a module. A link to a file counts as a module:
 * weak-modules(8) makes such links. */
static void add_module_file(struct kernel *k, const struct walk_entry *e, size_t *room)
{
	char *module = module_name_of_file(e->name);
	struct stat st;

	if (module && (e->type == DT_REG || (fstatat(e->parent, e->name, &st, 0) == 0 &&
						    S_ISREG(st.st_mode))))
		add_module(k, module, e->path, room);
	else
		free(module);
}

/* Adds the modules below k->dir, but for its links and directories to the headers. On
 * failure fills in err. */
static int add_modules(struct kernel *k, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t room = 0;
	int r = walk_begin(&w, k->dir, 0);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", k->dir);
	while ((e = walk_next(&w))) {
		if (e->type == DT_DIR &&
			(streq(e->path, "build") || streq(e->path, "source")))
			walk_skip(&w);
		else if (e->error && e->error != -ENOENT)
			return error_errno(
				err, e->error, 1, "cannot read %s/%s", k->dir, e->path);
		else if (e->type == DT_REG || e->type == DT_LNK)
			add_module_file(k, e, &room);
	}
	return 0;
}

static int compare_modules(const void *a, const void *b)
{
	const struct kernel_module *ma = a, *mb = b;
	int order = strcmp(ma->name, mb->name);

	return order ? order : strcmp(ma->path, mb->path);
}

int kernel_find_modules(struct kernel *k, struct error *err)
{
	int r;

	if (k->modules_known)
		return 0;
	r = add_modules(k, err);
	if (r < 0) {
		kernel_forget_modules(k);
		return r;
	}
	if (k->n_modules)
		qsort(k->modules, k->n_modules, sizeof(*k->modules), compare_modules);
	k->modules_known = true;
	return 0;
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

int kernel_find_compression(struct kernel *k, enum compression *ret, struct error *err)
{
	int r = k->compression_known ? 0 : kernel_find_modules(k, err);

	if (r < 0)
		return r;
	if (!k->compression_known)
		k->compression = kernel_compression(k);
	k->compression_known = true;
	*ret = k->compression;
	return 0;
}

bool kernel_has_image(const struct kernel *k)
{
	_cleanup_free_ char *modules = path_join(k->dir, "kernel");
	_cleanup_free_ char *image = path_join(k->dir, "vmlinuz");
	_cleanup_free_ char *boot = xasprintf("/boot/vmlinuz-%s", k->release);

	return path_is_dir(modules) || path_exists(image) || path_exists(boot);
}
