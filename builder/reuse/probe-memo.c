/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which probes of kbuild need not be asked again? */
#include "config.h"

#include <errno.h>

#include "base/beneath.h"
#include "base/file.h"
#include "cache/cache.h"
#include "builder/probes/memo.h"
#include "builder/run/trace.h"
#include "builder/build/build.h"
#include "builder/build/confine.h"
#include "builder/build/probes.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/key-parts.h"
#include "builder/reuse/observed-values.h"
#include "builder/reuse/observed.h"
#include "builder/reuse/probe-memo.h"
#include "builder/reuse/reuse.h"

#define FORMAT "dkms probes 3\n"
/* The name of the memo in an entry. */
#define MEMO "memo"
/* In answers these take the place of mkdir(1) and rm(1): builder/probes/tmp-dir.h. */
static const char *const tmp_dir_programs[] = {"mkdir", "rm"};

struct probe_memo {
	struct key key;           /* no parts: there can be no memo */
	struct manifest manifest; /* what its answers depend on; no items: there is none */
	bool wanted;              /* the job makes the reference run */
	struct trace *trace;      /* of this run, or NULL */
};

void probe_memo_free(struct probe_memo *p)
{
	if (!p)
		return;
	key_done(&p->key);
	manifest_done(&p->manifest);
	trace_free(p->trace);
	free(p);
}

/* The key */

/* Returns the name of a file of kbuild that asks probes, from its path in the headers, which
 * may have the kernel's release in it; NULL if it is another file. */
static const char *find_kbuild_name(const char *line, size_t n)
{
	static const char *const names[] = {
		"/scripts/Kbuild.include ", "/scripts/Makefile."};
	static const char arch[] = "/arch/";
	const char *end = line + n, *found;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		found = memmem(line, n, names[i], strlen(names[i]));
		if (found)
			return found;
	}
	found = memmem(line, n, arch, strlen(arch));
	if (!found)
		return NULL;
	line = found + strlen(arch);
	line = memchr(line, '/', (size_t)(end - line));
	return line && has_prefix(line, "/Makefile") ? found : NULL;
}

/* Adds the lines of kbuild's files. Returns whether there was one. */
static bool add_kbuild(const struct key_part *part, struct str *s)
{
	bool any = false;

	for (const char *line = part->detail; *line;) {
		size_t n = strcspn(line, "\n");
		const char *name = find_kbuild_name(line, n);

		if (name) {
			str_add_bytes(s, name, (size_t)(line + n - name));
			str_add(s, "\n");
			any = true;
		}
		line += n + (line[n] == '\n');
	}
	return any;
}

/* Whether the line of n bytes has an option with "y", "m" or a number. A text is often the
 * release, with quotes or, in auto.conf since Linux 6.1, without. */
static bool is_choice(const char *line, size_t n)
{
	const char *value = memchr(line, ' ', n);
	size_t len;

	if (!has_prefix(line, "CONFIG_") || !value++)
		return false;
	len = (size_t)(line + n - value);
	return strspn(value, "0123456789abcdefABCDEFxXmy-") >= len;
}

/* Adds the options of the configuration that are the same for kernels of one series, so that
 * they have one memo. */
static void add_options(const struct key_part *part, struct str *s)
{
	for (const char *line = part->detail; *line;) {
		size_t n = strcspn(line, "\n");

		if (is_choice(line, n)) {
			str_add_bytes(s, line, n);
			str_add(s, "\n");
		}
		line += n + (line[n] == '\n');
	}
}

/* Makes the key of the job's memo. Leaves it empty if the job can have none. */
static void make_key(const struct job *job, struct key *ret)
{
	const struct key *of_build = &job->reuse->key;
	const struct toolchain *t = &job->build->toolchain;
	struct str s = {0};
	bool has_kbuild = false;

	str_add(&s, "");
	for (size_t i = 0; i < of_build->n_parts; i++) {
		const struct key_part *part = &of_build->parts[i];

		if (has_prefix(part->name, "headers"))
			has_kbuild |= add_kbuild(part, &s);
		else if (streq(part->name, "config"))
			add_options(part, &s);
	}
	key_parts_add_line(&s, "architecture", job->kernel->arch);
	key_parts_add_line(&s, "CC", t->cc);
	key_parts_add_line(&s, "LD", t->ld);
	key_parts_add_line(&s, "LLVM", t->llvm);
	key_parts_add_line(&s, "PATH", build_search_path(job));
	if (has_kbuild) {
		key_add(ret, "format", FORMAT, strlen(FORMAT));
		key_add(ret, "probes", s.data, s.len);
	}
	str_done(&s);
}

/* Finding */

/* Appends the names of the programs that the memo at path answers for. Returns false if it
 * has no answer, or is damaged. */
