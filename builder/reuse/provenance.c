/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which statement goes with the modules of a build? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/json-text.h"
#include "cache/cache.h"
#include "cache/libcrypto.h"
#include "builder/build/build.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/provenance-predicate.h"
#include "builder/reuse/reuse.h"

static int write_json(const json_t *j, const char *path, struct error *err)
{
	char *text = json_dumps(j, JSON_COMPACT);
	_cleanup_free_ char *line = xasprintf("%s\n", text ? text : "");
	int r = text ? file_write(path, line, strlen(line), 0644, err)
		     : error_errno(err, -ENOMEM, 1, "cannot write %s", path);

	free(text);
	return r;
}

/* Returns the predicate that is at path if the build is from the cache; NULL if there is
 * none. */
static json_t *read_predicate(const struct job *job, const char *path)
{
	json_t *j = job->outcome.restored ? json_load_file(path, 0, NULL) : NULL;

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

/* Returns the modules in a directory with their digests. */
static json_t *list_subjects(const char *dir)
{
	_cleanup_(strv_done) struct strv names = {0};
	json_t *list = json_array();

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		char hex[DIGEST_HEX];
		struct digest digest;

		if (!strstr(names.items[i], ".ko") || fd < 0 ||
			digest_fd(fd, &digest) < 0)
			continue;
		digest_hex(&digest, hex);
		json_array_append_new(list,
			json_pack("{s:o, s:{s:s}}", "name", json_text(names.items[i]),
				"digest", "sha256", hex));
	}
	return list;
}

int provenance_write(struct job *job, const char *dir, struct error *err)
{
	_cleanup_free_ char *kept = build_job_path(job, PROVENANCE_FILE);
	_cleanup_free_ char *modules = build_staged_path(job, "");
	_cleanup_free_ char *path = path_join(dir, PROVENANCE_FILE);
	struct entry *e = &job->reuse->entry;
	json_t *predicate, *statement;
	int r = 0;

	/* Digests need it. Without it, which is possible only without a cache, there is
	 * no statement. */
	if (libcrypto_load(NULL) < 0)
		return 0;
	predicate = read_predicate(job, kept);
	if (!predicate) {
		predicate = provenance_predicate(job, &job->reuse->manifest);
		if (e->n_files)
			r = write_json(predicate, kept, err);
	}
	/* An error of the cache is reported by the cache. */
	if (r == 0 && e->n_files && !job->outcome.restored)
		cache_store_more(job->shared->cache,
			&(struct cache_file){(char *)PROVENANCE_FILE, kept}, e);
	statement = json_pack("{s:s, s:o, s:s, s:o}", "_type",
		"https://in-toto.io/Statement/v1", "subject", list_subjects(modules),
		"predicateType", "https://slsa.dev/provenance/v1", "predicate",
		predicate);
	if (r == 0)
		r = write_json(statement, path, err);
	json_decref(statement);
	return r;
}
