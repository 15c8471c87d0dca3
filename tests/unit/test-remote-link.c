/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program that talks to servers is started with what framework.conf says, as a user
 * of its own; argument: the program. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "scheduler/remote-link.h"
#include "tests/unit/tap.h"

static char *program;
static struct strv urls;

static void on_result(void *userdata, struct remote_result *result)
{
	*(int *)userdata = (int)result->status;
}

/* The user of the one child process, or -1. */
static long user_of_child(void)
{
	_cleanup_(str_done) struct str children = {0}, status = {0};
	_cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", getpid());
	_cleanup_free_ char *of = NULL;
	const char *uid;

	if (file_read(path, 4096, &children, NULL) < 0 || atoi(children.data) <= 0)
		return -1;
	of = xasprintf("/proc/%d/status", atoi(children.data));
	if (file_read(of, 65536, &status, NULL) < 0)
		return -1;
	uid = strstr(status.data, "\nUid:");
	return uid ? atol(uid + 5) : -1;
}

static void test_run(struct settings *s)
{
	struct remote_link link;
	struct error err = {0};
	int status = -1;
	long uid;

	if (!ok(remote_link_open(s, &urls, program, &link, &err) == 0, "it is started")) {
		printf("# %s\n", err.what);
		error_done(&err);
		return;
	}
	remote_transport_get(link.transport,
		"ac/0000000000000000000000000000000000000000000000000000000000000000", 1,
		0, on_result, &status);
	ok(remote_transport_wait(link.transport, 10000), "it answers");
	is_int(status, REMOTE_FAILED, "nobody is there");
	uid = user_of_child();
	if (geteuid() == 0)
		ok(uid >= USER_FIRST && uid <= USER_LAST && uid == link.user.uid,
			"it is a user of its own: %ld", uid);
	else
		is_int(uid, geteuid(), "it is the user of dkms");
	remote_link_close(&link);
	is_int(user_of_child(), -1, "it is gone then");
	ok(!link.transport && !link.user.uid, "and its user was given back");
}

static void test_wrong(struct settings *s, const char *what, const char *name)
{
	struct remote_link link;
	struct error err = {0};
	int r = remote_link_open(s, &urls, program, &link, &err);

	ok(r < 0 && err.what && strstr(err.what, what), "%s: %s", name,
		err.what ? err.what : "no error");
	ok(!link.transport && !link.user.uid, "%s: nothing is left", name);
	error_done(&err);
}

int main(void)
{
	const char *build = getenv("top_builddir");
	_cleanup_free_ char *dir = xstrdup("/tmp/dkms-test.XXXXXX"), *file = NULL;
	struct settings s = {0};

	program = path_join(build ? build : ".", "transfer/dkms-remote-transfer");
	if (!mkdtemp(dir))
		return 1;
	settings_init(&s);
	str_replace(&s.trees.dkms, dir);
	strv_push(&urls, "http://127.0.0.1:1");
	file = path_join(dir, "password");
	test_run(&s);
	str_replace(&s.remote_access.password_file, file);
	test_wrong(&s, "No such file", "a file that is missing");
	if (file_write(file, "nobody\nuser:secret\n", 19, 0600, NULL) < 0)
		return 1;
	test_wrong(&s, "is not USER:PASSWORD", "a file without a password");
	if (file_write(file, "user:secret\n", 12, 0600, NULL) < 0)
		return 1;
	test_run(&s);
	str_replace(&s.remote_access.ca, "ca.pem");
	test_wrong(&s, "is not absolute", "a relative path");
	settings_done(&s);
	strv_done(&urls);
	free(program);
	(void)dir_remove(dir, NULL);
	return done_testing();
}
