/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks what the live display shows, in windows of all sizes. */
#include "config.h"

#include "cli/display-frame.h"
#include "tests/unit/tap.h"

static const struct frame_row rows[] = {
	{"dahdi/2.11.1", "6.1.0-54-amd64", "make", 48.2},
	{"evdi/1.12.0", "6.1.0-56-cloud-amd64", "make", 4.04},
	{"jool-dkms/4.1.9", "6.12.117+deb12-amd64", "PRE_BUILD", 112},
};

static struct frame frame(unsigned int columns, unsigned int lines)
{
	return (struct frame){.modules = 10, .kernels = 6, .slots = 8, .jobs = 60, .done = 41,
		.excluded = 9, .failed = 1, .elapsed_s = 72, .left_s = 40, .rows = rows,
		.n_rows = 3, .columns = columns, .lines = lines};
}

static void shows(const struct frame *f, const char *want, const char *what)
{
	struct str text = {0};
	size_t n = frame_text(f, &text), lines = 1;

	is(text.data, want, what);
	for (const char *c = text.data; *c; c++)
		lines += *c == '\n';
	is_int((long)n, (long)lines, "its number of lines");
	str_done(&text);
}

static void test_wide(void)
{
	struct frame f = frame(81, 24);

	shows(&f,
		"10 modules x 6 kernels, 60 jobs, 8 slots                   1:12, about 0:40 left\n"
		"[##################################------]  41 done, 9 skipped, 1 failed\n"
		"  dahdi/2.11.1     6.1.0-54-amd64        make             48 s\n"
		"  evdi/1.12.0      6.1.0-56-cloud-amd64  make            4.0 s\n"
		"  jool-dkms/4.1.9  6.12.117+deb12-amd64  PRE_BUILD  1 min 52 s",
		"80 columns");
	f.cached = 23;
	f.n_rows = 0;
	shows(&f,
		"10 modules x 6 kernels, 60 jobs, 8 slots                   1:12, about "
		"0:40 left\n"
		"[##################################------]  41 done, 23 cached, 1 "
		"failed",
		"other counters are left out if the line is too long, but failures are "
		"kept");
	f.columns = 110;
	shows(&f,
		"10 modules x 6 kernels, 60 jobs, 8 slots                                               "
		" 1:12, about 0:40 left\n"
		"[##################################------]  41 done, 23 cached, 9 skipped, 1 failed",
		"all counters are shown in a wide window");
	f.linked = 5;
	f.slots = 0;
	shows(&f,
		"10 modules x 6 kernels, 60 jobs                                                        "
		" 1:12, about 0:40 left\n"
		"[##################################------]  41 done, 23 cached, 5 linked, 9 skipped, 1 failed",
		"counters with linked jobs, and no slots with -j 0");
	f = frame(81, 24);
	f.utf8 = f.color = true;
	f.left_s = -1;
	f.n_rows = 0;
	shows(&f,
		"10 modules × 6 kernels · 60 jobs · 8 slots                                  1:12\n"
		"[\033[32m##################################\033[m------]  41 done · 9 skipped · "
		"\033[31m1 failed\033[m",
		"in UTF-8 and with colors");
}

static void test_narrow(void)
{
	struct frame f = frame(60, 24);

	shows(&f,
		"10 modules x 6 kernels, 60 jobs       1:12, about 0:40 left\n"
		"[########################-----]  1 failed, 41 done\n"
		"  dahdi/2.11.1     6.1.0-54-amd64        make\n"
		"  evdi/1.12.0      6.1.0-56-cloud-amd64  make\n"
		"  jool-dkms/4.1.9  6.12.117+deb12-amd64  PRE_BUILD",
		"60 columns have no slots and no times of jobs");
	f.columns = 46;
	f.n_rows = 0;
	shows(&f,
		"10 modules x 6 kernels  1:12, about 0:40 left\n"
		"[##################----]  1 failed, 41 done",
		"narrower windows have no number of jobs, but the times");
	f = frame(60, 24);
	f.columns = 27;
	f.n_rows = 0;
	shows(&f, "1:12, about 0:40 left\n[###########--]  1 failed", "27 columns");
	f = frame(60, 24);
	f.stopping = true;
	f.n_rows = 1;
	shows(&f,
		"1 job stopping                                         1:12\n"
		"[########################-----]  1 failed, 41 done\n"
		"  dahdi/2.11.1  6.1.0-54-amd64  make         48 s",
		"a run that is cancelled");
	f = frame(60, 24);
	f.columns = 20;
	shows(&f,
		"1:12\n"
		"1 failed, 41 done\n"
		"  dahdi/2.11.1\n"
		"  evdi/1.12.0\n"
		"  jool-dkms/4.1.9",
		"20 columns");
	for (f.columns = 1; f.columns < 200; f.columns++) {
		struct str text = {0};
		size_t widest = 0, n = 0;

		frame_text(&f, &text);
		for (const char *c = text.data; *c; c++) {
			n = *c == '\n' ? 0 : n + 1;
			widest = n > widest ? n : widest;
		}
		str_done(&text);
		if (widest > f.columns - (f.columns > 1))
			ok(false, "%u columns: a line of %zu", f.columns, widest);
	}
	ok(true, "no line is wider than its window");
}

static void test_low(void)
{
	struct frame f = frame(61, 5);

	shows(&f,
		"10 modules x 6 kernels, 60 jobs        1:12, about 0:40 left\n"
		"[#########################-----]  1 failed, 41 done\n"
		"  dahdi/2.11.1  6.1.0-54-amd64  make         48 s\n"
		"  and 2 more",
		"5 lines");
	f.lines = 2;
	shows(&f, "10 modules x 6 kernels, 60 jobs        1:12, about 0:40 left", "2 lines");
	f.lines = 1;
	shows(&f, "10 modules x 6 kernels, 60 jobs        1:12, about 0:40 left", "1 line");
}

static void test_beginning(void)
{
	struct frame f = {.reading = 1, .left_s = -1, .columns = 40, .lines = 10};
	struct frame_row strange = {"a\033[2Jb", "k", "", 0};

	shows(&f, "1 module: reading dkms.conf        0:00", "before there are jobs");
	f.rows = &strange;
	f.n_rows = 1;
	shows(&f,
		"1 module: reading dkms.conf        0:00\n"
		"  a?[2Jb  k              0.0 s",
		"control characters in names are not printed");
}

int main(void)
{
	test_wide();
	test_narrow();
	test_low();
	test_beginning();
	return done_testing();
}
