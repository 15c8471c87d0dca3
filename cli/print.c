/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are errors, warnings, times and sizes written for a person? */
#include "config.h"

#include <stdarg.h>
#include <time.h>

#include "base/str.h"
#include "cli/print.h"

char *format_seconds(double seconds)
{
	unsigned long whole = (unsigned long)(seconds + 0.5);

	if (seconds < 60)
		return xasprintf("%.1f s", seconds);
	if (whole < 3600)
		return xasprintf("%lu min %lu s", whole / 60, whole % 60);
	return xasprintf("%lu h %lu min", whole / 3600, whole % 3600 / 60);
}

char *format_bytes(uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return xasprintf("%u B", (unsigned int)bytes);
	while (size >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	return xasprintf(size < 100 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static void print_text(FILE *out, const char *before, const char *fmt, va_list ap,
	const char *after)
{
	_cleanup_(str_done) struct str text = {0};

	str_vaddf(&text, fmt, ap);
	text_mask_controls(text.data);
	fprintf(out, "%s%s%s", before, text.data, after);
}

void print_masked(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_text(out, "", fmt, ap, "");
	va_end(ap);
}

void print_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_text(stderr, "dkms: warning: ", fmt, ap, "\n");
	va_end(ap);
}

void print_indented(FILE *out, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);

	text_mask_controls(copy);
	for (const char *c = copy; *c; c++) {
		fputc(*c, out);
		if (*c == '\n')
			fputs("      ", out);
	}
	fputc('\n', out);
}

void print_error(const struct error *err)
{
	fputs("dkms: ", stderr);
	print_indented(stderr, err->what ? err->what : "failed");
	if (err->remedy)
		print_masked(stderr, "      %s\n", err->remedy);
}

char *format_minute(int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;
	char text[32] = "";

	if (localtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts);
	return xstrdup(text);
}

char *format_day(int64_t seconds)
{
	char *text = format_minute(seconds);

	text[strcspn(text, " ")] = '\0';
	return text;
}

char *format_age(int64_t seconds)
{
	long age = (long)(time(NULL) - (time_t)seconds);
	long days = age / (24 * 3600);

	if (age < 60)
		return xstrdup("just now");
	if (age < 3600)
		return xasprintf("%ld min ago", age / 60);
	if (!days)
		return xasprintf("%ld h ago", age / 3600);
	return xasprintf("%ld day%s ago", days, days == 1 ? "" : "s");
}
