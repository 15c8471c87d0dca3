/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of what were the modules of a version made? */
#include "config.h"

#include <errno.h>
#include <jansson.h>

#include "base/file.h"
#include "builder/host/kernel.h"
#include "builder/reuse/provenance.h"
#include "builder/steps/check-needed.h"
#include "builder/tree/tree.h"
#include "cli/default-kernel.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/provenance.h"

#define STATEMENT_MAX (64 * 1024 * 1024) /* bytes; a thousand times as large as usual */

/* Reads the statement beside the log of a build. The caller frees *ret. Returns 0, or a
 * negative errno and err. */
static int read_statement(const struct settings *s, struct version_on_kernel on,
	json_t **ret, struct error *err)
{
	_cleanup_free_ char *built = tree_built_dir(s->trees.dkms, on);
	_cleanup_free_ char *modules = path_join(built, "module");
	_cleanup_free_ char *path = path_join(built, "log/" PROVENANCE_FILE);
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!path_is_dir(modules)) {
		error_set(err, -ENOENT, 6, "%s/%s is not built for %s (%s)", on.name,
			on.version, on.release, on.arch);
		error_remedy(err, "dkms build %s/%s -k %s/%s", on.name, on.version,
			on.release, on.arch);
		return -ENOENT;
	}
	if (!path_exists(path)) {
		error_set(err, -ENOENT, 6,
			"it is not recorded of what %s/%s was built for %s (%s)", on.name,
			on.version, on.release, on.arch);
		error_remedy(err, "dkms build %s/%s -k %s/%s --force", on.name,
			on.version, on.release, on.arch);
		return -ENOENT;
	}
	r = file_read(path, STATEMENT_MAX, &text, err);
	if (r < 0)
		return r;
	if (tree_is_from_archive(s->trees.dkms, on))
		print_warning("%s/%s for %s (%s) came with an archive, and so did this "
			"statement: dkms has not verified it", on.name, on.version,
			on.release, on.arch);
	*ret = json_loadb(text.data, text.len, 0, NULL);
	return *ret ? 0 : error_set(err, -EBADMSG, 1, "%s is damaged", path);
}

static int print_statement(const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_free_ char *chosen = args->kernels.n
					      ? NULL
					      : default_kernel_release(args, true);
	_cleanup_free_ char *own_arch = kernel_running_arch();
	const char *release = args->kernels.n ? args->kernels.items[0] : chosen;
	const char *arch = args->archs.n ? args->archs.items[0] : own_arch;
	json_t *statement = NULL;
	int r = arguments_check(args, err);

	if (r == 0 && args->kernels.n > 1)
		r = error_set(err, -EINVAL, 2, "provenance takes one kernel");
	if (r == 0)
		r = check_added(s, args->name, args->version, err);
	if (r == 0)
		r = read_statement(s,
			version_on_kernel(args->name, args->version, release, arch),
			&statement, err);
	if (r == 0)
		json_print(statement, stdout);
	json_decref(statement);
	return r;
}

int command_provenance(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (print_statement(args, &err) == 0)
		return 0;
	print_error(&err);
	return err.status;
}
