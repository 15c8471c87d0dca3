/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ANNOTATIONS_H
#define CLI_ANNOTATIONS_H

#include <stdio.h>

#include <jansson.h>

#include "base/error.h"

/* What a CI system shows of the document of a run (cli/run-json.h). */

/* Writes a file of JUnit's XML, a test case for each job, by a rename. The format:
 * https://github.com/testmoapp/junitxml. Returns 0, or a negative errno and err. */
int annotations_write_junit(const char *path, const json_t *document, struct error *err);
/* Prints a workflow command of GitHub for each job that has failed: "Workflow commands for GitHub
 * Actions" in its documentation. */
void annotations_print_github(const json_t *document, FILE *out);

#endif
