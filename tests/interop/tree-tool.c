/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes a dkms tree for scripts: tree-tool ROOT COMMAND ARG... ROOT has the trees dkms,
 * src and lib. Prints nothing on success. */
#include "config.h"

#include "base/file.h"
#include "builder/host/settings.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"

static char *arg[8]; /* unused ones are "" */

static int add(const struct settings *s, struct error *err)
{
	_cleanup_free_ char *source =
		xasprintf("%s/%s-%s", s->trees.source, arg[0], arg[1]);

	return tree_add(s->trees.dkms, arg[0], arg[1], source, 0, err);
}

/* publish NAME VERSION RELEASE ARCH FILE: publishes a built module */
static int publish(const struct settings *s, struct error *err)
{
	_cleanup_free_ char *stage = NULL;
	_cleanup_free_ char *module = NULL;
	_cleanup_free_ char *to = NULL;
	_cleanup_close_ int lock = -1;
	int r = tree_stage_build(s->trees.dkms, arg[0], arg[1], &stage, &lock, err);

	if (r < 0)
		return r;
	module = path_join(stage, "module");
	to = path_join(module, path_base(arg[4]));
	r = dir_make(module, err);
	if (r == 0)
		r = file_copy(arg[4], to, err);
	if (r == 0)
		r = tree_publish(s->trees.dkms,
			version_on_kernel(arg[0], arg[1], arg[2], arg[3]), stage, err);
	return r;
}

static int unpublish(const struct settings *s, struct error *err)
{
	return tree_unpublish(
		s->trees.dkms, version_on_kernel(arg[0], arg[1], arg[2], arg[3]), err);
}

static int installed(const struct settings *s, struct error *err)
{
	return tree_set_installed(s->trees.dkms,
		version_on_kernel(arg[0], arg[1], arg[2], arg[3]), true, err);
}

static int uninstalled(const struct settings *s, struct error *err)
{
	return tree_set_installed(s->trees.dkms,
		version_on_kernel(arg[0], arg[1], arg[2], arg[3]), false, err);
}

static int forget(const struct settings *s, struct error *err)
{
	return tree_forget(s->trees.dkms, arg[0], arg[1], err);
}

static const struct {
	const char *name;
	int (*run)(const struct settings *s, struct error *err);
} commands[] = {
	{"add", add},
	{"publish", publish},
	{"unpublish", unpublish},
	{"installed", installed},
	{"uninstalled", uninstalled},
	{"forget", forget},
};

int main(int argc, char *argv[])
{
	static char empty[] = "";
	struct settings s;
	struct error err = {0};
	int r = -1;

	for (int i = 0; i < (int)ARRAY_SIZE(arg); i++)
		arg[i] = 3 + i < argc ? argv[3 + i] : empty;
	settings_init(&s);
	if (argc >= 3) {
		free(s.trees.dkms);
		free(s.trees.source);
		free(s.trees.install);
		s.trees.dkms = path_join(argv[1], "dkms");
		s.trees.source = path_join(argv[1], "src");
		s.trees.install = path_join(argv[1], "lib");
	}
	for (size_t i = 0; argc >= 3 && i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i].name, argv[2]))
			r = commands[i].run(&s, &err);
	if (r < 0)
		fprintf(stderr, "tree-tool: %s\n", err.what ? err.what : "failed");
	error_done(&err);
	settings_done(&s);
	return r < 0;
}
