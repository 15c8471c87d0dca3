/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms secureboot print? Whether the kernel will load the modules, and what to do. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/certificate.h"
#include "builder/host/keypair.h"
#include "builder/host/module-name.h"
#include "builder/host/secure-boot.h"
#include "builder/host/signer.h"
#include "builder/module/examine.h"
#include "builder/tree/tree.h"
#include "cli/default-kernel.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/secureboot.h"

#define SCHEMA "dkms-secureboot-1"
/* So much of the certificate's digest is shown to people: 8 bytes. */
#define DIGEST_CHARACTERS 23

/* A module file that is installed for the kernel. */
struct installed_file {
	char *name, *version; /* of the package */
	char *file;	      /* "evdi.ko.xz" */
	char *signer;	      /* "?" if the signature does not name one; NULL: not signed */
	bool ours;	      /* signed by the key whose certificate this is */
};

struct facts {
	char *release;
	struct secure_boot boot;
	struct keypair pair;
	struct certificate certificate; /* zeroed: there is none */
	bool has_certificate;
	enum enrolled enrolled;
	struct installed_file *files;
	size_t n_files, n_unsigned, n_foreign;
	struct strv steps; /* what to do, in this order */
};

static void facts_done(struct facts *f)
{
	for (size_t i = 0; i < f->n_files; i++) {
		free(f->files[i].name);
		free(f->files[i].version);
		free(f->files[i].file);
		free(f->files[i].signer);
	}
	free(f->files);
	free(f->release);
	keypair_done(&f->pair);
	certificate_done(&f->certificate);
	strv_done(&f->steps);
}

/* Adds a file whose signature examine_signers() has described. */
static void add_file(
	struct facts *f, const struct tree_entry *e, const char *file, const char *signature)
{
	const char *blank = strchr(signature, ' ');
	struct installed_file *new;

	f->files = xrealloc_array(f->files, f->n_files + 1, sizeof(*f->files));
	new = &f->files[f->n_files++];
	*new = (struct installed_file){
		.name = xstrdup(e->name),
		.version = xstrdup(e->version),
		.file = xstrdup(file),
		.signer = blank ? xstrdup(blank + 1) : NULL,
	};
	if (blank && f->has_certificate)
		new->ours = strlen(f->certificate.serial) == (size_t)(blank - signature) &&
			    has_prefix(signature, f->certificate.serial);
	f->n_unsigned += !blank;
	f->n_foreign += blank && !new->ours;
}

static int add_entry(struct facts *f, const struct settings *s, const struct tree_entry *e,
	struct error *err)
{
	_cleanup_free_ char *dir = tree_module_dir(s->trees.dkms, tree_entry_on_kernel(e));
	_cleanup_(strv_done) struct strv names = {0}, paths = {0}, signers = {0};
	int r = dir_list(dir, &names);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot read %s", dir);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *module = module_name_of_file(names.items[i]);

		if (module)
			strv_take(&paths, path_join(dir, names.items[i]));
	}
	r = examine_signers(&paths, &signers, err);
	for (size_t i = 0; i < paths.n && r == 0; i++)
		add_file(f, e, path_base(paths.items[i]), signers.items[i]);
	return r;
}

static int list_files(struct facts *f, const struct settings *s, struct error *err)
{
	const struct tree_filter filter = {.release = f->release};
	struct tree_list list;
	int r = tree_read(s->trees.dkms, s->trees.source, &filter, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n && r == 0; i++)
		if (list.entries[i].state == STATE_INSTALLED)
			r = add_entry(f, s, &list.entries[i], err);
	tree_list_done(&list);
	return r;
}

/* Finds the certificate of the key for the kernel, and whether it is enrolled. */
static int find_certificate(const struct settings *s, const char *release, struct facts *f,
	struct error *err)
{
	int r;

	keypair_choose(s, release, &f->pair);
	if (path_look(f->pair.certificate) == 0)
		return 0;
	r = certificate_read(f->pair.certificate, &f->certificate, err);
	f->has_certificate = r == 0;
	return r < 0 ? r
		     : secure_boot_find_certificate("", &f->certificate.der,
			       f->certificate.key_id, &f->enrolled, err);
}

