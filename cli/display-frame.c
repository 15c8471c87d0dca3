/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does one frame of the live display look like?
 *
 *	10 modules × 6 kernels · 60 jobs · 8 slots          1:12, about 0:40 left
 *	[##########################--------------]  41 done · 23 cached · 9 linked · 1 failed
 *	  dahdi/2.11.1        6.1.0-54-amd64            make      48 s
 *
 * In a narrow window, the counts are left out before the times, and the right ones first. */
#include "config.h"

#include "cli/display-frame.h"

#define BAR_MAX 40
#define BAR_MIN 10

static const char red[] = "\033[31m", green[] = "\033[32m", plain[] = "\033[m";

/* The number of columns that a text takes: one for each UTF-8 character, that is for each byte
 * that does not continue one. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Appends text, cut off after max columns and padded with blanks to at least min columns.
 * Control characters become "?". */
static void add_cut(struct str *s, const char *text, size_t max, size_t min)
{
	_cleanup_free_ char *masked = xstrdup(text);
	size_t n = 0;

	text_mask_controls(masked);
	for (text = masked; *text; text++) {
		bool begins = ((unsigned char)*text & 0xc0) != 0x80;

		if (begins && n == max)
			break;
		n += begins;
		/* A control character in a name must not move the cursor. */
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			str_add(s, "?");
		else
			str_add_bytes(s, text, 1);
	}
	for (; n < min && n < max; n++)
		str_add(s, " ");
}

static void add_clock(struct str *s, double seconds)
{
	unsigned long n = (unsigned long)(seconds + 0.5);

	if (n >= 3600)
		str_addf(s, "%lu:%02lu:%02lu", n / 3600, n / 60 % 60, n % 60);
	else
		str_addf(s, "%lu:%02lu", n / 60, n % 60);
}

static void add_count(struct str *s, const struct frame *f, size_t n, const char *what)
{
	if (s->len)
		str_add(s, f->utf8 ? " · " : ", ");
	str_addf(s, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* Appends the first n of what the head says about the run. */
static void add_head_parts(struct str *s, const struct frame *f, size_t n)
{
	if (n > 0 && f->stopping) {
		add_count(s, f, f->n_rows, "job");
		str_add(s, " stopping");
		return;
	}
	if (n > 0 && !f->jobs) {
		add_count(s, f, f->reading, "module");
		str_add(s, ": reading dkms.conf");
		return;
	}
	if (n > 0) {
		add_count(s, f, f->modules, "module");
		str_addf(s, " %s %zu kernel%s", f->utf8 ? "×" : "x", f->kernels,
			f->kernels == 1 ? "" : "s");
	}
	if (n > 1)
		add_count(s, f, f->jobs, "job");
	if (n > 2 && f->slots) /* 0: there is no limit */
		add_count(s, f, f->slots, "slot");
}

#define HEAD_PARTS 3

/* Appends the first line. The times on its right stay as long as they fit. */
static void add_head(const struct frame *f, size_t columns, struct str *ret)
{
	_cleanup_(str_done) struct str left = {0};
	_cleanup_(str_done) struct str clock = {0};
	_cleanup_(str_done) struct str right = {0};

	add_clock(&clock, f->elapsed_s);
	str_add(&right, clock.data);
	if (f->left_s >= 0 && !f->stopping) {
		str_add(&right, ", about ");
		add_clock(&right, f->left_s);
		str_add(&right, " left");
	}
	if (width(right.data) > columns) {
		str_done(&right);
		str_add(&right, clock.data);
	}
	for (size_t n = HEAD_PARTS; n > 0; n--) {
		str_done(&left);
		add_head_parts(&left, f, n);
		if (width(left.data) + 2 + width(right.data) <= columns)
			break;
		str_done(&left);
	}
	if (left.len)
		add_cut(ret, left.data, columns, columns - width(right.data));
	add_cut(ret, right.data, columns, 0);
}

/* Appends one of the counts after the bar, such as "41 done", unless it is 0 or does not fit
 * into *free_columns. */
static void add_sum(struct str *s, const struct frame *f, size_t *free_columns, size_t n,
	const char *what, const char *color)
{
	const char *separator = f->utf8 ? " · " : ", ";
	_cleanup_free_ char *text = xasprintf("%zu %s", n, what);
	size_t needs = width(text) + (s->len ? width(separator) : 0);

	if (!n || needs > *free_columns)
		return;
	*free_columns -= needs;
	if (s->len)
		str_add(s, separator);
	if (f->color && color)
		str_addf(s, "%s%s%s", color, text, plain);
	else
		str_add(s, text);
}

static void add_bar(const struct frame *f, size_t columns, struct str *ret)
{
	_cleanup_(str_done) struct str sums = {0};
	size_t ended = f->done + f->excluded + f->failed;
	size_t bar = columns < 2 * BAR_MAX ? columns / 2 : BAR_MAX;
	size_t full = ended * bar / (f->jobs ? f->jobs : 1);
	size_t reserved = (size_t)snprintf(NULL, 0, "%zu failed", f->failed) +
			  (f->utf8 ? strlen(" · ") - 1 : strlen(", "));
	size_t left;

	if (bar < BAR_MIN)
		bar = full = 0;
	left = columns - (bar ? bar + 4 : 0);
	/* In a narrow window failures come first, so that they are not left out. Otherwise
	 * they come last, and room is reserved for them. */
	if (columns < 2 * BAR_MAX)
		add_sum(&sums, f, &left, f->failed, "failed", red);
	else if (f->failed)
		left -= reserved;
	add_sum(&sums, f, &left, f->done, "done", NULL);
	add_sum(&sums, f, &left, f->cached, "cached", NULL);
	add_sum(&sums, f, &left, f->linked, "linked", NULL);
	add_sum(&sums, f, &left, f->excluded, "skipped", NULL);
	if (columns >= 2 * BAR_MAX && f->failed)
		left += reserved;
	if (columns >= 2 * BAR_MAX)
		add_sum(&sums, f, &left, f->failed, "failed", red);
	if (bar) {
		str_add(ret, "[");
		if (f->color)
			str_add(ret, green);
		for (size_t i = 0; i < bar; i++) {
			if (i == full && f->color)
				str_add(ret, plain);
			str_add(ret, i < full ? "#" : "-");
		}
		if (full >= bar && f->color)
			str_add(ret, plain);
		str_add(ret, "]");
	}
	if (sums.len)
		str_addf(ret, "%s%s", bar ? "  " : "", sums.data);
}

#define CELLS 4

static char *row_time(double seconds)
{
	unsigned long n = (unsigned long)(seconds + 0.5);

	if (seconds < 10)
		return xasprintf("%.1f s", seconds);
	if (n < 60)
		return xasprintf("%lu s", n);
	return xasprintf("%lu min %lu s", n / 60, n % 60);
}

static const char *cell(const struct frame_row *row, size_t i, const char *time)
{
	const char *const cells[CELLS] = {row->module, row->kernel, row->phase, time};

	return cells[i];
}

static void add_rows(const struct frame *f, size_t n, size_t columns, struct str *ret)
{
	size_t widths[CELLS] = {0}, used = 0, n_cells = 0;
	char **times = xcalloc(n, sizeof(char *));

	for (size_t i = 0; i < n; i++) {
		times[i] = row_time(f->rows[i].elapsed_s);
		for (size_t c = 0; c < CELLS; c++) {
			size_t w = width(cell(&f->rows[i], c, times[i]));

			widths[c] = w > widths[c] ? w : widths[c];
		}
	}
	/* A minimum width keeps the columns from moving with every change of their text. */
	widths[2] = widths[2] < 9 ? 9 : widths[2];
	widths[3] = widths[3] < 6 ? 6 : widths[3];
	for (; n_cells < CELLS && used + 2 + widths[n_cells] <= columns; n_cells++)
		used += 2 + widths[n_cells];
	if (!n_cells) {
		n_cells = 1;
		widths[0] = columns > 2 ? columns - 2 : 0;
	}
	for (size_t i = 0; i < n; i++) {
		str_add(ret, "\n");
		for (size_t c = 0; c < n_cells; c++) {
			const char *text = cell(&f->rows[i], c, times[i]);
			bool last = c == n_cells - 1;

			str_addf(ret, "%*s", columns > 2 ? 2 : 0, "");
			if (c == CELLS - 1)
				str_addf(ret, "%*s", (int)(widths[c] - width(text)), "");
			add_cut(ret, text, widths[c], last ? 0 : widths[c]);
		}
		free(times[i]);
	}
	free(times);
}

size_t frame_text(const struct frame *f, struct str *ret)
{
	/* Some terminals start a new line after a character in the last column. */
	size_t columns = f->columns > 1 ? f->columns - 1 : 1;
	size_t room = f->lines > 1 ? f->lines - 1 : 1;
	size_t n = f->n_rows, lines = 1;

	add_head(f, columns, ret);
	if (f->jobs && room > 1) {
		str_add(ret, "\n");
		add_bar(f, columns, ret);
		lines++;
	}
	if (n > room - lines)
		n = room - lines ? room - lines - 1 : 0;
	if (n)
		add_rows(f, n, columns, ret);
	lines += n;
	if (n < f->n_rows && lines < room) {
		_cleanup_free_ char *more = xasprintf("  and %zu more", f->n_rows - n);

		str_add(ret, "\n");
		add_cut(ret, more, columns, 0);
		lines++;
	}
	return lines;
}
