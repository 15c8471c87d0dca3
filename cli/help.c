/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do dkms --help, dkms help COMMAND and dkms COMMAND --help print? */
#include "config.h"

#include <ctype.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/print.h"

#define COLUMNS 80
#define LEFT_COLUMNS 28 /* of the name of an option or a command */

/* Two examples for each command that a person types. */
static const struct {
	const char *command;
	const char *examples[2];
} examples[] = {
	{"add", {"dkms add evdi/1.14.7", "dkms add ./evdi-1.14.7.tar.gz"}},
	{"build", {"dkms build evdi/1.14.7 -k 6.1.0-56-amd64",
		"dkms build ./evdi --all --dry-run --explain"}},
	{"install", {"dkms install evdi/1.14.7", "dkms install evdi/1.14.7 --all"}},
	{"uninstall", {"dkms uninstall evdi/1.14.7", "dkms uninstall evdi/1.14.7 --all"}},
	{"unbuild", {"dkms unbuild evdi/1.14.7 -k 6.1.0-55-amd64",
		"dkms unbuild evdi/1.14.7 --all"}},
	{"remove", {"dkms remove evdi/1.14.6 --all",
		"dkms remove evdi/1.14.6 -k 6.1.0-55-amd64"}},
	{"sign", {"dkms sign --all", "dkms sign evdi/1.14.7 -k 6.1.0-56-amd64"}},
	{"mktarball", {"dkms mktarball evdi/1.14.7 --all",
		"dkms mktarball evdi/1.14.7 --binaries-only -k 6.1.0-56-amd64"}},
	{"mkdeb", {"dkms mkdeb evdi/1.14.7 --source-only",
		"dkms mkdeb evdi/1.14.7 --binaries-only -k 6.1.0-56-amd64"}},
	{"mkrpm", {"dkms mkrpm evdi/1.14.7 --source-only",
		"dkms mkrpm evdi/1.14.7 --binaries-only -k 6.1.0-56-amd64"}},
	{"ldtarball", {"dkms ldtarball evdi.dkms.tar.gz", "dkms ldtarball evdi.dkms.tar.gz --force"}},
	{"status", {"dkms status", "dkms status evdi --json"}},
	{"kernels", {"dkms kernels", "dkms kernels --json"}},
	{"log", {"dkms log", "dkms log evdi -k 6.1.0-56-amd64"}},
	{"history", {"dkms history", "dkms history evdi -k 6.1.0-56-amd64"}},
	{"skip", {"dkms skip evdi -k 6.1.0-57-amd64", "dkms skip evdi/1.14.7 --all"}},
	{"unskip", {"dkms unskip evdi -k 6.1.0-57-amd64", "dkms unskip evdi --all"}},
	{"provenance", {"dkms provenance evdi/1.14.7",
		"dkms provenance evdi/1.14.7 -k 6.1.0-56-amd64"}},
	{"cache", {"dkms cache stats", "dkms cache why evdi/1.14.7"}},
	{"why", {"dkms why evdi", "dkms why evdi -k 6.1.0-56-amd64"}},
	{"doctor", {"dkms doctor --fix", "dkms doctor --report /tmp/dkms-report.tar.gz"}},
	{"remote", {"dkms remote keygen build1",
		"dkms remote why evdi -k 6.1.0-56-amd64"}},
	{"autoinstall", {"dkms autoinstall", "dkms autoinstall --all --dry-run --explain"}},
	{"plan", {"dkms plan --all", "dkms plan --all --json > plan.json"}},
	{"merge", {"dkms merge part-*.json", "dkms merge part-*.json --html matrix.html"}},
	{"generate_mok", {"dkms generate_mok", NULL}},
	{"secureboot", {"dkms secureboot", "dkms secureboot --json"}},
	{"match", {"dkms match --templatekernel 6.1.0-55-amd64 -k 6.1.0-56-amd64", NULL}},
	{"kernel_preinst", {"dkms kernel_preinst -k 6.1.0-56-amd64", NULL}},
	{"kernel_postinst", {"dkms kernel_postinst -k 6.1.0-56-amd64", NULL}},
	{"kernel_prerm", {"dkms kernel_prerm -k 6.1.0-55-amd64", NULL}},
	{"help", {"dkms help install", "dkms install --help"}},
};

/* Prints the name of an option or a command and what it is for, whose lines are broken between
 * two words. */