/* Whether a module that the kernel does not know the key of can be refused at all. */
static bool can_refuse(const struct facts *f)
{
	return f->boot.enforced_by || f->boot.state == SECURE_BOOT_ON ||
	       f->boot.state == SECURE_BOOT_OFF;
}

static void list_steps(struct facts *f)
{
	if (!can_refuse(f))
		return;
	if (!f->has_certificate)
		strv_push(&f->steps, "dkms generate_mok");
	if (f->n_unsigned || f->n_foreign)
		strv_pushf(&f->steps, "dkms sign -k %s", f->release);
	if (!f->has_certificate || f->enrolled == ENROLLED_NOT)
		strv_pushf(&f->steps, "mokutil --import %s (asks for a password to use once)",
			f->pair.certificate);
	if (!f->has_certificate || f->enrolled == ENROLLED_NOT ||
		f->enrolled == ENROLLED_WAITING)
		strv_push(&f->steps,
			"restart the machine, choose \"Enroll MOK\", and type this password");
	if (f->enrolled == ENROLLED_NOT_USED)
		strv_push(&f->steps, "start a kernel with CONFIG_INTEGRITY_MACHINE_KEYRING");
}

static const char *describe_boot(const struct secure_boot *b)
{
	switch (b->state) {
	case SECURE_BOOT_NO_UEFI:
		return "This machine was not started by UEFI, so it has no Secure Boot";
	case SECURE_BOOT_UNKNOWN:
		return "Whether Secure Boot is on is not known, because "
		       "/sys/firmware/efi/efivars has no variables";
	case SECURE_BOOT_OFF:
		return "Secure Boot is off";
	default:
		return b->shim_off ? "Secure Boot is on, but shim was told not to check"
				   : "Secure Boot is on";
	}
}

static const char *const enrolled_words[] = {
	[ENROLLED_NOT] = "is not enrolled",
	[ENROLLED_WAITING] = "waits for the next start of the machine to be enrolled",
	[ENROLLED_NOT_USED] = "is enrolled, but the running kernel does not use it",
	[ENROLLED_YES] = "is enrolled",
};

/* Prints what each module file is signed by. */
static void print_files(const struct facts *f)
{
	for (size_t i = 0; i < f->n_files; i++) {
		const struct installed_file *file = &f->files[i];

		print_masked(stdout, "  %s/%s: %s is %s%s%s%s\n", file->name, file->version,
			file->file, file->signer ? "signed by \"" : "not signed",
			file->signer ? file->signer : "", file->signer ? "\"" : "",
			!file->signer ? "" : file->ours ? ", our key" : ", not our key");
	}
}

/* Returns how many of the modules a kernel that checks signatures refuses. Whether it knows the
 * keys of others is not asked. */
static size_t count_refused(const struct facts *f)
{
	return f->has_certificate && f->enrolled == ENROLLED_YES ? f->n_unsigned
								  : f->n_files - f->n_foreign;
}

static void print_text(const struct facts *f)
{
	const char *enforced = f->boot.enforced_by;
	size_t refused = count_refused(f);

	print_masked(stdout, "%s; this kernel %s%s%s.\n", describe_boot(&f->boot),
		enforced ? "refuses modules that are not signed by a key it knows ("
			 : "loads modules that are not signed",
		enforced ? enforced : "", enforced ? ")" : "");
	if (f->has_certificate)
		print_masked(stdout, "Our certificate %s\n(CN=%s, SHA-256 %.*s:...) %s.\n",
			f->pair.certificate, f->certificate.common_name, DIGEST_CHARACTERS,
			f->certificate.digest, enrolled_words[f->enrolled]);
	else
		print_masked(stdout, "There is no certificate %s yet.\n", f->pair.certificate);
	if (f->n_files)
		print_masked(stdout, "Installed for %s:\n", f->release);
	print_files(f);
	if (refused && can_refuse(f))
		printf("%s %zu of %zu module%s.\n",
			enforced ? "This kernel refuses" : "A kernel that checks signatures refuses",
			refused, f->n_files, f->n_files == 1 ? "" : "s");
	if (f->steps.n)
		printf("%s:\n", enforced ? "To do" : "To do before Secure Boot is switched on");
	for (size_t i = 0; i < f->steps.n; i++)
		print_masked(stdout, "  %zu. %s\n", i + 1, f->steps.items[i]);
}

