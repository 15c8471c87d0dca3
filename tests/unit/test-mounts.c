/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "base/util.h"
#include "builder/run/mounts.h"
#include "tests/unit/tap.h"

static void parse(const char *text, struct mounts *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);

	ok(mounts_parse(copy, ret) == 0, "mounts are parsed");
}

static const char *device_at(const struct mounts *m, const char *path)
{
	const struct mount *at = mounts_at(m, path);

	return at ? at->device : "none";
}

static void test_places(void)
{
	struct mounts m = {0};

	parse("10 9 8:1 / / ro,nosuid - ext4 /dev/a rw\n"
	      "11 10 0:1 / /tmp ro - tmpfs tmpfs rw\n"
	      "12 11 0:2 / /tmp/in\\040it ro shared:1 - tmpfs tmpfs rw\n"
	      "13 11 0:3 / /tmp rw - tmpfs tmpfs rw\n"
	      "14 10 0:4 / /var/lib ro - tmpfs tmpfs rw\n"
	      "15 10 0:5 / /var ro - tmpfs tmpfs rw\n",
		&m);
	is(device_at(&m, "/usr/bin"), "8:1", "a path on the root");
	is(device_at(&m, "/tmp/x"), "0:3", "the upper one of two mounts");
	is(device_at(&m, "/tmp/in it"), "0:3", "a mount below it is hidden");
	is(device_at(&m, "/var/lib/x"), "0:5", "a mount above hides one that was made before");
	is(device_at(&m, "/variable"), "8:1", "a name that begins in the same way");
	is(m.items[2].place, "/tmp/in it", "a space");
	ok(!mounts_is_visible(&m, &m.items[1]), "the lower one is hidden");
	ok(!mounts_is_visible(&m, &m.items[4]), "one below another is hidden");
	ok(mounts_is_visible(&m, &m.items[3]), "the upper one is visible");
	ok(m.items[3].writable && !m.items[0].writable, "writable ones");
	ok(!mounts_have_second_names(&m), "no file has two names");
	mounts_done(&m);
}

static void test_names(void)
{
	struct mounts m = {0};

	parse("10 9 8:1 / / ro - ext4 /dev/a rw\n"
	      "11 10 8:1 /opt/a /opt/b ro - ext4 /dev/a rw\n",
		&m);
	ok(mounts_have_second_names(&m), "a directory at two places");
	mounts_done(&m);
	parse("10 9 8:1 / / ro - ext4 /dev/a rw\n"
	      "11 10 8:1 /opt/a /opt/a ro - ext4 /dev/a rw\n"
	      "12 10 0:1 / /srv ro - tmpfs tmpfs rw\n"
	      "13 10 8:1 /srv/x /opt/x ro - ext4 /dev/a rw\n",
		&m);
	ok(!mounts_have_second_names(&m), "at its own place, and at one that is hidden");
	mounts_done(&m);
	parse("10 9 8:1 / / ro - ext4 /dev/a rw\n"
	      "11 10 8:2 /d /opt/a ro - ext4 /dev/b rw\n"
	      "12 10 8:2 /d/e /opt/b ro - ext4 /dev/b rw\n",
		&m);
	ok(mounts_have_second_names(&m), "parts of another device");
	mounts_done(&m);
}

static void test_damaged(void)
{
	char text[] = "10 9 8:1 / / ro - ext4\nnonsense\n", empty[] = "";
	struct mounts m = {0};

	ok(mounts_parse(text, &m) == -EBADMSG, "a malformed line");
	ok(m.n == 0, "nothing is left");
	ok(mounts_parse(empty, &m) == 0, "no mounts");
	is(device_at(&m, "/"), "none", "no mount is at a path");
	mounts_done(&m);
}

int main(void)
{
	test_places();
	test_names();
	test_damaged();
	return done_testing();
}
