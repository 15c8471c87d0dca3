/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks any archive: only directories, files and links that stay inside come out of it.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/archive/tarball-read.h"
#include "builder/archive/unpack.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK 512

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

/* Corrects the checksum, since otherwise almost no input would be accepted as a tar
 * header. */
static void set_checksum(uint8_t *header)
{
	unsigned int sum = 0;
	char text[8];

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += header[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(header + 148, text, 7);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t n = LLVMFuzzerMutate(data, size, max);

	for (size_t at = 0; at + BLOCK <= n && seed % 8; at += BLOCK)
		if (memcmp(data + at + 257, "ustar", 5) == 0)
			set_checksum(data + at);
	return n;
}

static size_t count(const char *dir)
{
	struct strv names = {0};
	size_t n = dir_list(dir, &names) < 0 ? 0 : names.n;

	strv_done(&names);
	return n;
}

static void check_dir(const char *dir, const char *below, const char *root)
{
	struct strv names = {0};

	MUST(dir_list(dir, &names) == 0);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		_cleanup_free_ char *name =
			xasprintf("%s%s%s", below, *below ? "/" : "", names.items[i]);
		_cleanup_free_ char *target = NULL;
		struct stat st;

		MUST(lstat(path, &st) == 0);
		MUST(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode));
		if (S_ISDIR(st.st_mode))
			check_dir(path, name, root);
		if (S_ISLNK(st.st_mode)) {
			MUST(link_read(path, &target) == 0);
			MUST(link_stays_inside(name, target));
			free(target);
			target = realpath(path, NULL);
			MUST(!target || streq(target, root) ||
				path_relative_to(target, root));
		} else {
			MUST((st.st_mode & 07777) == 0755 ||
				(st.st_mode & 07777) == 0644);
		}
	}
	strv_done(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char root[64];
	_cleanup_free_ char *out = NULL;
	struct tarball t = {0};
	struct error err = {0};
	int r;

	umask(022);
	if (!*root) {
		snprintf(root, sizeof(root), "%s/dkms-fuzz-XXXXXX", getenv("TMPDIR"));
		MUST(mkdtemp(root));
	}
	out = path_join(root, "out");
	MUST(mkdir(out, 0755) == 0);
	r = tarball_read(fuzz_file(data, size), out, NULL, &t, &err);
	MUST(r == 0 ? t.source && !err.status
		    : err.what && (err.status == 3 || err.status == 7));
	MUST(count(root) == 1);
	check_dir(out, "", out);
	if (r == 0) {
		_cleanup_free_ char *conf = path_join(t.source, "dkms.conf");
		struct stat st;

		MUST(lstat(conf, &st) == 0 && S_ISREG(st.st_mode));
		MUST(streq(t.source, out) || path_relative_to(t.source, out));
	}
	tarball_done(&t);
	error_done(&err);
	MUST(dir_remove(out, NULL) == 0);
	return 0;
}
