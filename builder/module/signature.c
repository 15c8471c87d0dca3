/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a module file signed? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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

/* The struct before SIGNATURE_END: the lengths of what stands before it. */
#define INFO_BYTES 12
#define SIGNER_AT 3
#define KEY_ID_AT 4
#define LENGTH_AT 8 /* 4 bytes, the highest first */

/* Returns how many bytes the signature at the end of the file has; 0 if there is none, or a
 * negative errno. */
static off_t signature_size(int fd, off_t size)
{
	static const char end[] = SIGNATURE_END;
	const off_t rest = INFO_BYTES + (off_t)sizeof(end) - 1;
	unsigned char info[INFO_BYTES + sizeof(end) - 1];
	off_t n;

	if (size < rest)
		return 0;
	if (pread(fd, info, sizeof(info), size - rest) != (ssize_t)sizeof(info))
		return -EIO;
	if (memcmp(info + INFO_BYTES, end, sizeof(end) - 1) != 0)
		return 0;
	n = rest + info[SIGNER_AT] + info[KEY_ID_AT];
	for (int i = 0, shift = 24; i < 4; i++, shift -= 8)
		n += (off_t)info[LENGTH_AT + i] << shift;
	return n > size ? -EBADMSG : n;
}

int signature_strip_fd(int fd)
{
	struct stat st;
	off_t n = -1;

	if (fstat(fd, &st) < 0)
		return -errno;
	while (n != 0) {
		n = signature_size(fd, st.st_size);
		if (n > 0 && ftruncate(fd, st.st_size - n) < 0)
			n = -errno;
		if (n < 0)
			return (int)n;
		st.st_size -= n;
	}
	return 0;
}

int signature_strip(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, -errno, 1, "cannot open %s", path);
	r = signature_strip_fd(fd);
	return r < 0 ? error_errno(err, r, 1, "cannot remove the signature of %s", path) : 0;
}