static bool list_programs(const char *path, struct strv *ret)
{
	_cleanup_(str_done) struct str memo = {0};
	struct memo_record r;

	if (file_read(path, MEMO_MAX, &memo, NULL) < 0 || memo.len < MEMO_MAGIC_SIZE ||
		memcmp(memo.data, MEMO_MAGIC, MEMO_MAGIC_SIZE) != 0)
		return false;
	for (size_t at = MEMO_MAGIC_SIZE; memo.len - at >= sizeof(r); at += r.size) {
		const char *name = memo.data + at + sizeof(r);

		memcpy(&r, memo.data + at, sizeof(r));
		if (!memo_record_is_valid(&r, memo.len - at) ||
			strnlen(name, r.question) == r.question || !*name ||
			strchr(name, '/') || *name == '.')
			return false;
		if (!strv_contains(ret, name))
			strv_push(ret, name);
	}
	return ret->n > 0;
}

/* Shows the memo to the job's commands. Returns 0 or a negative errno. */
static int show(const struct job *job, const struct entry *e)
{
	_cleanup_free_ char *top = probes_path(job, "");
	_cleanup_free_ char *memo = probes_path(job, MEMO);
	_cleanup_free_ char *shown = probes_path(job, "shown/" MEMO);
	const struct cache_file file = {.name = (char *)MEMO, .path = memo};
	_cleanup_(strv_done) struct strv programs = {0};
	int r = dir_make(top, NULL);

	if (r == 0)
		r = cache_restore(job->shared->cache, e, &file, 1, 0644);
	if (r < 0 || !list_programs(memo, &programs))
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(tmp_dir_programs); i++)
		strv_push(&programs, tmp_dir_programs[i]);
	r = probes_prepare(job, &programs);
	if (r == 0)
		r = cache_restore(job->shared->cache, e,
			&(const struct cache_file){.name = (char *)MEMO, .path = shown}, 1,
			0644);
	return r;
}

/* Looks for the memo. Returns true and fills *ret (entry_done frees) and the manifest. */
static bool find(const struct job *job, struct probe_memo *p, struct entry *ret)
{
	struct cache *cache = job->shared->cache;
	struct entry entries[CACHE_SLOTS] = {0};
	struct observed_change change;
	struct digest key;
	size_t n;
	bool found = false;

	key_digest(&p->key, &key);
	n = cache_find_variants(cache, &key, entries);
	for (size_t i = 0; i < n; i++) {
		if (!found && cache_get_manifest(cache, &entries[i], &p->manifest) == 0) {
			found = observed_find_changes(job, &p->manifest, &change, 1) == 0;
			if (found) {
				*ret = entries[i];
				continue;
			}
			free(change.value);
			manifest_done(&p->manifest);
		}
		entry_done(&entries[i]);
	}
	return found;
}

/* Whether no other job of this run has made, or is making, the memo; then it is this job's. */
static bool take_turn(const struct job *job, const struct digest *key)
{
	static const char name[] = "probe-memos";
	struct key_texts *texts = job->shared->key_texts;
	struct key_text *t;
	char hex[DIGEST_HEX];
	bool mine;

	digest_hex(key, hex);
	pthread_mutex_lock(&texts->lock);
	t = key_texts_find(texts, name, NULL);
	if (!t) {
		struct str none = {0};

		str_add(&none, "");
		t = key_texts_keep(texts, name, NULL, &none);
	}
	mine = !strstr(t->text.data, hex);
	if (mine)
		str_add(&t->text, hex);
	pthread_mutex_unlock(&texts->lock);
	return mine;
}

/* Whether another build has looked for this memo before. If none has, notes in the cache that
 * this one did. */
static bool was_looked_for(const struct job *job, const struct probe_memo *p)
{
	struct cache *cache = job->shared->cache;
	struct entry e = {0};
	struct key note = {0};
	struct digest digest;
	bool was;

	key_add(&note, "format", FORMAT, strlen(FORMAT));
	key_digest(&p->key, &digest);
	key_add(&note, "looked for", (const char *)digest.bytes, DIGEST_SIZE);
	key_digest(&note, &digest);
	was = cache_find(cache, &digest, &e) == 1;
	if (!was) {
		e.title = xasprintf(
			PROBE_MEMO_TITLE "looked for, %s", job->kernel->release);
		e.made_s = time(NULL);
		if (cache_store_files(cache, &note, NULL, 0, &e) == 0)
			cache_commit_uncounted(cache, &e, false);
	}
	entry_done(&e);
	key_done(&note);
	return was;
}

void probe_memo_find(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *top = probes_path(job, "");
	struct probe_memo *p;
	struct entry e = {0};
	struct digest key;

	probe_memo_free(TAKE_PTR(job->reuse->probes));
	dir_remove(top, NULL);
	if (!job->build->trace || s->cache.no_compiler_memo || s->switches.force)
		return;
	p = job->reuse->probes = xcalloc(1, sizeof(*p));
	make_key(job, &p->key);
	if (!p->key.n_parts)
		return;
	if (find(job, p, &e)) {
		if (show(job, &e) < 0)
			dir_remove(top, NULL);
		entry_done(&e);
		return;
	}
	key_digest(&p->key, &key);
	p->wanted = store_is_writable(cache_store(job->shared->cache)) &&
		    was_looked_for(job, p) && take_turn(job, &key);
}

