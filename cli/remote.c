/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms remote do? It makes the keys of a remote cache, judges signatures, and writes to
 * the cache and reads from it outside of a build. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/remote/signify.h"
#include "scheduler/plan-fleet.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/remote-pull.h"
#include "cli/remote-push.h"
#include "cli/remote-why.h"
#include "cli/arguments.h"

/* A larger file is neither signed nor verified (bytes). */
#define SIGNED_FILE_MAX (UINT64_C(1) << 30)
#define SIGNATURE_MAX 4096

static int keygen(struct arguments *args, struct error *err)
{
	const char *name = args->archive;
	_cleanup_free_ char *pub = xasprintf("%s.pub", name);
	_cleanup_free_ char *sec = xasprintf("%s.sec", name);
	_cleanup_free_ char *setting = path_absolute(sec);
	struct secret_key key;
	int r;

	if (path_look(pub) != 0)
		return error_set(err, -EEXIST, 1, "%s exists already", pub);
	r = signify_make_key(path_base(name), &key, err);
	if (r < 0)
		return r;
	r = signify_write_secret(sec, &key, err);
	if (r == 0)
		r = signify_write_public(pub, &key.pub, err);
	secret_key_done(&key);
	if (r == 0 && !args->quiet)
		printf("made the secret key %s and the public key %s\n"
		       "for the machine that builds, in %s/framework.conf: "
		       "remote_sign_key=%s\n"
		       "for all others: copy the public key to %s\n",
			sec, pub, args->settings.config_dir, setting,
			args->settings.remote.keys);
	return r;
}

static int sign(struct arguments *args, struct error *err)
{
	const char *key_path = args->settings.remote.sign_key;
	_cleanup_(str_done) struct str text = {0}, signature = {0};
	_cleanup_free_ char *to = xasprintf("%s.sig", args->archive);
	struct secret_key key;
	int r;

	if (is_empty(key_path)) {
		r = error_set(err, -ENOENT, 1, "there is no key to sign with");
		error_remedy(err, "set remote_sign_key in %s/framework.conf",
			args->settings.config_dir);
		return r;
	}
	r = file_read(args->archive, SIGNED_FILE_MAX, &text, err);
	if (r < 0)
		return r;
	r = signify_read_secret(key_path, &key, err);
	if (r < 0)
		return r;
	r = signify_sign(&key, text.data, text.len, &signature, err);
	if (r == 0)
		r = file_write(to, signature.data, signature.len, 0644, err);
	if (r == 0 && !args->quiet)
		printf("%s: signed by %s\n", to, key.pub.name);
	secret_key_done(&key);
	return r;
}

static int verify(struct arguments *args, struct error *err)
{
	const char *dir = args->settings.remote.keys;
	_cleanup_(str_done) struct str text = {0}, signature = {0};
	_cleanup_free_ char *from = xasprintf("%s.sig", args->archive);
	struct public_key *keys = NULL;
	const char *name = NULL;
	size_t n = 0;
	int r = file_read(args->archive, SIGNED_FILE_MAX, &text, err);

	if (r == 0)
		r = file_read(from, SIGNATURE_MAX, &signature, err);
	if (r == 0)
		r = signify_read_keys(dir, &keys, &n, err);
	if (r == 0 && !n)
		r = error_set(err, -ENOENT, 1, "there is no public key in %s", dir);
	for (size_t i = 0; i < n && !name; i++)
		if (signify_signature_length(signature.data, signature.len) == signature.len &&
			signify_verify(&keys[i], signature.data, signature.len, text.data,
				text.len))
			name = keys[i].name;
	if (r == 0 && !name)
		r = error_set(err, -EBADMSG, 1, "%s is signed by no key in %s",
			args->archive, dir);
	if (r == 0 && !args->quiet)
		printf("%s: signed by %s\n", args->archive, name);
	signify_free_keys(keys, n);
	return r;
}

/* The parts of the command. They print, or fill in err. */
static const struct {
	const char *name;
	int (*run)(struct arguments *args, struct error *err);
	const char *operand; /* that it requires, or NULL */
	bool asks_servers, uses_cache; /* it requires a remote cache, and a local one */
} parts[] = {
	{"keygen", keygen, "NAME", false, false},
	{"sign", sign, "FILE", false, false},
	{"verify", verify, "FILE", false, false},
	{"status", remote_status_print, NULL, true, false},
	{"push", remote_push, NULL, true, true},
	{"pull", remote_pull, NULL, true, true},
	{"why", remote_why, NULL, true, true},
};

int command_remote(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	const char *what = args->subcommand ? args->subcommand : "";
	size_t part = 0;

	while (part < ARRAY_SIZE(parts) && !streq(parts[part].name, what))
		part++;
	if (part == ARRAY_SIZE(parts))
		error_set(&err, -EINVAL, 2,
			"remote takes keygen, sign, verify, status, push, pull or why, not '%s'",
			what);
	else if (parts[part].operand && !args->archive)
		error_set(&err, -EINVAL, 1, "remote %s needs a %s", what,
			parts[part].operand);
	else if (parts[part].asks_servers && is_empty(args->settings.remote.urls)) {
		error_set(&err, -ENOENT, 1, "no remote cache is set");
		error_remedy(&err, "set remote in %s/framework.conf, or give --remote URL",
			args->settings.config_dir);
	} else if (parts[part].uses_cache && is_empty(args->settings.cache.dir))
		error_set(&err, -ENOENT, 1, "there is no local cache");
	else
		parts[part].run(args, &err);
	if (err.what)
		print_error(&err);
	return err.status;
}
