/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What module files say of themselves, and whether a kernel will take them. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/str.h"
#include "builder/host/module-name.h"
#include "builder/host/version.h"
#include "builder/module/compress.h"
#include "builder/module/libkmod.h"
#include "builder/module/modfile.h"

/* More than this is no Module.symvers (bytes; a distribution's has some 2 MiB). */
#define SYMVERS_MAX (128 * 1024 * 1024)
/* Names in one finding; a module for another kernel can lack hundreds. */
#define NAMES_MAX 20

/* A module file that libkmod has read. */
struct module {
	struct kmod_ctx *ctx;
	struct kmod_module *mod;
	struct kmod_list *info;
	FILE *plain; /* the uncompressed copy in memory, when it needed one */
};

#define list_foreach(at, list)                                                           \
	for ((at) = (list); (at); (at) = sym_kmod_list_next((list), (at)))

static void module_close(struct module *m)
{
	if (m->ctx) {
		sym_kmod_module_info_free_list(m->info);
		sym_kmod_module_unref(m->mod);
		sym_kmod_unref(m->ctx);
	}
	if (m->plain)
		fclose(m->plain);
	*m = (struct module){0};
}

/* A context for each file: it belongs to one thread, knows no configuration and no
 * installed kernel, is silent, and so two files of one name cannot get mixed up. */
static int module_load(struct module *m, const char *path)
{
	static const char *const no_config[] = {NULL};
	int r;

	m->ctx = sym_kmod_new("/dev/null", no_config);
	if (!m->ctx)
		return -ENOMEM;
	sym_kmod_set_log_fn(m->ctx, NULL, NULL);
	r = sym_kmod_module_new_from_path(m->ctx, path, &m->mod);
	if (r < 0)
		return r;
	r = sym_kmod_module_get_info(m->mod, &m->info);
	return r < 0 ? r : 0;
}

/* The same for a compression that libkmod was built without, as Debian's is without gzip.
 */
static int module_load_compressed(struct module *m, const char *path)
{
	char name[64];
	int fd, r;

	fd = memfd_create("dkms-module", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	m->plain = fdopen(fd, "w");
	if (!m->plain) {
		close(fd);
		return -ENOMEM;
	}
	r = decompress_file(path, compression_of_file(path), m->plain, NULL);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return module_load(m, name);
}

/* module_close() in any case. */
static int module_open(struct module *m, const char *path, struct error *err)
{
	int r = libkmod_load(err);

	if (r < 0)
		return r;
	if (access(path, R_OK) < 0)
		return error_errno(err, -errno, 1, "cannot open %s", path);
	r = module_load(m, path);
	if (r < 0 && compression_of_file(path) != COMPRESSION_NONE) {
		module_close(m);
		r = module_load_compressed(m, path);
	}
	if (r < 0)
		return error_set(err, -EBADMSG, 1, "%s is no kernel module", path);
	return 0;
}

/* A value of the module's .modinfo section, borrowed; NULL when missing or empty. */
static const char *module_info(const struct module *m, const char *key)
{
	struct kmod_list *at;

	list_foreach(at, m->info)
	{
		if (streq(sym_kmod_module_info_get_key(at), key)) {
			const char *value = sym_kmod_module_info_get_value(at);

			return is_empty(value) ? NULL : value;
		}
	}
	return NULL;
}

int modfile_read(const char *path, struct modfile *ret, struct error *err)
{
	_cleanup_(module_close) struct module m = {0};
	int r;

	r = module_open(&m, path, err);
	if (r < 0)
		return r;
	*ret = (struct modfile){
		.version = xstrdup(module_info(&m, "version")),
		.srcversion = xstrdup(module_info(&m, "srcversion")),
		.vermagic = xstrdup(module_info(&m, "vermagic")),
		.signer = xstrdup(module_info(&m, "signer")),
	};
	return 0;
}

void modfile_done(struct modfile *m)
{
	free(m->version);
	free(m->srcversion);
	free(m->vermagic);
	free(m->signer);
	*m = (struct modfile){0};
}

/* The uncompressed bytes of a file; caller frees. */
static int read_plain(const char *path, char **ret, size_t *ret_len, struct error *err)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&bytes, &len);
	int r;

	if (!f)
		return -errno;
	r = decompress_file(path, compression_of_file(path), f, err);
	fclose(f);
	if (r < 0) {
		free(bytes);
		return r;
	}
	*ret = bytes;
	*ret_len = len;
	return 0;
}

