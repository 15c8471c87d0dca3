/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files has dkms put into a kernel's directory? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/staging.h"
#include "cache/libcrypto.h"
#include "builder/tree/installed-files.h"

#define RECORD_PREFIX ".installed-"
#define RECORD_MAX (64 << 20) /* bytes; a package may have thousands of modules */

char *installed_files_path(const char *dkms_tree, struct version_on_kernel on)
{
	return xasprintf("%s/%s/" RECORD_PREFIX "%s-%s", dkms_tree, on.name, on.release,
		on.arch);
}

void installed_files_add(
	struct installed_files *l, const char *path, const char *digest, bool pending)
{
	struct installed_file *f;

	for (size_t i = 0; i < l->n; i++)
		if (streq(l->items[i].path, path) && streq(l->items[i].digest, digest)) {
			l->items[i].pending &= pending;
			return;
		}
	l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
	f = &l->items[l->n++];
	*f = (struct installed_file){.path = xstrdup(path), .pending = pending};
	snprintf(f->digest, sizeof(f->digest), "%s", digest);
}

void installed_files_done(struct installed_files *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].path);
	free(l->items);
	*l = (struct installed_files){0};
}

/* Adds what the line says. Returns whether it can be one. */
static bool parse_line(struct installed_files *l, const char *line)
{
	bool pending = *line == '+';
	size_t len = strcspn(line + pending, " ");
	_cleanup_free_ char *digest = xstrndup(line + pending, len);
	const char *path = line + pending + len + 1;
	struct digest ignored;

	if (line[pending + len] != ' ' || !*path || *path == '/' || path_has_dot_dot(path) ||
		!(streq(digest, INSTALLED_LINK) ||
			(len == DIGEST_HEX - 1 && digest_parse(digest, &ignored))))
		return false;
	installed_files_add(l, path, digest, pending);
	return true;
}

int installed_files_read(const char *dkms_tree, struct version_on_kernel on,
	struct installed_files *ret, struct error *err)
{
	_cleanup_free_ char *path = installed_files_path(dkms_tree, on);
	_cleanup_(str_done) struct str text = {0};
	int r = path_look(path);

	*ret = (struct installed_files){0};
	if (r == 0)
		return 0;
	r = file_read(path, RECORD_MAX, &text, NULL);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	for (char *line = text.data, *end; line < text.data + text.len; line = end + 1) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (end && parse_line(ret, line))
			continue;
		installed_files_done(ret);
		error_set(err, -EBADMSG, 1, "%s is damaged", path);
		error_remedy(err, "remove it; dkms then guesses which files it has installed");
		return -EBADMSG;
	}
	return 1;
}

int installed_files_write(const char *dkms_tree, struct version_on_kernel on,
	const struct installed_files *l, struct error *err)
{
	_cleanup_free_ char *path = installed_files_path(dkms_tree, on);
	_cleanup_free_ char *dir = path_parent(path);
	_cleanup_(str_done) struct str text = {0};
	int r;

	for (size_t i = 0; i < l->n; i++)
		str_addf(&text, "%s%s %s\n", l->items[i].pending ? "+" : "",
			l->items[i].digest, l->items[i].path);
	staging_remove_temporaries(path);
	r = file_write(path, text.data ? text.data : "", text.len, 0644, err);
	if (r < 0)
		return r;
	r = dir_sync(dir);
	return r < 0 ? error_errno(err, r, 1, "cannot write %s", dir) : 0;
}

int installed_files_remove(
	const char *dkms_tree, struct version_on_kernel on, struct error *err)
{
	_cleanup_free_ char *path = installed_files_path(dkms_tree, on);

	staging_remove_temporaries(path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno(err, -errno, 1, "cannot remove %s", path);
	return 0;
}

void installed_files_remove_stray(const char *name_dir)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(name_dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(name_dir, names.items[i]);
		_cleanup_free_ char *link = NULL;

		if (!has_prefix(names.items[i], RECORD_PREFIX))
			continue;
		link = xasprintf("%s/" TREE_LINK_PREFIX "%s", name_dir,
			names.items[i] + strlen(RECORD_PREFIX));
		if (path_look(link) == 0)
			unlink(path);
	}
}

int installed_files_digest(const char *path, char *ret, struct error *err)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_close_ int fd = -1;
	struct digest digest;
	int r;

	if (link_read(path, &target) == 0) {
		snprintf(ret, DIGEST_HEX, "%s", INSTALLED_LINK);
		return 0;
	}
	r = libcrypto_load(err);
	if (r < 0)
		return r;
	fd = file_open(path);
	if (fd < 0)
		return file_open_error(path, fd, err);
	r = digest_fd(fd, UINT64_MAX, &digest);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	digest_hex(&digest, ret);
	return 0;
}
