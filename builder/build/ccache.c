/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do builds use ccache(1)?
 *
 * ccache can help if neither a module nor its objects are in the cache of dkms: if the
 * headers have another layout, if make generates the sources, or if none of the changed
 * headers is included by a source.
 *
 * It is off by default. On evdi, a build for which ccache has nothing takes a third more
 * CPU time, because each source has to be preprocessed for its key. After a point release
 * of the kernel, ccache has one in seventeen objects. If the kernel's headers are equal,
 * builder/reuse/ finds all objects without starting a compiler.
 *
 * Everything that a module's makefile runs can write to the directory of ccache. So each
 * package has a directory of its own for each content of its source, and can spoil only
 * its own builds, not those of another package with the same name or version:
 *
 *   STORE/guests/             writable only by root, or by the user that runs dkms
 *     bin/                    links to ccache with the names of compilers; first in $PATH
 *     any/PACKAGE-DIGEST/     directories of ccache for builds that run as users of their
 *                             own (builder/run/user.h), who all can write there
 *     own/PACKAGE-DIGEST/     and for builds that run as the user of dkms
 *
 * ccache works on preprocessed sources here. Its direct mode does not notice a new header
 * that comes before the known one in the search path. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "cache/trust.h"
#include "builder/build/build.h"
#include "builder/build/ccache.h"
#include "builder/build/compilers.h"

/* Where a sandbox shows these directories. */
#define SANDBOX_DIR "/run/ccache"

/* One remote storage. CCACHE_REMOTE_STORAGE is a list of them, each a URL followed by
 * attributes: "file:///shared/cache|read-only http://host:8080" (see ccache(1)). A
 * directory needs no network, but a sandbox may hide it. So a sandbox shows it as
 * SANDBOX_DIR/remoteN. */
struct storage {
	const char *text;       /* begins with the URL */
	const char *attributes; /* what follows the URL in text, from its first "|" */
	char *dir;              /* the path in a file: URL, or NULL */
};

/* Returns the absolute path in a file: URL of n bytes, or NULL if it is another URL or
 * names a host. The caller frees. */
static char *url_path(const char *url, size_t n)
{
	_cleanup_free_ char *text = xstrndup(url, n);
	const char *from = has_prefix(text, "file:///") ? text + strlen("file://")
			   : has_prefix(text, "file:/") ? text + strlen("file:")
							: NULL;
	struct str path = {0};

	if (!from || has_prefix(from, "//"))
		return NULL;
	for (; *from; from++) {
		bool encoded = *from == '%' && isxdigit((unsigned char)from[1]) &&
			       isxdigit((unsigned char)from[2]);
		const char digits[] = {from[1], encoded ? from[2] : '\0', '\0'};
		char c = encoded ? (char)strtoul(digits, NULL, 16) : *from;

		str_add_bytes(&path, &c, 1);
		from += encoded ? 2 : 0;
	}
	return str_take(&path);
}

/* Reads the next storage from *list, which it modifies and advances. The storage points
 * into the list. Returns false at its end. storage_done() frees. */
static bool storage_next(char **list, struct storage *ret)
{
	char *text;

	do {
		text = strsep(list, " ");
		if (!text)
			return false;
	} while (!*text);
	ret->text = text;
	ret->attributes = text + strcspn(text, "|");
	ret->dir = url_path(text, (size_t)(ret->attributes - text));
	return true;
}

static void storage_done(struct storage *s)
{
	free(s->dir);
}

bool ccache_needs_network(const struct settings *s)
{
	const char *value = getenv("CCACHE_REMOTE_STORAGE");
	_cleanup_free_ char *copy = xstrdup(value ? value : "");
	char *rest = copy;
	struct storage storage;
	bool needs = !is_empty(getenv("CCACHE_PREFIX"));

	while (storage_next(&rest, &storage)) {
		needs = needs || !has_prefix(storage.text, "file:");
		storage_done(&storage);
	}
	return s->cache.ccache && needs;
}