/* 1 when both files hold the same module, compression aside. */
static int same_bytes(const char *a, const char *b, struct error *err)
{
	_cleanup_free_ char *bytes_a = NULL, *bytes_b = NULL;
	size_t len_a, len_b;
	int r;

	r = read_plain(a, &bytes_a, &len_a, err);
	if (r == 0)
		r = read_plain(b, &bytes_b, &len_b, err);
	if (r < 0)
		return r;
	return len_a == len_b && memcmp(bytes_a, bytes_b, len_a) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

int modfile_should_replace(const char *new_path, const char *old_path, struct error *err)
{
	_cleanup_(modfile_done) struct modfile new = {0}, old = {0};
	struct error unread = {0};
	int r;

	r = modfile_read(new_path, &new, err);
	if (r < 0)
		return r;
	r = modfile_read(old_path, &old, &unread);
	if (r == -ENOENT || r == -EBADMSG) {
		error_done(&unread);
		return 1;
	}
	if (r < 0) {
		error_move(err, &unread);
		return r;
	}

	if (!same_text(new.version, old.version)) {
		if (!new.version || !old.version)
			return new.version != NULL;
		return version_compare(new.version, old.version) >= 0;
	}
	if (!same_text(new.srcversion, old.srcversion))
		return 1;
	if (new.version || new.srcversion)
		return 0;
	r = same_bytes(new_path, old_path, err);
	return r < 0 ? r : !r;
}

/* A symbol that a module needs. */
struct need {
	char *symbol;
	uint32_t crc; /* 0: the module records none */
	bool weak;
	bool known;    /* somebody exports it */
	bool fits;     /* with this CRC, or without any */
	size_t module; /* index of who needs it */
};

struct needs {
	struct need *items; /* by symbol, then module, once sort_needs() has run */
	size_t n, room;
	bool kernel_known; /* one of the symvers files is a kernel's */
};

static void needs_done(struct needs *needs)
{
	for (size_t i = 0; i < needs->n; i++)
		free(needs->items[i].symbol);
	free(needs->items);
}

static void add_need(struct needs *needs, struct need need)
{
	if (needs->n == needs->room) {
		needs->room = needs->room ? 2 * needs->room : 256;
		needs->items =
			xrealloc_array(needs->items, needs->room, sizeof(*needs->items));
	}
	needs->items[needs->n++] = need;
}

static int compare_needs(const void *a, const void *b)
{
	const struct need *na = a, *nb = b;
	int order = strcmp(na->symbol, nb->symbol);

	return order ? order : (na->module > nb->module) - (na->module < nb->module);
}

static void sort_needs(struct needs *needs)
{
	if (needs->n)
		qsort(needs->items, needs->n, sizeof(*needs->items), compare_needs);
}

/* The first of the needs for symbol; n when there is none. */
static size_t find_need(const struct needs *needs, const char *symbol)
{
	size_t low = 0, high = needs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(needs->items[middle].symbol, symbol) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < needs->n && streq(needs->items[low].symbol, symbol) ? low : needs->n;
}

/* Somebody exports symbol, with this CRC or 0. */
static void mark_export(struct needs *needs, const char *symbol, uint32_t crc)
{
	for (size_t i = find_need(needs, symbol);
		i < needs->n && streq(needs->items[i].symbol, symbol); i++) {
		struct need *need = &needs->items[i];

		need->known = true;
		need->fits |= !crc || !need->crc || crc == need->crc;
	}
}

/* Names that are in the symbol table but that the module loader fills in or ignores. */
static bool is_special(const char *symbol)
{
	return streq(symbol, "_GLOBAL_OFFSET_TABLE_") || streq(symbol, ".TOC.");
}

static void collect_needs(struct needs *needs, const struct module *m, size_t index)
{
	struct kmod_list *list = NULL, *at;

	if (sym_kmod_module_get_dependency_symbols(m->mod, &list) < 0)
		return;
	list_foreach(at, list)
	{
		const char *symbol = sym_kmod_module_dependency_symbol_get_symbol(at);
		int bind = sym_kmod_module_dependency_symbol_get_bind(at);

		if (is_special(symbol))
			continue;
		add_need(needs,
			(struct need){
				.symbol = xstrdup(symbol),
				.crc = (uint32_t)
					sym_kmod_module_dependency_symbol_get_crc(at),
				/* module_layout is a CRC to compare and nothing to link
				 */
				.weak = bind == KMOD_SYMBOL_WEAK ||
					streq(symbol, "module_layout"),
				.module = index,
			});
	}
	sym_kmod_module_dependency_symbols_free_list(list);
}

static void mark_exports_of_module(struct needs *needs, const struct module *m)
{
	struct kmod_list *list = NULL, *at;

	if (sym_kmod_module_get_symbols(m->mod, &list) < 0)
		return;
	list_foreach(at, list) mark_export(needs, sym_kmod_module_symbol_get_symbol(at),
		(uint32_t)sym_kmod_module_symbol_get_crc(at));
	sym_kmod_module_symbols_free_list(list);
}

/* A line of Module.symvers: CRC in hexadecimal, name, the file it is in without its suffix, the
 * kind of export, its namespace; by tabs. A kernel has 25,000 of them. */
static void mark_line(struct needs *needs, char *line, char *end)
{
	char *symbol = memchr(line, '\t', (size_t)(end - line)), *rest;

	if (!symbol)
		return;
	symbol++;
	rest = memchr(symbol, '\t', (size_t)(end - symbol));
	if (rest && !needs->kernel_known && has_prefix(rest + 1, "vmlinux") &&
		(rest[8] == '\t' || rest + 8 == end))
		needs->kernel_known = true;
	*(rest ? rest : end) = '\0';
	if (find_need(needs, symbol) < needs->n)
		mark_export(needs, symbol, (uint32_t)strtoul(line, NULL, 16));
}

static int mark_exports_of_symvers(
	struct needs *needs, const char *path, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!path_exists(path))
		return 0;
	r = file_read(path, SYMVERS_MAX, &text, err);
	if (r < 0)
		return r;
	for (char *line = text.data, *last = text.data + text.len; line < last;) {
		char *end = memchr(line, '\n', (size_t)(last - line));

		end = end ? end : last;
		mark_line(needs, line, end);
		line = end + 1;
	}
	return 0;
}

