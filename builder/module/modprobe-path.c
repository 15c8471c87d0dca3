/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file does modprobe(8) take for a module? */
#include "config.h"

#include <errno.h>

#include "base/util.h"
#include "builder/module/libkmod.h"
#include "builder/module/modprobe-path.h"

int modprobe_path(const char *kernel_dir, const char *module, char **ret, struct error *err)
{
	static const char *const no_config[] = {NULL};
	struct kmod_module *found = NULL;
	struct kmod_ctx *ctx;
	const char *path = NULL;
	int r = libkmod_load(err);

	*ret = NULL;
	if (r < 0)
		return r;
	ctx = sym_kmod_new(kernel_dir, no_config);
	if (!ctx)
		return error_set(err, -ENOMEM, 1, "libkmod cannot read %s", kernel_dir);
	r = sym_kmod_module_new_from_name(ctx, module, &found);
	if (r == 0)
		path = sym_kmod_module_get_path(found);
	*ret = path ? xstrdup(path) : NULL;
	if (found)
		sym_kmod_module_unref(found);
	sym_kmod_unref(ctx);
	return r < 0 ? error_errno(err, r, 1, "libkmod cannot look up %s", module) : 0;
}
