/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_EVALUATE_H
#define BUILDER_CONF_EVALUATE_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/run/command.h"

/* Configuration files are bash scripts. A bash process of its own evaluates them and
 * reports the variables that they set (builder/conf/evaluate.bash). */

/* An element of an array variable. A scalar is element 0. */
struct variable {
	char *name;
	unsigned int index;
	char *value; /* without a carriage return at its end */
};

/* What the files have set. */
struct evaluation {
	struct strv files;      /* the files that exist, in the order of reading */
	struct variable *items; /* sorted by name and index */
	size_t n;
};

/* How many seconds the evaluation may take. */
#define EVALUATE_TIMEOUT_S 10

/* Elements with a higher index are ignored. No real file has so many, and the limit
 * bounds the work that a faulty file can cause. */
#define EVALUATE_INDEX_MAX 4095

/* Fills cmd with a bash that reads files (absolute paths, of which missing ones are
 * skipped), then sets assignments ("NAME=VALUE" or "NAME[1]=VALUE"; strings of another
 * form are ignored), and then reports the variables in names (NULL-terminated). The
 * caller has set cmd->env to the environment; names are removed from it. */
void evaluate_fill_command(const char *const *names, const struct strv *files,
	const struct strv *assignments, struct command *cmd);

/* Removes from env what must not reach a configuration file or a build: CC, CFLAGS and
 * the like, variables of a make that called dkms, variables that make a shell read files
 * or behave differently, and the passphrase of the signing key. */
void evaluate_clean_environment(struct strv *env);

/* Returns whether text has the form of an assignment for evaluate_fill_command(). */
bool evaluate_is_assignment(const char *text);

/* Reads the report of the bash that cmd has run. Returns 0 or a negative errno. Errors
 * have exit status 8 and name the file, and the line if bash named it; if bash could not
 * be run, they have exit status 1. They end with what the files wrote to standard error.
 * evaluation_done() frees what is in ret. */
int evaluate_parse_report(const struct command *cmd, const struct outcome *outcome,
	struct evaluation *ret, struct error *err);
void evaluation_done(struct evaluation *e);
/* Sorts the variables, as the functions below need them. */
void evaluation_sort(struct evaluation *e);

/* Appends to err what the files wrote to standard error, since it may tell the reason.
 * Lines that err contains already are left out. */
void evaluate_add_stderr(const struct outcome *outcome, struct error *err);

/* Returns the value of an element, borrowed; NULL if it is not set or empty. */
const char *evaluation_value(
	const struct evaluation *e, const char *name, unsigned int index);

/* Returns how many elements of an array are set. If there are any, *ret is the first of
 * them, borrowed; the others follow it by index. */
size_t evaluation_elements(
	const struct evaluation *e, const char *name, const struct variable **ret);

/* Returns the names of the files as one text for messages: "/usr/src/x-1/dkms.conf with
 * /etc/dkms/x.conf". The caller frees it. */
char *evaluation_file_names(const struct evaluation *e);

#endif