static json_t *describe_certificate(const struct facts *f)
{
	static const char *const words[] = {
		[ENROLLED_NOT] = "no",
		[ENROLLED_WAITING] = "waiting",
		[ENROLLED_NOT_USED] = "not used",
		[ENROLLED_YES] = "yes",
	};
	json_t *j;

	if (!f->has_certificate)
		return json_null();
	j = json_object();
	json_object_set_new(j, "path", json_text(f->pair.certificate));
	json_object_set_new(j, "common_name", json_text(f->certificate.common_name));
	json_object_set_new(j, "sha256", json_text(f->certificate.digest));
	json_object_set_new(j, "enrolled", json_string(words[f->enrolled]));
	return j;
}

static json_t *describe_files(const struct facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_files; i++) {
		json_t *j = json_object();

		json_object_set_new(j, "module", json_text(f->files[i].name));
		json_object_set_new(j, "version", json_text(f->files[i].version));
		json_object_set_new(j, "file", json_text(f->files[i].file));
		json_object_set_new(j, "signer", json_text(f->files[i].signer));
		json_object_set_new(j, "our_key", json_boolean(f->files[i].ours));
		json_array_append_new(list, j);
	}
	return list;
}

static void print_document(const struct facts *f)
{
	static const char *const states[] = {
		[SECURE_BOOT_NO_UEFI] = "no uefi",
		[SECURE_BOOT_UNKNOWN] = "unknown",
		[SECURE_BOOT_OFF] = "off",
		[SECURE_BOOT_ON] = "on",
	};
	json_t *root = json_object(), *steps = json_array();

	json_object_set_new(root, "schema", json_string(SCHEMA));
	json_object_set_new(root, "kernel", json_text(f->release));
	json_object_set_new(root, "secure_boot", json_string(states[f->boot.state]));
	json_object_set_new(root, "shim_checks",
		json_boolean(f->boot.state == SECURE_BOOT_ON && !f->boot.shim_off));
	json_object_set_new(root, "enforced_by", json_text(f->boot.enforced_by));
	json_object_set_new(root, "certificate", describe_certificate(f));
	json_object_set_new(root, "modules", describe_files(f));
	for (size_t i = 0; i < f->steps.n; i++)
		json_array_append_new(steps, json_text(f->steps.items[i]));
	json_object_set_new(root, "steps", steps);
	json_print(root, stdout);
	json_decref(root);
}

static int gather(struct facts *f, const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	int r = arguments_check(args, err);

	if (r < 0)
		return r;
	f->release = args->kernels.n ? xstrdup(args->kernels.items[0])
				     : default_kernel_release(args, false);
	r = secure_boot_read("", &f->boot, err);
	if (r == 0)
		r = find_certificate(s, f->release, f, err);
	if (r == 0)
		r = list_files(f, s, err);
	if (r == 0)
		list_steps(f);
	return r;
}

int command_secureboot(struct arguments *args)
{
	_cleanup_(facts_done) struct facts f = {0};
	_cleanup_(error_done) struct error err = {0};

	if (gather(&f, args, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	if (args->json)
		print_document(&f);
	else
		print_text(&f);
	return f.boot.enforced_by && f.steps.n ? 1 : 0;
}

void secureboot_warn(const struct settings *s, const char *release)
{
	_cleanup_(facts_done) struct facts f = {0};

	if (!settings_are_of_machine(s) || signer_is_in_chroot("/proc") ||
		secure_boot_read("", &f.boot, NULL) < 0 || f.boot.state != SECURE_BOOT_ON ||
		f.boot.shim_off || find_certificate(s, release, &f, NULL) < 0 || !f.has_certificate ||
		f.enrolled == ENROLLED_YES)
		return;
	print_warning("Secure Boot is on, and the certificate %s %s: dkms secureboot says what to do",
		f.pair.certificate, enrolled_words[f.enrolled]);
}
