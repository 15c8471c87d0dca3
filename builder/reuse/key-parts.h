/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KEY_PARTS_H
#define BUILDER_REUSE_KEY_PARTS_H

#include "builder/job/job.h"
#include "builder/reuse/key-texts.h"

/* fingerprint.h describes the parts. Those of modules and of objects have these in
 * common. */

/* Adds environment and sandbox. ignored is a NULL-terminated list of environment
 * variables to leave out. */
void key_parts_add_common(
	const struct job *job, const char *const *ignored, struct key *key);
/* Adds debug-info. */
void key_parts_add_debug_info(bool made, struct key *key);
/* Adds the parts that only builds which are not traced have: tools, packages, system,
 * outside, running-kernel.
 * afresh is as for key_texts_add_part(). Returns 0, or a negative errno and err. */
int key_parts_add_careful(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *key, struct error *err);
#define FIRST_CAREFUL_PART "tools"

/* Adds a part with this text, which is freed. */
void key_parts_add_text(struct key *key, const char *name, struct str *text);
/* Appends a line "NAME VALUE", with the value escaped as in a listing. NULL is the same
 * as "". */
void key_parts_add_line(struct str *s, const char *name, const char *value);
/* Appends the listing of a directory, in which it is called name. Appends nothing if it
 * does not exist. Returns 0, or a negative errno and err. */
int key_parts_add_dir(struct statcache *stats, const char *path, const char *name,
	struct str *ret, struct error *err);

#endif