static void print_row(FILE *out, const char *left, const char *help)
{
	size_t column = strlen(left) + 2;

	fprintf(out, "  %s", left);
	if (strlen(left) > LEFT_COLUMNS) {
		fputc('\n', out);
		column = 0;
	}
	while (*help) {
		size_t n = strcspn(help, " ");

		if (column < LEFT_COLUMNS + 4) {
			fprintf(out, "%*s", (int)(LEFT_COLUMNS + 4 - column), "");
			column = LEFT_COLUMNS + 4;
		} else if (column + 1 + n > COLUMNS) {
			fprintf(out, "\n%*s", LEFT_COLUMNS + 4, "");
			column = LEFT_COLUMNS + 4;
		} else {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)n, help);
		column += n;
		help += n + strspn(help + n, " ");
	}
	fputc('\n', out);
}

static void print_option(const struct option_row *row, FILE *out)
{
	_cleanup_(str_done) struct str left = {0};

	if (row->letter)
		str_addf(&left, "-%c", row->letter);
	else
		str_add(&left, "  ");
	if (row->name)
		str_addf(&left, "%s --%s", row->letter ? "," : " ", row->name);
	if (row->argument)
		str_addf(&left, " %s", row->argument);
	print_row(out, left.data, row->help);
}

void help_print(FILE *out)
{
	fputs("Usage: dkms COMMAND [OPTION...] [NAME/VERSION | DIRECTORY | ARCHIVE]\n\n"
	      "Builds kernel modules from source for installed kernels.\n\nCommands:\n",
		out);
	for (const struct command_row *c = commands; c->name; c++) {
		_cleanup_free_ char *left = xasprintf("%s %s", c->name, c->operands);

		print_row(out, left, c->help);
	}
	fputs("\nOptions:\n", out);
	for (const struct option_row *row = options; row->letter || row->name; row++)
		if (row->help)
			print_option(row, out);
	fputs("\nSee dkms(8).\n", out);
}

void help_print_command(const struct command_row *command, FILE *out)
{
	size_t length = strlen("Usage: dkms  [OPTION...] ") + strlen(command->name) +
			strlen(command->operands);

	fprintf(out, "Usage: dkms %s [OPTION...]%s%s\n\n%c%s.\n\nOptions:\n", command->name,
		!*command->operands    ? ""
		: length > COLUMNS  ? "\n       "
					: " ",
		command->operands,
		toupper((unsigned char)*command->help), command->help + 1);
	for (const struct option_row *row = options; row->letter || row->name; row++)
		if (row->help && option_applies(row, command))
			print_option(row, out);
	fputs("\nExamples:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
		for (size_t j = 0; j < 2 && streq(examples[i].command, command->name); j++)
			if (examples[i].examples[j])
				fprintf(out, "  %s\n", examples[i].examples[j]);
	fprintf(out, "\nSee %s.\n",
		command->flags & COMMAND_CACHE	  ? "dkms-cache(8)"
		: command->flags & COMMAND_REMOTE ? "dkms-remote(7)"
						  : "dkms(8)");
}

/* Returns in how many letters two words differ: letters that one has and the other has not, or
 * that are others, or that have changed places (the distance of Damerau and Levenshtein, with
 * each pair of letters exchanged at most once). */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), width = m + 1, result;
	size_t *d = xcalloc((n + 1) * width, sizeof(*d));

	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			size_t *cell = &d[i * width + j];
			bool other = i && j && a[i - 1] != b[j - 1];

			if (!i || !j) {
				*cell = i + j;
				continue;
			}
			*cell = cell[-1 - (long)width] + other;
			*cell = cell[-1] + 1 < *cell ? cell[-1] + 1 : *cell;
			*cell = cell[-(long)width] + 1 < *cell ? cell[-(long)width] + 1 : *cell;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				cell[-2 - 2 * (long)width] + 1 < *cell)
				*cell = cell[-2 - 2 * (long)width] + 1;
		}
	}
	result = d[n * width + m];
	free(d);
	return result;
}

/* Longer words are no commands, and would take long to compare. */
#define WORD_MAX 40
/* Words that differ in more letters do not look alike. */
#define DISTANCE_MAX 2

void help_print_unknown(const char *word, FILE *errors)
{
	const char *meant = NULL;
	size_t best = DISTANCE_MAX + 1;

	for (const struct command_row *c = commands; c->name && strlen(word) < WORD_MAX; c++) {
		size_t n = distance(word, c->name);

		if (n < best && n < strlen(c->name)) {
			best = n;
			meant = c->name;
		}
	}
	print_masked(errors, "dkms: there is no command '%s'%s%s%s\n", word,
		meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

int command_help(struct arguments *args)
{
	if (!args->subcommand) {
		help_print(stdout);
		return 0;
	}
	for (const struct command_row *c = commands; c->name; c++) {
		if (streq(c->name, args->subcommand)) {
			help_print_command(c, stdout);
			return 0;
		}
	}
	help_print_unknown(args->subcommand, stderr);
	return 2;
}
