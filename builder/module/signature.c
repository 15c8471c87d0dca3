/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a module file signed? */
#include "config.h"

#include <unistd.h>

#include "base/file.h"
#include "builder/module/signature.h"

/* The text at the end of each signed module (MODULE_SIG_STRING of
 * linux/module_signature.h). */
#define SIGNATURE_END "~Module signature appended~\n"

bool signature_is_appended(const char *path)
{
	static const char end[] = SIGNATURE_END;
	char found[sizeof(end) - 1];
	_cleanup_close_ int fd = file_open(path);

	return fd >= 0 && lseek(fd, -(off_t)sizeof(found), SEEK_END) >= 0 &&
	       read(fd, found, sizeof(found)) == (ssize_t)sizeof(found) &&
	       memcmp(found, end, sizeof(found)) == 0;
}