/* True when the module is for this release. */
static bool check_vermagic(const struct module *m, const char *name, const char *release,
	struct strv *ret_warnings)
{
	const char *vermagic = module_info(m, "vermagic");
	size_t len = vermagic ? strcspn(vermagic, " ") : 0;

	if (vermagic && len == strlen(release) && strncmp(vermagic, release, len) == 0)
		return true;
	if (vermagic)
		strv_pushf(ret_warnings, "%s: built for %.*s, not for %s", name, (int)len,
			vermagic, release);
	else
		strv_pushf(ret_warnings, "%s: has no vermagic", name);
	return false;
}

static bool is_unknown(const struct needs *needs, const struct need *need)
{
	return needs->kernel_known && !need->known && !need->weak;
}

static bool has_other_crc(_unused_ const struct needs *needs, const struct need *need)
{
	return need->known && !need->fits;
}

/* One finding for the symbols of a module that are wrong in one way. */
static void report_symbols(const struct needs *needs, size_t module, const char *name,
	bool (*wrong)(const struct needs *needs, const struct need *need),
	const char *problem, struct strv *ret_warnings)
{
	_cleanup_(str_done) struct str names = {0};
	size_t n = 0;

	for (size_t i = 0; i < needs->n; i++) {
		const struct need *need = &needs->items[i];

		if (need->module != module || !wrong(needs, need))
			continue;
		if (n++ < NAMES_MAX)
			str_addf(&names, "%s%s", n > 1 ? ", " : "", need->symbol);
	}
	if (n > NAMES_MAX)
		str_addf(&names, " and %zu more", n - NAMES_MAX);
	if (n)
		strv_pushf(ret_warnings, "%s: %s: %s", name, problem, names.data);
}

int modfile_check_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err)
{
	_cleanup_(needs_done) struct needs needs = {0};
	struct module *modules = xcalloc(paths->n, sizeof(*modules));
	struct strv warnings = {0};
	int r = 0;

	for (size_t i = 0; i < paths->n && r == 0; i++) {
		const char *path = paths->items[i];

		r = module_open(&modules[i], path, err);
		if (r == 0 &&
			check_vermagic(&modules[i], path_base(path), release, &warnings))
			collect_needs(&needs, &modules[i], i);
	}
	sort_needs(&needs);
	for (size_t i = 0; i < paths->n && r == 0; i++)
		mark_exports_of_module(&needs, &modules[i]);
	for (size_t i = 0; i < symvers->n && r == 0; i++)
		r = mark_exports_of_symvers(&needs, symvers->items[i], err);
	for (size_t i = 0; i < paths->n && r == 0; i++) {
		const char *name = path_base(paths->items[i]);

		report_symbols(&needs, i, name, is_unknown, "unknown symbols", &warnings);
		report_symbols(&needs, i, name, has_other_crc,
			"symbols that have another CRC in this kernel", &warnings);
	}
	if (r == 0)
		strv_extend(ret_warnings, &warnings);
	strv_done(&warnings);
	for (size_t i = 0; i < paths->n; i++)
		module_close(&modules[i]);
	free(modules);
	return r;
}
