/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects has kbuild compiled, and from which files? */
#include "config.h"

#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/walk.h"
#include "builder/reuse/cmdfile.h"
#include "builder/reuse/kbuild-objects.h"
#include "builder/reuse/kbuild.h"

/* Larger than any .cmd file (bytes). */
#define FILE_MAX (16 * 1024 * 1024)

/* Whether the command line makes the compiler read files that are not in the list of
 * dependencies: options from a file, a plug-in, headers of the system, files that the
 * assembler includes. */
static bool reads_unlisted_files(const char *command)
{
	static const char *const signs[] = {" -isystem", " -idirafter", " @", "\"@", "'@",
		",@", " -B", " -fplugin=", " -fprofile-use", " -fauto-profile",
		"-specs=", "incbin"};

	if (!strstr(command, " -nostdinc "))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(command, signs[i]))
			return true;
	return false;
}

/* Whether the object was changed after kbuild had compiled it and written the .cmd
 * file. */
static bool is_newer(const struct stat *object, const struct stat *cmd)
{
	return timespec_ns(&object->st_mtim) > timespec_ns(&cmd->st_mtim);
}

static void object_done(struct kbuild_object *o)
{
	free(o->name);
	free(o->cmd_name);
	strv_done(&o->files);
	strv_done(&o->options);
}

/* Returns the absolute form of a path that make used in the directory cwd, without a
 * leading "./". The caller frees. */
static char *make_absolute(const char *cwd, const char *path)
{
	while (has_prefix(path, "./"))
		path += 2;
	return *path == '/' ? xstrdup(path) : path_join(cwd, path);
}

/* Returns the directory that make ran in: the object is called target there, and name
 * below the build directory. Returns NULL if these do not fit together. The caller
 * frees. */
static char *find_make_dir(const struct build *b, const char *target, const char *name)
{
	_cleanup_free_ char *seen = path_join(b->paths.build_dir, name);

	if (*target == '/')
		return streq(target, seen) ? xstrdup(b->header_mounts.items[1]) : NULL;
	if (!has_suffix(seen, target) || seen[strlen(seen) - strlen(target) - 1] != '/')
		return NULL;
	return xstrndup(seen, strlen(seen) - strlen(target) - 1);
}

void kbuild_objects_done(struct kbuild_objects *objects)
{
	for (size_t i = 0; i < objects->n; i++)
		object_done(&objects->items[i]);
	free(objects->items);
}

/* Adds the object to ret, if name is its .cmd file. */
static void add_object(
	const struct build *b, const char *name, struct kbuild_objects *ret)
{
	const char *base = path_base(name);
	_cleanup_free_ char *object = NULL, *cwd = NULL, *source = NULL;
	_cleanup_close_ int fd = -1, object_fd = -1;
	_cleanup_(cmdfile_done) struct cmdfile cmd = {0};
	_cleanup_(str_done) struct str text = {0};
	struct kbuild_object *o;
	struct stat st, object_st;

	if (*base != '.' || !has_suffix(base, ".o.cmd") || strpbrk(name, " \t\n\\"))
		return;
	object = xasprintf("%.*s%.*s", (int)(base - name), name,
		(int)(strlen(base) - 1 - strlen(".cmd")), base + 1);
	fd = beneath_open(b->work_dir, name, FILE_MAX, &st, NULL);
	object_fd =
		beneath_open(b->work_dir, object, BUILD_MODULE_MAX, &object_st, NULL);
	if (fd < 0 || object_fd < 0 || is_newer(&object_st, &st))
		return;
	if (file_read_fd(fd, FILE_MAX, &text) < 0 || cmdfile_parse(text.data, &cmd) < 0)
		return;
	if (reads_unlisted_files(cmd.command))
		return;
	cwd = find_make_dir(b, cmd.target, object);
	if (!cwd)
		return;
	source = make_absolute(cwd, cmd.files.items[0]);
	if (!path_is_below(source, b->paths.build_dir))
		return;
	ret->items = xrealloc_array(ret->items, ret->n + 1, sizeof(*ret->items));
	o = &ret->items[ret->n++];
	*o = (struct kbuild_object){.name = TAKE_PTR(object),
		.cmd_name = xstrdup(name),
		.options = cmd.options};
	cmd.options = (struct strv){0};
	/* The command line may contain -DX=CONFIG_Y. */
	kbuild_find_option_names(cmd.command, &o->options);
	for (size_t i = 0; i < cmd.files.n; i++)
		strv_take(&o->files, make_absolute(cwd, cmd.files.items[i]));
}

void kbuild_objects_find(const struct build *b, struct kbuild_objects *ret)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, b->work_dir, WALK_SORTED);

	while (r == 0 && (e = walk_next(&w)))
		if (e->type != DT_DIR && !e->error)
			add_object(b, e->path, ret);
}