/* JOB_PROBING */

enum transition probe_enter(struct job *job)
{
	struct probe_memo *p = build_is_needed(job) ? job->reuse->probes : NULL;
	_cleanup_(strv_done) struct strv programs = {0};

	if (!p || !p->wanted)
		return TRANSITION_NEXT;
	probes_list_programs(job, &programs);
	trace_free(p->trace);
	p->trace = trace_new(NULL);
	if (p->trace && probes_prepare(job, &programs) == 0 &&
		probes_fill_reference(job, &job->ask.command, p->trace) == 0)
		return TRANSITION_COMMAND;
	command_done(&job->ask.command);
	p->wanted = false;
	return TRANSITION_NEXT;
}

enum transition probe_leave(struct job *job, const struct outcome *outcome)
{
	/* A kernel whose headers are incomplete: the build will tell. */
	job->reuse->probes->wanted = outcome_ok(outcome);
	return TRANSITION_NEXT;
}

/* JOB_KEEPING_PROBES */

/* Adds the record to the memo, unless it is damaged. */
static void add_record(const char *dir, const char *name, struct str *memo)
{
	_cleanup_(str_done) struct str record = {0};
	struct memo_record r;

	if (beneath_read(dir, name, MEMO_RECORD_MAX, &record, NULL) < 0 ||
		record.len < sizeof(r))
		return;
	memcpy(&r, record.data, sizeof(r));
	if (r.size == record.len && memo_record_is_valid(&r, record.len) &&
		memo->len + record.len <= MEMO_MAX &&
		!memmem(memo->data, memo->len, record.data, record.len))
		str_add_bytes(memo, record.data, record.len);
}

/* Makes JOB_DIR/probes/memo of the records. Returns 0 or a negative errno. */
static int make_memo(const struct job *job, const char *path)
{
	_cleanup_free_ char *dir = probes_path(job, "record");
	_cleanup_(strv_done) struct strv names = {0};
	_cleanup_(str_done) struct str memo = {0};
	int r = dir_list(dir, &names);

	str_add_bytes(&memo, MEMO_MAGIC, MEMO_MAGIC_SIZE);
	for (size_t i = 0; i < names.n; i++)
		add_record(dir, names.items[i], &memo);
	return r < 0 ? r : file_write(path, memo.data, memo.len, 0644, NULL);
}

/* Stores the memo. Returns 0 or a negative errno. */
static int store(const struct job *job, struct probe_memo *p, struct entry *e)
{
	struct cache *cache = job->shared->cache;
	_cleanup_free_ char *path = probes_path(job, MEMO);
	_cleanup_free_ char *why = NULL;
	const struct cache_file file = {.name = (char *)MEMO, .path = path};
	struct digest key;
	int r = make_memo(job, path);

	if (r == 0)
		r = observed_list_tools(job, p->trace, &p->manifest, &why);
	*e = (struct entry){.title = xasprintf(PROBE_MEMO_TITLE "%s", job->kernel->release),
		.made_s = time(NULL)};
	if (r == 0)
		r = cache_store_files(cache, &p->key, &file, 1, e);
	if (r == 0)
		r = cache_store_manifest(cache, &p->manifest, e);
	if (r < 0)
		return r;
	key_digest(&p->key, &key);
	cache_make_variant(cache, &key, e);
	return cache_commit_uncounted(cache, e, e->replaces);
}

/* A memo that cannot be kept is no error. */
static int keep_probes_work(struct job *job)
{
	struct probe_memo *p = job->reuse->probes;
	_cleanup_free_ char *top = probes_path(job, "");
	struct entry e = {0};
	bool kept = store(job, p, &e) == 0;

	trace_free(TAKE_PTR(p->trace));
	dir_remove(top, NULL);
	if (!kept || show(job, &e) < 0) {
		dir_remove(top, NULL);
		manifest_done(&p->manifest);
	}
	entry_done(&e);
	p->wanted = false;
	return 0;
}

enum transition keep_probes_enter(struct job *job)
{
	if (!build_is_needed(job) || !job->reuse->probes || !job->reuse->probes->wanted)
		return TRANSITION_NEXT;
	job->ask.work = keep_probes_work;
	return TRANSITION_WORK;
}

void probe_memo_add_inputs(const struct job *job, struct manifest *m)
{
	const struct probe_memo *p = job->reuse->probes;

	for (size_t i = 0; p && i < p->manifest.n; i++)
		manifest_add(m, p->manifest.items[i].kind, p->manifest.items[i].path,
			p->manifest.items[i].value);
	manifest_sort(m);
}
