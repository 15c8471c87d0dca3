/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_EVALUATE_H
#define BUILDER_CONF_EVALUATE_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/run/command.h"

/* Configuration files are bash: a process of their own evaluates them and reports the
 * variables they set. */

/* An element of an array; a scalar is element 0. */
struct variable {
	char *name;
	unsigned int index;
	char *value; /* without a carriage return at its end */
};

struct evaluation {
	struct strv files;      /* those that were there, in the order read */
	struct variable *items; /* sorted by name and index */
	size_t n;
};

/* How long configuration files may take (seconds). */
#define EVALUATE_TIMEOUT_S 10

/* Elements with a higher index are left out: nobody has so many, and it bounds what a
 * runaway file can make us do. */
#define EVALUATE_INDEX_MAX 4095

/* Fills cmd with a bash that reads files (absolute paths; those that do not exist are
 * skipped), then sets assignments ("NAME=VALUE" or "NAME[1]=VALUE"; what has another form
 * is left out), then reports names (NULL-terminated). cmd->env must hold
 * the environment already; names are removed from it. */
void evaluate_fill_command(const char *const *names, const struct strv *files,
	const struct strv *assignments, struct command *cmd);
/* Removes from env what must not reach a configuration file or a build: CC, CFLAGS, a
 * calling make's variables, what makes a shell read files or behave in another way, the
 * passphrase of the signing key. */
void evaluate_clean_environment(struct strv *env);
/* True when text has the form of an assignment. */
bool evaluate_is_assignment(const char *text);

/* Reads the report. Errors have status 8 and name the file, and the line where bash did;
 * when the bash could not be run they have status 1. They end with what the files wrote
 * to standard error. evaluation_done frees. */
int evaluate_parse_report(const struct command *cmd, const struct outcome *outcome,
	struct evaluation *ret, struct error *err);
void evaluation_done(struct evaluation *e);

/* Appends to an error about the files what they wrote to standard error, unless it is
 * said already: it may tell why. */
void evaluate_add_stderr(const struct outcome *outcome, struct error *err);

/* The value of an element, borrowed; NULL when it is not set or empty. */
const char *evaluation_value(
	const struct evaluation *e, const char *name, unsigned int index);
/* The elements of an array: their number, and the first in *ret when there are any. */
size_t evaluation_elements(
	const struct evaluation *e, const char *name, const struct variable **ret);
/* The files as one text for messages: "/usr/src/x-1/dkms.conf with /etc/dkms/x.conf";
 * caller frees. */
char *evaluation_file_names(const struct evaluation *e);

#endif
