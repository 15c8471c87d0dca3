/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernels does a command or an archive name? */
#include "config.h"

#include "base/util.h"
#include "builder/host/kernel-names.h"

void kernel_names_push(struct kernel_names *names, const char *release, const char *arch)
{
	names->items = xrealloc_array(names->items, names->n + 1, sizeof(*names->items));
	names->items[names->n++] = (struct kernel_name){xstrdup(release), xstrdup(arch)};
}

void kernel_names_done(struct kernel_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->items[i].release);
		free(names->items[i].arch);
	}
	free(names->items);
	*names = (struct kernel_names){0};
}
