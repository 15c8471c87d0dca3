/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From which files was a version built, by what stat(2) says of them? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/conf/conf.h"
#include "builder/host/header-trees.h"
#include "builder/tree/build-inputs.h"
#include "builder/tree/built-kernels.h"

/* The file has some 200 bytes and a path. */
#define FILE_MAX (1024 + PATH_MAX)

void build_inputs_done(struct build_inputs *in)
{
	free(in->compiler_path);
	*in = (struct build_inputs){0};
}

/* Looking at files */

/* Returns a number in which each bit depends on all bits of x: the end of MurmurHash3, which
 * is in the public domain. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static void add_file(
	const char *name, const struct stat *st, uint64_t content, struct file_stats *s)
{
	s->n++;
	s->hash += mix(text_hash(name, strlen(name)) ^ mix(content + 1));
	if (!S_ISLNK(st->st_mode))
		s->times += (uint64_t)st->st_mtim.tv_sec;
}

/* Adds the file or link name in the directory dir, under the name as. Returns false if it
 * cannot be looked at; one that is gone and a directory are not counted. */
static bool add_at(int dir, const char *name, const char *as, struct file_stats *s)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	if (S_ISREG(st.st_mode))
		add_file(as, &st, (uint64_t)st.st_size, s);
	if (!S_ISLNK(st.st_mode))
		return true;
	n = readlinkat(dir, name, target, sizeof(target));
	if (n >= 0)
		add_file(as, &st, text_hash(target, (size_t)n), s);
	return n >= 0;
}

/* Adds everything below a directory, which may be missing. */
static bool add_tree(const char *path, struct file_stats *s)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, path, 0);
	bool ok = true;

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR;
	while (ok && (e = walk_next(&w))) {
		if (e->type == DT_DIR && streq(e->name, ".git"))
			walk_skip(&w);
		else if (e->error)
			ok = e->error == -ENOENT;
		else if (e->type != DT_DIR)
			ok = add_at(e->parent, e->name, e->path, s);
	}
	return ok;
}

/* Adds what is in a directory of headers, but not below it. Names with a dot are files that
 * builds may leave there. */
static bool add_top(const char *path, struct file_stats *s)
{
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, path);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	bool ok = fd >= 0 && dirents_read(fd, &dirents) == 0;

	for (size_t i = 0; ok && i < dirents.n; i++)
		if (dirents.items[i].type != DT_DIR)
			ok = add_at(fd, dirents.items[i].name, dirents.items[i].name, s);
	return ok && add_at(fd, ".config", ".config", s) &&
	       add_at(fd, "include/config/auto.conf", "auto.conf", s);
}

bool build_inputs_look_at_headers(struct kernel *k, struct file_stats *ret)
{
	_cleanup_(strv_done) struct strv trees = {0};
	bool ok = true;

	*ret = (struct file_stats){0};
	header_trees_list(k, &trees);
	for (size_t i = 0; ok && i < trees.n; i++) {
		_cleanup_free_ char *generated =
			path_join(trees.items[i], "include/generated");

		ok = add_top(trees.items[i], ret) && add_tree(generated, ret);
	}
	return ok && ret->n > 0;
}

bool build_inputs_look_at_source(const char *dir, struct file_stats *ret)
{
	*ret = (struct file_stats){0};
	return add_tree(dir, ret) && ret->n > 0;
}

bool build_inputs_look_at_compiler(const char *path, struct file_stats *ret)
{
	struct stat st;

	*ret = (struct file_stats){0};
	if (stat(path, &st) < 0)
		return false;
	add_file("", &st, (uint64_t)st.st_size, ret);
	return true;
}

void build_inputs_look_at_overrides(const struct settings *s, const struct strv *names,
	struct version_on_kernel on, struct file_stats *ret)
{
	struct kernel k = {.release = (char *)on.release, .arch = (char *)on.arch};
	struct conf_request request = {
		.name = on.name, .version = on.version, .kernel = &k, .settings = s};
	_cleanup_(strv_done) struct strv files = {0};
	_cleanup_free_ char *dir = NULL;
	bool any = false;