/* Checks that only root, and the user of dkms, can have written what is in the directory of a
 * storage: builds get objects from there. Returns 0, or a negative errno and err. */
static int check_storage(const struct storage *s, bool own_users, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct stat st;
	int r;

	if (!s->dir)
		return error_set(err, -EINVAL, 1, "%s is no file:///DIRECTORY", s->text);
	r = trust_check_top(s->dir, err);
	if (r == 0 && stat(s->dir, &st) == 0 && own_users &&
		(st.st_mode & (S_IROTH | S_IXOTH)) != (S_IROTH | S_IXOTH))
		r = error_set(err, -EACCES, 1,
			"builds run as users of their own, who may not read %s", s->dir);
	if (r == 0 && dir_list(s->dir, &names) < 0)
		r = error_set(err, -EACCES, 1, "cannot read %s", s->dir);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *path = path_join(s->dir, names.items[i]);

		if (!path_is_file(path))
			r = trust_check_dir(path, err);
	}
	return r;
}

/* Shows the directories among the storages in a sandbox, if there is one. Nothing is written
 * to them: a build could leave wrong objects there for other builds. Leaves out those that
 * others may write to, and adds a notice to the job for each. value is
 * CCACHE_REMOTE_STORAGE; returns its value for builds, which the caller frees. */
static char *show_storages(struct job *job, const char *value, struct sandbox *box)
{
	bool confined = job->build->sandbox != SANDBOX_KIND_NONE;
	_cleanup_free_ char *copy = xstrdup(value);
	char *rest = copy;
	struct storage storage;
	struct str seen = {0};

	str_add(&seen, "");
	for (size_t i = 0; storage_next(&rest, &storage); i++) {
		_cleanup_free_ char *place = xasprintf(SANDBOX_DIR "/remote%zu", i);
		_cleanup_(error_done) struct error err = {0};
		bool is_file = has_prefix(storage.text, "file:");

		if (is_file && check_storage(&storage, box->uid, &err) < 0) {
			strv_pushf(&job->outcome.notices,
				"CCACHE_REMOTE_STORAGE is not used: %s", err.what);
		} else if (is_file && confined) {
			str_addf(&seen, "%sfile:%s%s|read-only", seen.len ? " " : "", place,
				storage.attributes);
			strv_push_all(&box->bwrap_options,
				(const char *const[]){
					"--ro-bind", storage.dir, place, NULL});
		} else {
			str_addf(&seen, "%s%s%s", seen.len ? " " : "", storage.text,
				is_file ? "|read-only" : "");
		}
		storage_done(&storage);
	}
	return str_take(&seen);
}

/* Makes a link to ccache in dir for each compiler in search, a list of directories like
 * $PATH. */
static void link_compilers(const char *dir, const char *search, const char *ccache)
{
	_cleanup_free_ char *copy = xstrdup(search);
	char *place, *rest = copy;

	while ((place = strsep(&rest, ":"))) {
		_cleanup_(strv_done) struct strv names = {0};

		if (*place != '/' || dir_list(place, &names) < 0)
			continue;
		for (size_t i = 0; i < names.n; i++) {
			_cleanup_free_ char *link = path_join(dir, names.items[i]);

			if (compilers_is_name(names.items[i]) && !path_exists(link))
				link_write(link, ccache, NULL);
		}
	}
}

/* Makes a directory that only its owner can enter, if there is none. Returns 0 or a
 * negative errno. */
