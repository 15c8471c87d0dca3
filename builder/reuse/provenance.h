/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_PROVENANCE_H
#define BUILDER_REUSE_PROVENANCE_H

#include "builder/job/job.h"

/* The provenance of a build: which modules were made, of what and how. It is an in-toto
 * Statement (https://in-toto.io/Statement/v1) about the modules as they are in the dkms
 * tree, with the predicate https://slsa.dev/provenance/v1. Its parts:
 *
 *   subject                         the modules, signed and compressed
 *   predicate.buildDefinition
 *     externalParameters            what was asked for: module, kernel, make command
 *     internalParameters            sandbox, environment; the links, names in $PATH and
 *                                   facts that the build depended on; "complete": whether
 *                                   the list of files is
 *     resolvedDependencies          each file and directory that was read
 *   predicate.runDetails
 *     builder                       how it is confined; the version of dkms
 *     metadata                      the times, unless SOURCE_DATE_EPOCH is set
 *     byproducts                    the modules before they were signed and compressed,
 *                                   if the build was kept in the cache
 *
 * The name of a dependency is its path as the build saw it. Its URI has the same path, but
 * that of the distribution for headers which the sandbox shows elsewhere. So the statement
 * does not depend on where options have put the trees.
 *
 * The annotations of a dependency are its "kind": "file", "input" for files of the
 * module, the kernel and the configuration, "directory", of whose listing the digest is,
 * or "key-part", a part of the key of the cache (fingerprint.h); and the "package" that a
 * file is of.
 *
 * What another machine has built, and a remote cache had, also has predicate.dkms_signers: the
 * names that the keys of those who have signed the modules have here, and predicate.dkms_stated_by,
 * the one of them whose words the rest of the predicate is. Of the environment that was given to it, it has
 * only the names of variables.
 *
 * The predicate is made once, and kept in the cache together with the modules. So a build
 * from the cache has the same one. */

/* The name of the file with the statement, in the directory of the log. */
#define PROVENANCE_FILE "provenance.json"
/* The name of the text of a cache entry that is the predicate. */
#define PROVENANCE_PREDICATE "provenance"

/* Writes the statement about the staged modules to dir, in JOB_PUBLISHING. For a build
 * that will be committed to the cache, adds the predicate to its entry. Returns 0, or a
 * negative errno and err. */
int provenance_write(struct job *job, const char *dir, struct error *err);

/* Makes of a predicate what a remote cache gets: of the variables that come from the environment of dkms
 * it has only the names. Returns false if it is no predicate. str_done() frees *ret. */
bool provenance_for_others(const struct str *predicate, struct str *ret);

/* Writes the digests of the modules in modules_dir, which have been signed again, to the
 * statement in dir, if there is one. Returns 0, or a negative errno and an error. */
int provenance_update(const char *modules_dir, const char *dir, struct error *err);

#endif
