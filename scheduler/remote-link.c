/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As whom, and with which credentials, does dkms talk to servers? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "cache/remote/frame.h"
#include "scheduler/remote-link.h"

#define PROGRAM "dkms-remote-transfer"

/* The files that framework.conf names. */
struct secrets {
	struct str ca, certificate, key, password;
};

static void forget(struct str *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->room);
	str_done(secret);
}

static void secrets_done(struct secrets *s)
{
	forget(&s->ca);
	forget(&s->certificate);
	forget(&s->key);
	forget(&s->password);
}

static int read_secret(const char *path, struct str *ret, struct error *err)
{
	if (is_empty(path))
		return 0;
	if (*path != '/')
		return error_set(err, -EINVAL, 8,
			"%s, of the settings remote_*, is not absolute", path);
	return file_read(path, FRAME_SECRET_MAX, ret, err);
}

/* Reads "USER:PASSWORD", the first line of a file. */
static int read_password(const char *path, struct str *ret, struct error *err)
{
	int r = read_secret(path, ret, err);

	if (r < 0 || is_empty(path))
		return r;
	ret->len = strcspn(ret->data, "\r\n");
	ret->data[ret->len] = '\0';
	if (!strchr(ret->data, ':') || text_has_control(ret->data))
		return error_set(err, -EINVAL, 8,
			"the first line of %s, remote_password_file, is not "
			"USER:PASSWORD",
			path);
	return 0;
}

static int read_secrets(const struct settings *s, struct secrets *ret, struct error *err)
{
	int r = read_secret(s->remote_access.ca, &ret->ca, err);

	if (r == 0)
		r = read_secret(s->remote_access.certificate, &ret->certificate, err);
	if (r == 0)
		r = read_secret(s->remote_access.key, &ret->key, err);
	if (r == 0)
		r = read_password(s->remote_access.password_file, &ret->password, err);
	return r;
}

int remote_link_check(const struct settings *s, struct error *err)
{
	_cleanup_(secrets_done) struct secrets secrets = {0};

	return read_secrets(s, &secrets, err);
}

/* Returns the path of the program: beside dkms while that is not installed. The caller
 * frees. */
static char *find_program(void)
{
	_cleanup_free_ char *self = NULL, *dir = NULL, *path = NULL;

	if (link_read("/proc/self/exe", &self) == 0) {
		dir = path_parent(self);
		path = path_join(dir, "transfer/" PROGRAM);
		if (path_is_program(path))
			return TAKE_PTR(path);
	}
	return xstrdup(DKMSLIBDIR "/" PROGRAM);
}

static const struct str *if_any(const struct str *s)
{
	return s->data ? s : NULL;
}

/* What a server has to accept a connection, and for how long it may say nothing, where a module cannot
 * be built instead (ms). A server that many machines ask at once may need that. */
#define PATIENT_CONNECT_MS 5000
#define PATIENT_SILENCE_MS 30000

static int start(const struct settings *s, const struct strv *urls, const char *program,
	int filter, struct remote_link *ret, struct error *err)
{
	_cleanup_(secrets_done) struct secrets secrets = {0};
	_cleanup_free_ char *found = program ? NULL : find_program();
	int r = read_secrets(s, &secrets, err);
	struct remote_options options = {.urls = urls,
		.credentials = {.ca = if_any(&secrets.ca),
			.certificate = if_any(&secrets.certificate),
			.key = if_any(&secrets.key),
			.password = if_any(&secrets.password),
			.sigv4 = is_empty(s->remote_access.sigv4)
					 ? NULL
					 : s->remote_access.sigv4},
		.connect_ms = s->remote.only ? PATIENT_CONNECT_MS : 0,
		.silence_ms = s->remote.only ? PATIENT_SILENCE_MS : 0,
		.uid = ret->user.uid,
		.filter = filter,
		.program = program ? program : found};

	return r < 0 ? r : remote_transport_start(&options, &ret->transport, err);
}

int remote_link_open(const struct settings *s, const struct strv *urls,
	const char *program, struct remote_link *ret, struct error *err)
{
	_cleanup_close_ int filter = seccomp_open_filter(err);
	int r = 0;

	*ret = (struct remote_link){0};
	if (filter == -EOPNOTSUPP)
		error_done(err); /* as for builds, there is none on this machine */
	else if (filter < 0)
		return filter;
	if (geteuid() == 0)
		r = user_take(s->trees.dkms, &ret->user, err);
	ret->user.outside = true;
	if (r == 0)
		r = start(s, urls, program, filter, ret, err);
	if (r < 0)
		remote_link_close(ret);
	return r;
}

void remote_link_close(struct remote_link *l)
{
	remote_transport_close(TAKE_PTR(l->transport));
	user_give(&l->user);
}
