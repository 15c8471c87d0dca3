/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include <jansson.h>

#include "base/error.h"

/* Writes the page of --html to the file at path, which is replaced by a rename: one HTML file that
 * needs nothing else, with a matrix of modules and kernels. document is what --json prints: that of
 * a run (cli/run-json.h) or of dkms status. Returns 0, or a negative errno and err, with exit status
 * 1. */
int page_write(const char *path, const json_t *document, struct error *err);

#endif
