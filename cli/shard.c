/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which part of a plan is done here? */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json-text.h"
#include "cache/digest.h"
#include "builder/tree/tree.h"
#include "scheduler/shards.h"
#include "cli/shard.h"

/* A larger file is no plan (bytes). One for 100 modules and 300 kernels has 6 MiB. */
#define PLAN_MAX (256 * 1024 * 1024)
#define SHARDS_MAX 10000

json_t *shard_identify_plan(const json_t *cells)
{
	_cleanup_free_ char *text = json_dumps(cells, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
	char hex[DIGEST_HEX];
	struct digest digest;

	digest_bytes(text, strlen(text), &digest);
	digest_hex(&digest, hex);
	return json_string(hex);
}

/* Returns a text that names a cell; the caller frees. */
static char *name_cell(const char *module, const char *version, const char *kernel, const char *arch)
{
	return xasprintf("%s/%s %s %s", module, version, kernel, arch);
}

static const char *text_of(const json_t *cell, const char *key)
{
	const char *text = json_string_value(json_object_get(cell, key));

	return text ? text : "";
}

/* Reads a number from the environment. Returns false if it is not set or no number. */
static bool read_variable(const char *name, unsigned long *ret)
{
	const char *text = getenv(name);
	char *end;

	if (is_empty(text))
		return false;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* Finds the part that an engine gives to this process. Slurm: sbatch(1), "INPUT ENVIRONMENT VARIABLES";
 * GitLab: "parallel" in its CI reference; Kubernetes: "Indexed Jobs". n is the number of parts, or
 * 0 if the engine has to say it. */
static bool find_auto(unsigned long n, unsigned long *ret_number, unsigned long *ret_n)
{
	unsigned long number, least, step = 1;

	if (read_variable("SLURM_ARRAY_TASK_ID", &number) &&
		read_variable("SLURM_ARRAY_TASK_MIN", &least) && number >= least) {
		(void)read_variable("SLURM_ARRAY_TASK_STEP", &step);
		*ret_number = (number - least) / (step ? step : 1) + 1;
		*ret_n = n;
		return n || read_variable("SLURM_ARRAY_TASK_COUNT", ret_n);
	}
	if (read_variable("CI_NODE_INDEX", &number)) {
		*ret_number = number;
		*ret_n = n;
		return n || read_variable("CI_NODE_TOTAL", ret_n);
	}
	if (read_variable("JOB_COMPLETION_INDEX", &number)) {
		*ret_number = number + 1;
		*ret_n = n;
		return n != 0; /* Kubernetes does not tell a pod how many there are */
	}
	return false;
}

/* Reads "2/16", "auto" or "auto/16". */
static int parse_shard(const char *text, unsigned int *ret_number, unsigned int *ret_n, struct error *err)
{
	const char *slash = strchr(text, '/');
	unsigned long number = 0, n = 0;
	char *end = NULL;
	bool known;

	errno = 0;
	n = slash ? strtoul(slash + 1, &end, 10) : 0;
	known = !slash || (errno == 0 && slash[1] >= '0' && slash[1] <= '9' && *end == '\0');
	if (known && has_prefix(text, "auto") && (text[4] == '/' || !text[4])) {
		if (!find_auto(n, &number, &n)) {
			error_set(err, -EINVAL, 2, "--shard %s: no engine says which part this is", text);
			error_remedy(err,
				"give --shard I/N, or run it as a task of Slurm, GitLab or Kubernetes");
			return -EINVAL;
		}
	} else if (known && slash) {
		number = strtoul(text, &end, 10);
		known = errno == 0 && end == slash && *text >= '0' && *text <= '9';
	} else {
		known = false;
	}
	if (!known)
		return error_set(err, -EINVAL, 2,
			"--shard %s is neither I/N nor auto nor auto/N", text);
	if (!number || number > n || n > SHARDS_MAX)
		return error_set(err, -EINVAL, 2, "--shard: there is no part %lu of %lu", number, n);
	*ret_number = (unsigned int)number;
	*ret_n = (unsigned int)n;
	return 0;
}

static int read_plan(const char *path, json_t **ret, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	json_t *root, *id;
	int r = file_read(path, PLAN_MAX, &text, NULL);
	bool good;

	if (r < 0)
		return error_errno(err, r, 2, "cannot read the plan %s", path);
	root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (root && !streq(text_of(root, "schema"), PLAN_SCHEMA)) {
		error_set(err, -EINVAL, 2, "%s is no plan of this dkms: its schema is '%s', not %s", path,
			text_of(root, "schema"), PLAN_SCHEMA);
		json_decref(root);
	} else if (!root) {
		error_set(err, -EBADMSG, 2, "%s is damaged: it is no JSON document", path);
	} else {
		id = shard_identify_plan(json_object_get(root, "cells"));
		good = json_equal(id, json_object_get(root, "id"));
		json_decref(id);
		*ret = root;
		if (good)
			return 0;
		error_set(err, -EBADMSG, 2, "%s was changed after it was made: its cells do not fit its id",
			path);
		json_decref(root);
	}
	error_remedy(err, "make it again: dkms plan --all --json > %s", path);
	return -EBADMSG;
}

/* Notes the cells of one part. */
static void divide(struct shard *s)
{
	const json_t *all = json_object_get(s->plan, "cells");
	size_t n = json_array_size(all);
	struct shard_cell *cells = xcalloc(n + 1, sizeof(*cells));

	for (size_t i = 0; i < n; i++) {
		const json_t *cell = json_array_get(all, i);
		double cost = json_number_value(json_object_get(cell, "cost_s"));

		cells[i].chain = (size_t)json_integer_value(json_object_get(cell, "chain"));
		cells[i].group = (size_t)json_integer_value(json_object_get(cell, "group"));
		cells[i].cost_ms = cost > 0 && cost < 1e9 ? (uint64_t)(cost * 1000) : 1;
	}
	shards_divide(cells, n, s->n);
	for (size_t i = 0; i < n; i++) {
		json_t *cell = json_array_get(all, i);
		_cleanup_free_ char *name = NULL;

		if (cells[i].shard + 1 != s->number)
			continue;
		name = name_cell(text_of(cell, "module"), text_of(cell, "version"),
			text_of(cell, "kernel"), text_of(cell, "arch"));
		json_array_append(s->cells, cell);
		json_object_set_new(s->names, name, json_true());
	}
	free(cells);
}

struct shard *shard_read(const struct arguments *args, struct error *err)
{
	struct shard *s;

	if (!args->plan && !args->shard)
		return NULL;
	if (!args->plan) {
		error_set(err, -EINVAL, 2, "--shard needs --plan");
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->cells = json_array();
	s->names = json_object();
	if (parse_shard(args->shard ? args->shard : "1/1", &s->number, &s->n, err) < 0 ||
		read_plan(args->plan, &s->plan, err) < 0) {
		s->plan = NULL;
		shard_free(s);
		return NULL;
	}
	divide(s);
	return s;
}

void shard_free(struct shard *s)
{
	if (!s)
		return;
	json_decref(s->names);
	json_decref(s->cells);
	json_decref(s->plan);
	free(s);
}

bool shard_has(const struct job *job, void *shard)
{
	const struct shard *s = shard;
	_cleanup_free_ char *name =
		name_cell(job->name, job->version, job->kernel->release, job->kernel->arch);

	return json_object_get(s->names, name) != NULL;
}

json_t *shard_describe(const struct shard *s, const struct settings *settings)
{
	json_t *j = json_object(), *cells = json_array();

	for (size_t i = 0; i < json_array_size(s->cells); i++) {
		static const char *const keys[] = {"module", "version", "kernel", "arch"};
		const json_t *cell = json_array_get(s->cells, i);
		json_t *copy = json_object();
		enum tree_state state = tree_state(settings->trees.dkms, settings->trees.source,
			version_on_kernel(text_of(cell, "module"), text_of(cell, "version"),
				text_of(cell, "kernel"), text_of(cell, "arch")));

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			json_object_set(copy, keys[k], json_object_get(cell, keys[k]));
		json_object_set_new(copy, "state", json_text(tree_state_name(state)));
		json_array_append_new(cells, copy);
	}
	json_object_set(j, "id", json_object_get(s->plan, "id"));
	json_object_set_new(j, "shard", json_integer(s->number));
	json_object_set_new(j, "shards", json_integer(s->n));
	json_object_set_new(j, "cells", cells);
	return j;
}
