/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which statement goes with the modules of a build? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/json-text.h"
#include "cache/cache.h"
#include "cache/libcrypto.h"
#include "builder/build/build.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/provenance-predicate.h"
#include "builder/reuse/reuse.h"

/* Appends the text of a value, and frees the value. */
static void add_json(struct str *s, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);

	str_add(s, text ? text : "{}");
	free(text);
	json_decref(j);
}

/* Writes the statement to a file. A part of a key is the digest of what may have the digests
 * of files in it that only root may read. */
static int write_statement(const char *path, const struct str *text, struct error *err)
{
	return file_write(path, text->data, text->len,
		strstr(text->data, "\"key-part\"") ? 0600 : 0644, err);
}

/* Returns the modules in a directory with their digests. */
static json_t *list_subjects(const char *dir)
{
	_cleanup_(strv_done) struct strv names = {0};
	json_t *list = json_array();

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		_cleanup_close_ int fd = file_open(path);
		char hex[DIGEST_HEX];
		struct digest digest;

		if (!strstr(names.items[i], ".ko") || fd < 0 ||
			digest_fd(fd, UINT64_MAX, &digest) < 0)
			continue;
		digest_hex(&digest, hex);
		json_array_append_new(list,
			json_pack("{s:o, s:{s:s}}", "name", json_text(names.items[i]),
				"digest", "sha256", hex));
	}
	return list;
}

/* Returns "build1, build2" as a list. */
static json_t *list_signers(const char *signers)
{
	json_t *list = json_array();

	while (*signers) {
		size_t n = strcspn(signers, ",");
		_cleanup_free_ char *name = xstrndup(signers, n);

		json_array_append_new(list, json_text(name));
		signers += n;
		signers += strspn(signers, ", ");
	}
	return list;
}

/* Returns the predicate of another machine with those who have signed it. They have signed its text, but
 * what that is has not been looked at yet. */
static json_t *add_signers(const struct str *predicate, const char *signers)
{
	json_t *j = json_loadb(predicate->data, predicate->len, JSON_REJECT_DUPLICATES, NULL);
	_cleanup_free_ char *first = xstrndup(signers, strcspn(signers, ","));

	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	json_object_set_new(j, "dkms_signers", list_signers(signers));
	json_object_set_new(j, "dkms_stated_by", json_text(first));
	return j;
}

/* Returns whether dkms sets a variable itself. The environment gives no other one that is shown, and all
 * that was in it may be secret. */
static bool is_set_by_dkms(const char *name)
{
	static const char *const names[] = {"LC_ALL", SOURCE_DATE_VARIABLE, "arch", "dkms_tree",
		"install_tree", "kernel_config", "kernel_source_dir", "kernelver", "module",
		"module_version", "source_tree"};
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !found; i++)
		found = streq(name, names[i]);
	return found;
}

bool provenance_for_others(const struct str *predicate, struct str *ret)
{
	json_t *j = json_loadb(predicate->data, predicate->len, JSON_REJECT_DUPLICATES, NULL);
	json_t *internal = json_object_get(json_object_get(j, "buildDefinition"), "internalParameters");
	json_t *values = json_object_get(internal, "environment");
	json_t *names = json_object_get(internal, "otherVariables"), *value;
	_cleanup_(strv_done) struct strv hidden = {0};
	const char *name;

	if (!json_is_object(values) || !json_is_array(names)) {
		json_decref(j);
		return false;
	}
	json_object_foreach(values, name, value) {
		if (!is_set_by_dkms(name))
			strv_push(&hidden, name);
	}
	for (size_t i = 0; i < hidden.n; i++) {
		json_object_del(values, hidden.items[i]);
		json_array_append_new(names, json_text(hidden.items[i]));
	}
	add_json(ret, j);
	return true;
}

int provenance_write(struct job *job, const char *dir, struct error *err)
{
	_cleanup_free_ char *modules = build_staged_path(job, "");
	_cleanup_free_ char *path = path_join(dir, PROVENANCE_FILE);
	_cleanup_(str_done) struct str statement = {0};
	struct str *predicate = &job->reuse->predicate;
	struct entry *e = &job->reuse->entry;

	/* Digests need it. Without it, which is possible only without a cache, there is
	 * no statement. */
	if (libcrypto_load(NULL) < 0)
		return 0;
	if (!predicate->len) {
		add_json(predicate, provenance_predicate(job, &job->reuse->manifest));
		/* An error of the cache is reported by the cache. */
		if (e->n_files)
			cache_store_text(
				job->shared->cache, PROVENANCE_PREDICATE, predicate, e);
	}
	add_json(&statement,
		json_pack("{s:s, s:o, s:s}", "_type", "https://in-toto.io/Statement/v1",
			"subject", list_subjects(modules), "predicateType",
			"https://slsa.dev/provenance/v1"));
	statement.len--; /* the last brace */
	str_add(&statement, ",\"predicate\":");
	if (job->reuse->signers)
		add_json(&statement, add_signers(predicate, job->reuse->signers));
	else
		str_add(&statement, predicate->data);
	str_add(&statement, "}\n");
	return write_statement(path, &statement, err);
}

int provenance_update(const char *modules_dir, const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, PROVENANCE_FILE), *text = NULL;
	_cleanup_(str_done) struct str line = {0};
	json_t *statement;

	if (path_look(path) == 0 || libcrypto_load(NULL) < 0)
		return 0;
	statement = json_load_file(path, 0, NULL);
	if (!json_is_object(statement)) {
		json_decref(statement);
		return 0; /* the command provenance says that it is damaged */
	}
	json_object_set_new(statement, "subject", list_subjects(modules_dir));
	text = json_dumps(statement, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(statement);
	str_addf(&line, "%s\n", text ? text : "");
	return write_statement(path, &line, err);
}
