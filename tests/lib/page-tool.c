/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the page of --html for a document on standard input. Run: page-tool FILE */
#include "config.h"

#include <stdio.h>

#include "cli/page.h"

int main(int argc, char **argv)
{
	_cleanup_(error_done) struct error err = {0};
	json_t *document = argc == 2 ? json_loadf(stdin, 0, NULL) : NULL;

	if (!document || page_write(argv[1], document, &err) < 0) {
		fprintf(stderr, "page-tool: %s\n", err.what ? err.what : "usage: page-tool FILE < DOCUMENT");
		return 1;
	}
	json_decref(document);
	return 0;
}
