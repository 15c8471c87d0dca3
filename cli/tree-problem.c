/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is a version of the dkms tree of no use, and what can be done about it? */
#include "config.h"

#include "base/file.h"
#include "cli/tree-problem.h"

bool tree_problem_is(const struct tree_entry *e)
{
	return e->state == STATE_BROKEN || e->state == STATE_LEFTOVER || e->no_conf;
}

void tree_problem_done(struct tree_problem *p)
{
	free(p->what);
	free(p->remedy);
	*p = (struct tree_problem){0};
}

/* Whether SOURCETREE/NAME-VERSION is missing. */
static bool is_source_gone(const struct settings *s, const struct tree_entry *e)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/%s-%s", s->trees.source, e->name, e->version);

	return !path_is_dir(dir);
}

void tree_problem_find(
	const struct settings *s, const struct tree_entry *e, struct tree_problem *ret)
{
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, e->name, e->version);
	_cleanup_free_ char *link = path_join(dir, "source");
	_cleanup_free_ char *source = NULL;

	*ret = (struct tree_problem){0};
	if (e->state == STATE_LEFTOVER) {
		ret->what = xasprintf("%s has neither a source nor built modules", dir);
		ret->remedy = xasprintf("dkms remove %s/%s", e->name, e->version);
	} else if (e->no_conf) {
		ret->what = xasprintf("%s has no dkms.conf", link);
		ret->remedy = xasprintf("put it back, or: dkms remove %s/%s --force", e->name,
			e->version);
	} else if (link_read(link, &source) == 0) {
		ret->what = xasprintf("its source %s is missing", source);
		ret->remedy = xasprintf("put the source back, or: dkms remove %s/%s --force",
			e->name, e->version);
	} else if (path_exists(link)) {
		ret->what = xasprintf("%s should be a link to its source", link);
		ret->remedy = xasprintf("move it away, then: dkms add %s/%s", e->name, e->version);
	} else if (is_source_gone(s, e)) {
		ret->what = xasprintf("the link %s is missing, and so is its source", link);
		ret->remedy = xasprintf("dkms remove %s/%s --force", e->name, e->version);
	} else {
		ret->what = xasprintf("the link %s is missing", link);
		ret->remedy = xasprintf("dkms add %s/%s", e->name, e->version);
		ret->adds = true;
	}
}
