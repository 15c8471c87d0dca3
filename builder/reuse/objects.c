/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a build know about its objects, before and after make? */
#include "config.h"

#include "cache/cache.h"
#include "builder/build/build.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/observed-values.h"
#include "builder/reuse/reuse.h"

void objects_free(struct objects *o)
{
	if (!o)
		return;
	inputs_done(&o->inputs);
	key_done(&o->key);
	entry_done(&o->origin);
	pieces_done(&o->origin_pieces);
	manifest_done(&o->origin_manifest);
	strv_done(&o->restored);
	free(o->restored_stats);
	entry_done(&o->new_entry);
	free(o);
}

const char *objects_find_obstacle(const struct job *job)
{
	const struct build *b = job->build;

	if (!b || !job->reuse->key.n_parts)
		return "what the build depends on is not known";
	if (job->shared->settings->kernel.config)
		return "with --config, dkms does not know which options kbuild uses";
	if (b->sandbox == SANDBOX_KIND_NONE)
		return "without a sandbox, each kernel has other paths";
	return b->header_mounts.n ? NULL
				  : "the layout of the kernel headers is not known";
}

bool objects_were_restored(const struct job *job)
{
	return job->reuse->objects && job->reuse->objects->restored.n;
}

char *objects_origin_release(const struct entry *e)
{
	_cleanup_(strv_done) struct strv words = {0};

	/* "objects NAME/VERSION RELEASE ARCH" */
	strv_split(&words, e->title);
	return words.n == 4 ? xstrdup(words.items[2]) : NULL;
}

bool objects_may_use(const struct job *job, const struct entry *e, char **ret_change)
{
	struct observed_change change = {0};
	struct manifest m = {0};
	size_t n = 1;

	if (!fingerprint_is_traced(job))
		return true;
	if (cache_get_manifest(job->shared->cache, e, &m) == 0)
		n = observed_find_changes(job, &m, &change, 1);
	if (n && ret_change)
		*ret_change = change.item ? xasprintf("%s: %s differs",
						    manifest_kind_name(change.item->kind),
						    change.item->path)
					  : NULL;
	free(change.value);
	manifest_done(&m);
	return n == 0;
}

char *objects_digest_preparation(const struct job *job)
{
	static const char *const parts[] = {"source", "overrides", "depends"};
	const struct key *key = &job->reuse->key;
	struct digester d;
	struct digest digest;
	char hex[DIGEST_HEX];

	digester_begin(&d);
	for (size_t i = 0; i < key->n_parts; i++)
		for (size_t j = 0; j < ARRAY_SIZE(parts); j++)
			if (streq(key->parts[i].name, parts[j]))
				digester_add(&d, key->parts[i].digest.bytes, DIGEST_SIZE);
	digester_end(&d, &digest);
	digest_hex(&digest, hex);
	return xstrdup(hex);
}

bool objects_had_same_preparation(const struct job *job, const struct pieces *p)
{
	_cleanup_free_ char *now = objects_digest_preparation(job);

	return p->note && has_suffix(p->note, now);
}
