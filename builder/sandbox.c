/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns a command into one that bubblewrap confines: bwrap(1), setpriv(1). */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/sandbox.h"

/* What a build has no business in. Paths below that it does need are bound back. */
static const char *const hidden[] = {"/tmp", "/var/tmp", "/run", "/root", "/home"};

/* The directory directly below one of the hidden ones that path is in ("/home/joe" of
 * "/home/joe/src/x"); caller frees; NULL when path is not hidden. */
static char *below_hidden(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		size_t n = strlen(hidden[i]);

		if (strncmp(path, hidden[i], n) == 0 && path[n] == '/' && path[n + 1])
			return xstrndup(path, n + 1 + strcspn(path + n + 1, "/"));
	}
	return NULL;
}

/* Others may search every directory on the way to path that bubblewrap does not make
 * anew. */
static bool path_reachable(const char *path)
{
	_cleanup_free_ char *top = below_hidden(path);
	_cleanup_free_ char *partial = realpath(path, NULL);
	size_t known = top ? strlen(top) : 1;
	struct stat st;

	while (partial && strlen(partial) >= known) {
		char *slash = strrchr(partial, '/');

		if (stat(partial, &st) < 0)
			return false;
		if (S_ISDIR(st.st_mode) && !(st.st_mode & S_IXOTH))
			return false;
		if (slash == partial)
			break;
		*slash = '\0';
	}
	return true;
}

bool sandbox_reachable(const struct strv *readable)
{
	for (size_t i = 0; i < readable->n; i++)
		if (!path_reachable(readable->items[i]))
			return false;
	return true;
}

static void add_namespaces(struct strv *argv, enum sandbox_kind kind, bool network)
{
	static const char *const always[] = {"bwrap", "--die-with-parent", "--unshare-pid",
		"--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", NULL};
	static const char *const become[] = {
		"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", NULL};

	strv_push_all(argv, always);
	if (!network)
		strv_push(argv, "--unshare-net");
	/* Root keeps its capabilities otherwise, and could make all writable again. */
	if (kind == SANDBOX_KIND_USERNS)
		strv_push_all(argv, (const char *const[]){"--unshare-user", "--cap-drop", "ALL",
					    NULL});
	else
		strv_push_all(argv, become);
}

/* Both spellings of a path: as named, and with links resolved. */
static void bind_back(struct strv *argv, struct strv *done, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *spellings[] = {path, real};

	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		_cleanup_free_ char *top = spellings[i] ? below_hidden(spellings[i]) : NULL;

		if (!top || strv_contains(done, top))
			continue;
		strv_push(done, top);
		strv_push_all(argv, (const char *const[]){"--ro-bind", top, top, NULL});
	}
}

/* Everybody, or we, may search each directory on the way to path. */
static bool may_lead_to(const char *path)
{
	_cleanup_free_ char *partial = xstrdup(path);
	char *slash;
	struct stat st;

	while ((slash = strrchr(partial, '/')) && slash != partial) {
		*slash = '\0';
		if (stat(partial, &st) < 0)
			return false;
		if (!(st.st_mode & S_IXOTH) && st.st_uid != geteuid())
			return false;
	}
	return true;
}

/* Our own user could read what is ours, in a user namespace too. Where nobody gets to,
 * there is nothing to conceal, and bubblewrap may not get there either. */
static void conceal(struct strv *argv, const struct strv *bound, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *top = real ? below_hidden(real) : NULL;

	if (real && (!top || strv_contains(bound, top)) && may_lead_to(real))
		strv_push_all(argv,
			(const char *const[]){"--ro-bind", "/dev/null", real, NULL});
}

/* Makefiles look for headers in /lib/modules whatever dkms was told. */
static void bind_install_tree(struct strv *argv, const char *install_tree)
{
	_cleanup_free_ char *usual = realpath("/lib/modules", NULL);
	_cleanup_free_ char *real = install_tree ? realpath(install_tree, NULL) : NULL;

	if (usual && real && !streq(usual, real))
		strv_push_all(argv, (const char *const[]){"--ro-bind", real, usual, NULL});
}

static void add_mounts(struct strv *argv, const struct sandbox *box)
{
	_cleanup_(strv_done) struct strv done = {0};
	struct stat st;

	strv_push_all(argv, (const char *const[]){"--ro-bind", "/", "/", NULL});
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (lstat(hidden[i], &st) == 0 && S_ISDIR(st.st_mode))
			strv_push_all(argv,
				(const char *const[]){"--tmpfs", hidden[i], NULL});
	for (size_t i = 0; i < box->readable.n; i++)
		bind_back(argv, &done, box->readable.items[i]);
	bind_install_tree(argv, box->install_tree);
	strv_push_all(argv,
		(const char *const[]){"--dev", "/dev", "--proc", "/proc", NULL});
	for (size_t i = 0; i < box->secret.n; i++)
		conceal(argv, &done, box->secret.items[i]);
	if (box->writable)
		strv_push_all(argv, (const char *const[]){"--bind", box->writable,
					    box->writable_at, NULL});
	/* mktemp needs a /tmp that everybody may write, as it is outside. */
	strv_push_all(argv, (const char *const[]){"--chmod", "1777", "/tmp", "--setenv",
				    "HOME", "/tmp", "--setenv", "TMPDIR", "/tmp", NULL});
}

static void add_user(struct strv *argv, enum sandbox_kind kind)
{
	static const char *const untrusted[] = {"setpriv", "--reuid=65534", "--regid=65534",
		"--clear-groups", "--inh-caps=-all", "--bounding-set=-all", NULL};

	strv_push(argv, "--");
	if (kind == SANDBOX_KIND_UNTRUSTED)
		strv_push_all(argv, untrusted);
}

void sandbox_wrap(struct command *cmd, const struct sandbox *box)
{
	struct strv argv = {0};

	if (box->kind == SANDBOX_KIND_NONE)
		return;
	add_namespaces(&argv, box->kind, box->network);
	add_mounts(&argv, box);
	if (cmd->cwd)
		strv_push_all(&argv, (const char *const[]){"--chdir", cmd->cwd, NULL});
	add_user(&argv, box->kind);
	strv_extend(&argv, &cmd->argv);
	strv_done(&cmd->argv);
	cmd->argv = argv;
	free(cmd->cwd);
	cmd->cwd = NULL;
}

void sandbox_probe(enum sandbox_kind kind, struct command *cmd)
{
	struct sandbox box = {.kind = kind};

	command_init(cmd);
	strv_push(&cmd->argv, "true");
	cmd->timeout_s = 10;
	sandbox_wrap(cmd, &box);
}
