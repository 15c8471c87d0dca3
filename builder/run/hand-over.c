/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files whose text root gives to a command that may not open them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"
#include "builder/run/hand-over.h"

#define DATA_SIZE_MAX (1024 * 1024) /* the largest file that is handed over (bytes) */

int sandbox_hand_over_fd(
	struct sandbox *box, const char *path, int fd, struct error *err)
{
	_cleanup_free_ char *real = NULL;
	_cleanup_(str_done) struct str text = {0};
	int r = link_read(fd_path(fd).path, &real);

	if (r == 0)
		r = file_read_fd(fd, DATA_SIZE_MAX, &text);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	strv_push_all(&box->data_files, (const char *const[]){text.data, real, NULL});
	if (!streq(path, real))
		strv_push_all(&box->symlinks, (const char *const[]){path, real, NULL});
	return 0;
}

int sandbox_hand_over(struct sandbox *box, const char *path, struct error *err)
{
	struct read_guard guard;
	struct stat st;
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);

	return fd < 0 ? file_open_error(path, fd, err)
		      : sandbox_hand_over_fd(box, path, fd, err);
}
