/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is depmod(8) called, also for an install tree other than /lib/modules? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/staging.h"
#include "builder/tree/leftovers.h"
#include "builder/install/depmod.h"

/* Makes a temporary directory for the option -b of depmod. depmod looks for lib/modules
 * in it, or for usr/lib/modules, depending on how it was built. These links lead both
 * names to the install tree:
 *
 * - BASE/lib -> usr/lib
 * - BASE/usr/lib/modules -> the install tree
 *
 * The paths in modules.dep are relative to the kernel's directory, so the name of the
 * temporary directory does not get into it. */
static int make_base_dir(const struct settings *s, struct depmod *ret, struct error *err)
{
	const char *tmp_location = s->tmp_location, *install_tree = s->trees.install;
	_cleanup_free_ char *tree = realpath(install_tree, NULL);
	_cleanup_free_ char *lib = NULL, *usr_lib = NULL, *modules = NULL;
	int r;

	if (!tree)
		return error_errno(err, -errno, 6, "cannot find %s", install_tree);
	staging_remove_leftovers(tmp_location, DEPMOD_STAGE);
	r = staging_make(
		tmp_location, DEPMOD_STAGE, &ret->base, &ret->base_lock, err);
	if (r < 0)
		return r;
	lib = path_join(ret->base, "lib");
	usr_lib = path_join(ret->base, "usr/lib");
	modules = path_join(usr_lib, "modules");
	r = dir_make(usr_lib, err);
	if (r == 0)
		r = link_write(lib, "usr/lib", err);
	if (r == 0)
		r = link_write(modules, tree, err);
	if (r < 0)
		depmod_done(ret);
	return r;
}

/* Returns the path of System.map-RELEASE: in ROOT/boot if the install tree is
 * ROOT/lib/modules or ROOT/usr/lib/modules, else in /boot. NULL if there is no such file.
 * The caller frees. */
static char *find_system_map(const char *install_tree, const char *release)
{
	static const char *const places[] = {"/usr/lib/modules", "/lib/modules"};
	_cleanup_free_ char *tree = realpath(install_tree, NULL);
	size_t root_len = 0;
	char *map;

	for (size_t i = 0; tree && i < ARRAY_SIZE(places); i++)
		if (has_suffix(tree, places[i])) {
			root_len = strlen(tree) - strlen(places[i]);
			break;
		}
	map = xasprintf(
		"%.*s/boot/System.map-%s", (int)root_len, root_len ? tree : "", release);
	if (path_is_file(map))
		return map;
	free(map);
	return NULL;
}

/* Appends the environment of dkms to env. Adds /usr/sbin and /sbin to PATH, which a
 * user's PATH may lack. */
static void fill_environment(struct strv *env)
{
	_cleanup_free_ char *path = NULL;
	const char *ours;

	strv_push_all(env, (const char *const *)environ);
	ours = strv_getenv(env, "PATH");
	path = xasprintf("%s:/usr/sbin:/sbin", is_empty(ours) ? "/usr/bin:/bin" : ours);
	strv_setenv(env, "PATH", path);
}

int depmod_prepare(const struct settings *s, const struct kernel *k, struct depmod *ret,
	struct error *err)
{
	_cleanup_free_ char *modules_dep = path_join(k->dir, "modules.dep");
	_cleanup_free_ char *map = NULL;
	struct depmod d = {.base_lock = -1, .dkms_tree = s->trees.dkms};
	int r = path_look(modules_dep);

	if (r < 0)
		return error_errno(err, r, 6, "cannot look at %s", modules_dep);
	if (r == 0)
		return 0;
	if (!path_is_same(s->trees.install, "/lib/modules")) {
		r = make_base_dir(s, &d, err);
		if (r < 0)
			return r;
	}
	map = find_system_map(s->trees.install, k->release);
	command_init(&d.command);
	fill_environment(&d.command.env);
	strv_push(&d.command.argv, "depmod");
	strv_push(&d.command.argv, "-a");
	if (d.base) {
		strv_push(&d.command.argv, "-b");
		strv_push(&d.command.argv, d.base);
	}
	if (map) {
		strv_push(&d.command.argv, "-F");
		strv_push(&d.command.argv, map);
	}
	strv_push(&d.command.argv, k->release);
	*ret = d;
	return 1;
}

bool depmod_writes(const char *name)
{
	static const char *const names[] = {"modules.alias", "modules.dep",
		"modules.devname", "modules.softdep", "modules.symbols",
		"modules.weakdep"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return true;
	return has_prefix(name, "modules.") && has_suffix(name, ".bin");
}

static void remove_depmod_files(const struct kernel *k)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(k->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(k->dir, names.items[i]);

		if (depmod_writes(names.items[i]))
			unlink(path);
	}
	rmdir(k->dir); /* fails, as it should, if there are other files in it */
}

int depmod_finish(const struct depmod *d, const struct kernel *k,
	const struct outcome *outcome, struct error *err)
{
	_cleanup_free_ char *modules_dep = path_join(k->dir, "modules.dep");
	struct stat st;

	if (!outcome_ok(outcome)) {
		_cleanup_free_ char *how = outcome_describe(outcome, &d->command);
		const char *said = outcome->err.len ? outcome->err.data : "";
		size_t len = strlen(said);

		while (len && said[len - 1] == '\n')
			len--;
		return error_set(err, -EIO, 6, "depmod for %s %s%s%.*s", k->release, how,
			len ? ":\n" : "", (int)len, said);
	}
	if (stat(modules_dep, &st) == 0 && st.st_size == 0 && !kernel_has_image(k))
		remove_depmod_files(k);
	return 0;
}

void depmod_done(struct depmod *d)
{
	command_done(&d->command);
	if (!d->base)
		return;
	if (dir_remove(d->base, NULL) < 0)
		leftovers_expect(d->dkms_tree);
	close_ptr(&d->base_lock);
	free(TAKE_PTR(d->base));
}
