/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the BTF of a module made the same each time? */
#include "config.h"

#include "base/file.h"
#include "builder/build/btf.h"

/* Writes the script to path. */
static int write_script(const char *path, const char *pahole)
{
	struct str s = {0};
	int r;

	str_add(&s, "#!/bin/sh\n"
		    "for word do\n"
		    "	shift\n"
		    "	case $word in -j|-j[0-9]*|--jobs|--jobs=*) word=-j1 ;; esac\n"
		    "	set -- \"$@\" \"$word\"\n"
		    "done\n"
		    "exec ");
	str_add_quoted(&s, pahole);
	str_add(&s, " \"$@\"\n");
	r = file_write(path, s.data, s.len, 0755, NULL);
	str_done(&s);
	return r;
}

bool btf_is_made(const struct job *job)
{
	_cleanup_free_ char *vmlinux = path_join(job->kernel->headers, "vmlinux");

	return path_is_file(vmlinux);
}

void btf_wrap_pahole(const struct job *job, struct command *cmd, struct sandbox *box)
{
	const char *search = strv_getenv(&cmd->env, "PATH");
	_cleanup_free_ char *dir = build_job_path(job, "pahole");
	_cleanup_free_ char *script = path_join(dir, "pahole");
	_cleanup_free_ char *pahole = NULL, *path = NULL;
	bool confined = job->build->sandbox != SANDBOX_KIND_NONE;

	if (!search || !btf_is_made(job))
		return;
	pahole = path_find_program("pahole", search);
	/* If the script cannot be written, the build works as well, with other bytes. */
	if (!pahole || dir_make(dir, NULL) < 0 || write_script(script, pahole) < 0)
		return;
	path = xasprintf("%s:%s", confined ? BTF_SANDBOX_DIR : dir, search);
	strv_setenv(&cmd->env, "PATH", path);
	if (confined)
		strv_push_all(&box->bwrap_options,
			(const char *const[]){"--ro-bind", dir, BTF_SANDBOX_DIR, NULL});
}