static int make_private_dir(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Makes the directory of the job's package and the one of the links, if necessary.
 * Returns false if this fails. The caller frees both paths in both cases. */
static bool make_dirs(
	const struct job *job, const char *digest, char **ret_dir, char **ret_bin)
{
	bool own_users = job->build->user.uid;
	struct stat st;
	_cleanup_free_ char *top = ccache_dirs_path(cache_store(job->shared->cache));
	_cleanup_free_ char *owner = path_join(top, own_users ? "any" : "own");

	*ret_dir = xasprintf("%s/%s-%s", owner, job->name, digest);
	*ret_bin = path_join(top, "bin");
	if (make_private_dir(top) < 0 || make_private_dir(owner) < 0 ||
		make_private_dir(*ret_dir) < 0 ||
		(mkdir(*ret_bin, 0755) < 0 && errno != EEXIST))
		return false;
	/* The time of modification tells when the directory was last used. */
	utimensat(AT_FDCWD, *ret_dir, NULL, 0);
	/* Only root can enter the directory around it. */
	return !own_users || (lstat(*ret_dir, &st) == 0 && S_ISDIR(st.st_mode) &&
				     chmod(*ret_dir, 0777) == 0);
}

/* Sets the variables of ccache. The user's own settings, which are made for another
 * directory, are ignored except for the remote storage and the prefixes. */
static void set_variables(const struct settings *s, const char *dir, struct strv *env)
{
	static const char *const kept[] = {
		"CCACHE_REMOTE_STORAGE", "CCACHE_PREFIX", "CCACHE_PREFIX_CPP"};
	_cleanup_free_ char *size =
		xasprintf("%lluk", (unsigned long long)(s->cache.max_size_bytes /
							CCACHE_DIRS_SHARE / 1000));

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		strv_setenv(env, kept[i], getenv(kept[i]));
	strv_setenv(env, "CCACHE_CONFIGPATH", "/dev/null");
	/* Where it looks for the compiler: not among the links of probes.h, which are in front
	 * of it. */
	strv_setenv(env, "CCACHE_PATH", strv_getenv(env, "PATH"));
	strv_setenv(env, "CCACHE_DIR", dir);
	strv_setenv(env, "CCACHE_COMPILERCHECK", "content");
	strv_setenv(env, "CCACHE_NODIRECT", "1");
	strv_setenv(env, "CCACHE_UMASK", "000");
	strv_setenv(env, "CCACHE_MAXSIZE", s->cache.max_size_bytes ? size : "0");
	if (s->switches.force)
		strv_setenv(env, "CCACHE_RECACHE", "1");
}

void ccache_wrap_compilers(struct job *job, const char *digest, struct command *cmd,
	struct sandbox *box)
{
	const struct settings *s = job->shared->settings;
	const char *search = strv_getenv(&cmd->env, "PATH"), *storages;
	_cleanup_free_ char *ccache = NULL, *dir = NULL, *bin = NULL, *path = NULL;
	bool confined = job->build->sandbox != SANDBOX_KIND_NONE;

	if (!s->cache.ccache || !job->shared->cache || !digest || !search ||
		!store_is_writable(cache_store(job->shared->cache)))
		return;
	ccache = path_find_program("ccache", search);
	if (!ccache || !make_dirs(job, digest, &dir, &bin))
		return;
	link_compilers(bin, search, ccache);
	set_variables(s, confined ? SANDBOX_DIR "/dir" : dir, &cmd->env);
	path = xasprintf("%s:%s", confined ? SANDBOX_DIR "/bin" : bin, search);
	strv_setenv(&cmd->env, "PATH", path);
	box->network = box->network || ccache_needs_network(s);
	if (confined)
		strv_push_all(&box->bwrap_options,
			(const char *const[]){"--dir", SANDBOX_DIR, "--ro-bind", bin,
				SANDBOX_DIR "/bin", "--bind", dir, SANDBOX_DIR "/dir",
				NULL});
	storages = strv_getenv(&cmd->env, "CCACHE_REMOTE_STORAGE");
	if (storages) {
		_cleanup_free_ char *seen = show_storages(job, storages, box);

		strv_setenv(&cmd->env, "CCACHE_REMOTE_STORAGE", *seen ? seen : NULL);
	}
}
