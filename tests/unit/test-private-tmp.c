/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks which names in a job's /tmp are refused before bubblewrap makes mounts there. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "builder/run/private-tmp.h"
#include "tests/unit/tap.h"

static char top[] = "/tmp/dkms-test.XXXXXX";
static char *dir;

static int check(const char *a, const char *b)
{
	struct strv argv = {0};
	struct error err = {0};
	int r;

	strv_push_all(&argv, (const char *const[]){"bwrap", "--dir", a, b, NULL});
	r = private_tmp_check(dir, &argv, &err);
	if (r < 0)
		ok(err.what && strstr(err.what, "/tmp/"), "the error names the path");
	error_done(&err);
	strv_done(&argv);
	return r;
}

static void test_check(void)
{
	char *link = path_join(dir, "link"), *file = path_join(dir, "file");
	char *real = path_join(dir, "real");

	ok(symlink("/etc", link) == 0 && mkdir(real, 0755) == 0 &&
			file_write(file, "", 0, 0644, NULL) == 0,
		"the directory has a link, a file and a directory");
	is_int(check("/tmp/new/dir", ""), 0, "a name that does not exist");
	is_int(check("/tmp/real/dir", ""), 0, "a directory of the user of dkms");
	is_int(check("/tmp/link", ""), -EPERM, "a link");
	is_int(check("/tmp//link/cron.d/x", ""), -EPERM, "a path behind a link");
	is_int(check("/tmp/file", ""), 0, "a file of the user of dkms: the place of a mount");
	is_int(check("/var/tmp/link", "/tmp"), 0, "other directories do not matter");
	is_int(check("--", "/tmp/link"), 0, "the command may name a link");
	if (geteuid() == 0) {
		ok(lchown(real, 65534, 65534) == 0, "the directory is another user's");
		is_int(check("/tmp/real/dir", ""), -EPERM, "a directory of another user");
		ok(lchown(file, 65534, 65534) == 0, "the file is another user's");
		is_int(check("/tmp/file", ""), -EPERM, "a file of another user");
	}
	free(link);
	free(file);
	free(real);
}

int main(void)
{
	struct stat st;

	if (!mkdtemp(top))
		return 1;
	dir = path_join(top, "tmp");
	is_int(private_tmp_make(dir, (uid_t)-1, NULL), 0, "the directory is made");
	ok(stat(dir, &st) == 0 && (st.st_mode & 07777) == 01777,
		"everybody may write to it");
	is_int(private_tmp_make(dir, (uid_t)-1, NULL), 0, "it may exist");
	test_check();
	dir_remove(top, NULL);
	free(dir);
	return done_testing();
}