	*ret = (struct file_stats){0};
	for (size_t i = 0; i < names->n; i++)
		any |= has_prefix(names->items[i], on.name);
	if (!any)
		return;
	conf_list_overrides(&request, &files);
	for (size_t i = 0; i < files.n; i++)
		add_at(AT_FDCWD, files.items[i], path_base(files.items[i]), ret);
	dir = path_join(s->config_dir, on.name);
	add_tree(dir, ret);
}

bool file_stats_differ(const struct file_stats *then, const struct file_stats *now)
{
	return then->n != now->n || then->hash != now->hash ||
	       (then->times != now->times && now->times > now->n);
}

/* The file */

/* Reads a blank and at most 16 hexadecimal digits at *at, and sets *at behind them. */
static bool parse_number(const char **at, uint64_t *ret)
{
	const char *digits = *at + 1, *c = digits;

	*ret = 0;
	if (**at != ' ')
		return false;
	for (; c < digits + 16; c++) {
		if (*c >= '0' && *c <= '9')
			*ret = *ret << 4 | (uint64_t)(*c - '0');
		else if (*c >= 'a' && *c <= 'f')
			*ret = *ret << 4 | (uint64_t)(*c - 'a' + 10);
		else
			break;
	}
	*at = c;
	return c > digits;
}

/* Reads a line "WHAT N TIMES HASH" at *at, and sets *at behind the hash. */
static bool parse_line(const char **at, const char *what, struct file_stats *ret)
{
	if (!has_prefix(*at, what))
		return false;
	*at += strlen(what);
	return parse_number(at, &ret->n) && parse_number(at, &ret->times) &&
	       parse_number(at, &ret->hash);
}

static bool parse(const char *text, struct build_inputs *ret)
{
	const char *at = text;

	if (!parse_line(&at, "headers", &ret->headers) || *at++ != '\n' ||
		!parse_line(&at, "source", &ret->source) || *at++ != '\n' ||
		!parse_line(&at, "overrides", &ret->overrides) || *at++ != '\n' ||
		!parse_line(&at, "compiler", &ret->compiler))
		return false;
	if (*at == ' ')
		ret->compiler_path = xstrndup(at + 1, strcspn(at + 1, "\n"));
	return true;
}

bool build_inputs_read(
	const char *version_dir, struct version_on_kernel on, struct build_inputs *ret)
{
	/* xasprintf() would take four times as long, for each module. */
	_cleanup_free_ char *release = path_join(version_dir, on.release);
	_cleanup_free_ char *arch = path_join(release, on.arch);
	_cleanup_free_ char *path = path_join(arch, BUILD_INPUTS_FILE);
	_cleanup_(str_done) struct str text = {0};

	*ret = (struct build_inputs){0};
	return file_read(path, FILE_MAX, &text, NULL) == 0 && parse(text.data, ret);
}

static void add_line(struct str *s, const char *what, const struct file_stats *f)
{
	str_addf(s, "%s %" PRIx64 " %" PRIx64 " %" PRIx64, what, f->n, f->times, f->hash);
}

int build_inputs_write(
	const char *built, const struct build_inputs *in, struct error *err)
{
	_cleanup_free_ char *path = path_join(built, BUILD_INPUTS_FILE);
	_cleanup_(str_done) struct str s = {0};

	add_line(&s, "headers", &in->headers);
	add_line(&s, "\nsource", &in->source);
	add_line(&s, "\noverrides", &in->overrides);
	add_line(&s, "\ncompiler", &in->compiler);
	if (in->compiler_path)
		str_addf(&s, " %s", in->compiler_path);
	str_add(&s, "\n");
	return file_write(path, s.data, s.len, 0644, err);
}

void build_inputs_follow_source(const char *dkms_tree, const char *name,
	const char *version, const struct file_stats *before, const struct file_stats *after)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	struct kernel_names built = {0};

	if (!file_stats_differ(before, after))
		return;
	built_kernels_list(AT_FDCWD, dir, &built);
	for (size_t i = 0; i < built.n; i++) {
		struct version_on_kernel on = version_on_kernel(
			name, version, built.items[i].release, built.items[i].arch);
		_cleanup_free_ char *path = tree_built_dir(dkms_tree, on);
		_cleanup_(build_inputs_done) struct build_inputs in = {0};

		if (!build_inputs_read(dir, on, &in) ||
			file_stats_differ(&in.source, before))
			continue;
		in.source = *after;
		build_inputs_write(path, &in, NULL);
	}
	kernel_names_done(&built);
}
