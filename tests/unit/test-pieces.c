/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "cache/line-index.h"
#include "cache/pieces.h"
#include "tests/unit/tap.h"

static const char text[] = "dkms-cache-pieces 2\n"
			   "note something\n"
			   "input /a file 0644 11\n"
			   "input /b file 0644 22\n"
			   "input /c file 0644 33\n"
			   "input /m file 0644 44\n"
			   "input CONFIG_X y|1|-\n"
			   "common 3\n"
			   "piece 0-1 4\n"
			   "file a.o\n"
			   "file .a.o.cmd\n"
			   "piece 2\n"
			   "file c.o\n"
			   "piece\n"
			   "file d.o\n";

static void test_text(void)
{
	struct pieces p;
	struct str again = {0};

	is_int(pieces_parse(text, &p), 0, "a text is parsed");
	is_int((long)p.common.n_inputs, 1, "the number of common inputs");
	is_int((long)p.n, 3, "the number of pieces");
	is_int((long)p.items[0].n_inputs, 3, "a piece with a range of inputs");
	is(p.items[0].files.items[1], ".a.o.cmd", "the files of a piece");
	is(p.note, "something", "the note");
	pieces_write(&p, &again);
	is(again.data, text, "the text is written again");
	str_done(&again);
	pieces_done(&p);
}

/* Every input is unchanged except for the one that userdata names. */
static bool is_unchanged(const void *userdata, const char *name, const char *value)
{
	ok(*value && !strchr(name, ' '), "called for %s", name);
	return !streq(name, userdata);
}

static void test_check(void)
{
	static const struct {
		char changed[16];
		size_t input[3]; /* whether the piece has changed */
	} cases[] = {{"", {PIECE_VALID, PIECE_VALID, PIECE_VALID}},
		{"/a", {0, PIECE_VALID, PIECE_VALID}}, {"/c", {PIECE_VALID, 2, PIECE_VALID}},
		{"CONFIG_X", {4, PIECE_VALID, PIECE_VALID}}, {"/m", {3, 3, 3}}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pieces p;
		size_t changed[3];
		size_t n = 0, want = 0;

		pieces_parse(text, &p);
		n = pieces_check(&p, is_unchanged, cases[i].changed, changed);
		for (size_t j = 0; j < ARRAY_SIZE(changed); j++) {
			want += cases[i].input[j] == PIECE_VALID;
			ok(changed[j] == cases[i].input[j], "'%s' changed: piece %zu",
				cases[i].changed, j);
		}
		is_int((long)n, (long)want, "the number of changed pieces");
		pieces_done(&p);
	}
}

static void refuses(const char *bad, const char *what)
{
	struct pieces p;

	ok(pieces_parse(bad, &p) < 0, "refused: %s", what);
}

static void test_refusing(void)
{
	refuses("", "nothing");
	refuses("dkms-cache-pieces 1\ncommon\n", "another version");
	refuses("dkms-cache-pieces 2\n", "no common inputs");
	refuses("dkms-cache-pieces 2\ncommon\ncommon\n", "common inputs twice");
	refuses("dkms-cache-pieces 2\npiece\ncommon\n", "common inputs after pieces");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon 1\n", "a common input beyond the end");
	refuses("dkms-cache-pieces 2\ninput /a\n", "an input without a value");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon\npiece 1\n",
		"a word instead of a number");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon\npiece 0-1\n", "a range beyond the end");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon\npiece -1\n", "a number below 0");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon\npiece 0x\n", "text after a number");
	refuses("dkms-cache-pieces 2\ncommon\nfile a\n", "a file without a piece");
	refuses("dkms-cache-pieces 2\ninput /a 1\ncommon\npiece 0\nfile a.",
		"a text without its end");
	refuses("dkms-cache-pieces 2\ncommon\npiece\ninput /a 1\n", "inputs after pieces");
}

static void test_index(void)
{
	struct line_index *i =
		line_index_new("/a file 1\n/ab file 2\n/b\n/a file 3\n/last x");
	struct line_index *empty = line_index_new("");
	size_t n = 0;

	ok(strncmp(line_index_find(i, "/a", &n), "file 1", n) == 0 && n == 6,
		"the first line of a name");
	ok(strncmp(line_index_find(i, "/ab", &n), "file 2", n) == 0 && n == 6,
		"a name that is longer");
	ok(strncmp(line_index_find(i, "/last", &n), "x", n) == 0 && n == 1,
		"a line without a newline");
	ok(!line_index_find(i, "/b", &n), "a line with only a name");
	ok(!line_index_find(i, "/", &n) && !line_index_find(i, "", &n), "missing names");
	ok(!line_index_find(empty, "/a", &n), "an empty text");
	line_index_free(i);
	line_index_free(empty);
}

int main(void)
{
	test_text();
	test_check();
	test_refusing();
	test_index();
	return done_testing();
}
