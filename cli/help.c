/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms --help print? */
#include "config.h"

#include "base/str.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"

static void print_row(FILE *out, const char *left, const char *help)
{
	if (strlen(left) > 30)
		fprintf(out, "  %s\n  %-30s  %s\n", left, "", help);
	else
		fprintf(out, "  %-30s  %s\n", left, help);
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
	for (const struct option_row *row = options; row->letter || row->name; row++) {
		struct str left = {0};

		if (!row->help)
			continue;
		if (row->letter)
			str_addf(&left, "-%c", row->letter);
		else
			str_add(&left, "  ");
		if (row->name)
			str_addf(&left, "%s --%s", row->letter ? "," : " ", row->name);
		if (row->argument)
			str_addf(&left, " %s", row->argument);
		print_row(out, left.data, row->help);
		str_done(&left);
	}
	fputs("\nSee dkms(8).\n", out);
}
