/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What are files and packages called in documents? */
#include "config.h"

#include <pthread.h>

#include "base/file.h"
#include "builder/host/package-owner.h"
#include "builder/host/purl.h"

struct found {
	char *path;
	char *url; /* NULL: of no package */
};

struct purl_cache {
	enum distro distro;
	pthread_mutex_t lock;
	struct found *items; /* sorted by path */
	size_t n;
};

/* Appends n bytes with all but letters, digits, "-._~" and those in keep as %XX. */
static void add_encoded(struct str *s, const char *text, size_t n, const char *keep)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || (c && strchr("-._~", c)) ||
			(c && strchr(keep, c)))
			str_add_bytes(s, &c, 1);
		else
			str_addf(s, "%%%02X", (unsigned char)c);
	}
}

char *file_uri_new(const char *path)
{
	struct str s = {0};

	str_add(&s, "file://");
	add_encoded(&s, path, strlen(path), "/");
	return str_take(&s);
}

/* Returns the type of the packages and the name of who makes them. */
static const char *vendor(enum distro distro)
{
	switch (distro) {
	case DISTRO_DEBIAN:
		return "deb/debian/";
	case DISTRO_UBUNTU:
		return "deb/ubuntu/";
	case DISTRO_FEDORA:
		return "rpm/fedora/";
	case DISTRO_RHEL:
		return "rpm/redhat/";
	case DISTRO_SUSE:
		return "rpm/opensuse/";
	default:
		return path_exists("/var/lib/dpkg/status") ? "deb/debian/" : "rpm/other/";
	}
}

char *purl_new(enum distro distro, const char *package)
{
	const char *kind = vendor(distro), *version = strchr(package, ' '), *arch, *colon;
	struct str s = {0};

	str_addf(&s, "pkg:%s", kind);
	if (!version) {
		add_encoded(&s, package, strlen(package), "");
		return str_take(&s);
	}
	add_encoded(&s, package, (size_t)(version - package), "");
	version++;
	arch = version + strcspn(version, " ");
	/* RPM's epoch is a qualifier of its own, Debian's is part of the version. */
	colon = has_prefix(kind, "rpm/") ? memchr(version, ':', (size_t)(arch - version))
					 : NULL;
	str_add(&s, "@");
	add_encoded(&s, colon ? colon + 1 : version,
		(size_t)(arch - (colon ? colon + 1 : version)), ":");
	if (*arch) {
		str_add(&s, "?arch=");
		add_encoded(&s, arch + 1, strlen(arch + 1), "");
	}
	if (colon)
		str_addf(&s, "%sepoch=%.*s", *arch ? "&" : "?", (int)(colon - version),
			version);
	return str_take(&s);
}

struct purl_cache *purl_cache_new(enum distro distro)
{
	struct purl_cache *c = xcalloc(1, sizeof(*c));

	c->distro = distro;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void purl_cache_free(struct purl_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].path);
		free(c->items[i].url);
	}
	free(c->items);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static const struct found *find(const struct purl_cache *c, const char *path)
{
	const struct found wanted = {.path = (char *)path};

	return c->n ? bsearch(&wanted, c->items, c->n, sizeof(wanted), compare_found)
		    : NULL;
}

/* Looks up the packages of the paths, and adds them. */
static void look_up(struct purl_cache *c, const struct strv *paths)
{
	char **owners = xcalloc(paths->n, sizeof(*owners));

	package_owners("", paths, owners);
	c->items = xrealloc_array(c->items, c->n + paths->n, sizeof(*c->items));
	for (size_t i = 0; i < paths->n; i++) {
		c->items[c->n++] = (struct found){xstrdup(paths->items[i]),
			owners[i] ? purl_new(c->distro, owners[i]) : NULL};
		free(owners[i]);
	}
	qsort(c->items, c->n, sizeof(*c->items), compare_found);
	free(owners);
}

void purl_cache_find(struct purl_cache *c, const struct strv *paths, const char **ret)
{
	_cleanup_(strv_done) struct strv unknown = {0};

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < paths->n; i++)
		if (!find(c, paths->items[i]))
			strv_push(&unknown, paths->items[i]);
	strv_sort_unique(&unknown);
	if (unknown.n)
		look_up(c, &unknown);
	for (size_t i = 0; i < paths->n; i++)
		ret[i] = find(c, paths->items[i])->url;
	pthread_mutex_unlock(&c->lock);
}
