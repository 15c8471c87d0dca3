/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/file.h"
#include "builder/tree/signers.h"

/* A longer file is none of ours (bytes). */
#define FILE_MAX 65536

char *signers_read(const char *dkms_tree, struct version_on_kernel on)
{
	_cleanup_free_ char *built = tree_built_dir(dkms_tree, on);
	_cleanup_free_ char *path = path_join(built, SIGNERS_FILE);
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0 || !text.len)
		return NULL;
	return xstrndup(text.data, strcspn(text.data, "\n"));
}

int signers_write(const char *built, const char *signers, struct error *err)
{
	_cleanup_free_ char *path = path_join(built, SIGNERS_FILE);
	_cleanup_free_ char *line = xasprintf("%s\n", signers);

	return file_write(path, line, strlen(line), 0644, err);
}
