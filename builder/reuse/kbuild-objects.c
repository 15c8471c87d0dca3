/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects has kbuild compiled, and from which files? */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/reuse/cmdfile.h"
#include "builder/reuse/kbuild-objects.h"
#include "builder/reuse/kbuild.h"

/* Larger than any .cmd file (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

void build_walk(const struct build *b,
	void (*visit)(void *userdata, const struct build *b, const char *name), void *userdata)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, b->work_dir, WALK_SORTED);

	while (r == 0 && (e = walk_next(&w)))
		if (e->type != DT_DIR && !e->error)
			visit(userdata, b, e->path);
}

/* The command has the compiler read files that are in no list: options in a file, a
 * plug-in, headers of the system, what the assembler includes. */
static bool reads_more(const char *command)
{
	static const char *const signs[] = {" -isystem", " -idirafter", " @", "\"@", "'@", ",@",
		" -B", " -fplugin=", " -fprofile-use", " -fauto-profile", "-specs=", "incbin"};

	if (!strstr(command, " -nostdinc "))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(command, signs[i]))
			return true;
	return false;
}

/* Somebody has changed the object after kbuild had made it, and noted how. */
static bool is_later(const struct stat *object, const struct stat *cmd)
{
	return timespec_ns(&object->st_mtim) > timespec_ns(&cmd->st_mtim);
}

static void object_done(struct object *o)
{
	free(o->name);
	free(o->cmd_name);
	strv_done(&o->read);
	strv_done(&o->configs);
}

/* path as make saw it when it worked in cwd, made absolute; "./" is dropped. Caller
 * frees. */
static char *resolve(const char *cwd, const char *path)
{
	while (has_prefix(path, "./"))
		path += 2;
	return *path == '/' ? xstrdup(path) : path_join(cwd, path);
}

/* The directory that make worked in: TARGET there is the object. Caller frees; NULL when
 * that is not so. */
static char *make_dir(const struct build *b, const char *target, const char *name)
{
	_cleanup_free_ char *seen = path_join(b->paths.build_dir, name);

	if (*target == '/')
		return streq(target, seen) ? xstrdup(b->header_mounts.items[1]) : NULL;
	if (!has_suffix(seen, target) || seen[strlen(seen) - strlen(target) - 1] != '/')
		return NULL;
	return xstrndup(seen, strlen(seen) - strlen(target) - 1);
}

void compiled_done(struct compiled *c)
{
	for (size_t i = 0; i < c->n; i++)
		object_done(&c->items[i]);
	free(c->items);
}

/* Adds the object that name is the .cmd file of. */
static void collect(void *userdata, const struct build *b, const char *name)
{
	struct compiled *all = userdata;
	const char *base = path_base(name);
	_cleanup_free_ char *path = path_join(b->work_dir, name);
	_cleanup_free_ char *object = NULL, *object_path = NULL, *cwd = NULL, *source = NULL;
	_cleanup_(cmdfile_done) struct cmdfile cmd = {0};
	_cleanup_(str_done) struct str text = {0};
	struct object *o;
	struct stat st, object_st;

	if (*base != '.' || !has_suffix(base, ".o.cmd") || strpbrk(name, " \t\n\\"))
		return;
	object = xasprintf("%.*s%.*s", (int)(base - name), name,
		(int)(strlen(base) - 1 - strlen(".cmd")), base + 1);
	object_path = path_join(b->work_dir, object);
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		lstat(object_path, &object_st) < 0 || !S_ISREG(object_st.st_mode) ||
		is_later(&object_st, &st))
		return;
	if (file_read(path, FILE_MAX, &text, NULL) < 0 || !text.data ||
		cmdfile_parse(text.data, &cmd) < 0)
		return;
	if (reads_more(cmd.command))
		return;
	cwd = make_dir(b, cmd.target, object);
	if (!cwd)
		return;
	source = resolve(cwd, cmd.files.items[0]);
	if (!path_is_below(source, b->paths.build_dir))
		return;
	all->items = xrealloc_array(all->items, all->n + 1, sizeof(*all->items));
	o = &all->items[all->n++];
	*o = (struct object){.name = TAKE_PTR(object), .cmd_name = xstrdup(name),
		.configs = cmd.configs};
	cmd.configs = (struct strv){0};
	/* -DX=CONFIG_Y */
	kbuild_find_options(cmd.command, &o->configs);
	for (size_t i = 0; i < cmd.files.n; i++)
		strv_take(&o->read, resolve(cwd, cmd.files.items[i]));
}

void compiled_find(const struct build *b, struct compiled *ret)
{
	build_walk(b, collect, ret);
}
