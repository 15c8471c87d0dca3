/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/build/build.h"
#include "builder/build/places.h"
#include "tests/unit/tap.h"

/* The trees are /x/dkms, /x/src and /x; headers in the source tree keep their path. */
static const char *const places[] = {"/x/dkms", "/var/lib/dkms", "/x/src", "/usr/src",
	"/x", "/lib/modules", "/x/src/headers", "/x/src/headers", NULL};

static const struct {
	const char *text, *want;
} texts[] = {
	{"", ""},
	{"make -C /x/6.1/build M=/x/dkms/m/1.0/build",
		"make -C /lib/modules/6.1/build M=/var/lib/dkms/m/1.0/build"},
	{"/x", "/lib/modules"},
	{"'/x/src/m-1.0':\"/x/src\";/x/src&&",
		"'/usr/src/m-1.0':\"/usr/src\";/usr/src&&"},
	{"-I/x/src/a -DX=-L/x/src", "-I/usr/src/a -DX=-L/usr/src"},
	{"$(/x/src/run) `/x/src/run` </x/src/in",
		"$(/usr/src/run) `/usr/src/run` </usr/src/in"},
	/* other paths */
	{"/x/src2 /xy /x-1 /x.c /x$A /x+", "/lib/modules/src2 /xy /x-1 /x.c /x$A /x+"},
	{"a/x/src /y/x/src $(A)/x/src ${A}/x ../x ~/x -ab/x",
		"a/x/src /y/x/src $(A)/x/src ${A}/x ../x ~/x -ab/x"},
	{"file:///x/src //x", "file:///x/src //x"},
	{"/x/src/headers/include /x/src/headers2",
		"/x/src/headers/include /usr/src/headers2"},
	/* paths that lead out of the tree stay: the real tree has other neighbours */
	{"/x/dkms/m/../n /x/dkms/../src/m",
		"/var/lib/dkms/m/../n /lib/modules/dkms/../src/m"},
	{"/x/../y /x/./../y /x/a/.//../../y", "/x/../y /x/./../y /x/a/.//../../y"},
	{"/x/... /x/..a", "/lib/modules/... /lib/modules/..a"},
};

static void replaces(void)
{
	struct build b = {0};
	_cleanup_free_ char *none = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *same = places_text(&b, texts[i].text);

		is(same, texts[i].text, "without places");
	}
	strv_push_all(&b.places, places);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = places_text(&b, texts[i].text);

		is(text, texts[i].want, texts[i].text);
	}
	ok(!places_text(&b, NULL) && !places_path(&b, NULL), "NULL gives NULL");
	strv_done(&b.places);
}

static void paths(void)
{
	static const char *const pairs[][2] = {{"/x", "/lib/modules"},
		{"/x/src/a b$c", "/usr/src/a b$c"}, {"/x/dkms", "/var/lib/dkms"},
		{"/xy", "/xy"}, {"/etc", "/etc"}, {"/x/../etc", "/x/../etc"},
		{"/x/src/headers/a", "/x/src/headers/a"}};
	struct build b = {0};

	strv_push_all(&b.places, places);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		_cleanup_free_ char *path = places_path(&b, pairs[i][0]);

		is(path, pairs[i][1], pairs[i][0]);
	}
	strv_done(&b.places);
}

int main(void)
{
	replaces();
	paths();
	return done_testing();
}
