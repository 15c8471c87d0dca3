/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what module files say about themselves and checks whether a kernel would load
 * them. */
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

/* A Module.symvers may have at most this many bytes; a distribution's has about 2 MiB. */
#define SYMVERS_MAX (128 * 1024 * 1024)
/* A warning lists at most this many symbols; a module for another kernel can lack
 * hundreds. */
#define NAMES_MAX 20

/* A module file that libkmod has read. */
struct module {
	struct kmod_ctx *ctx;
	struct kmod_module *mod;
	struct kmod_list *info;
	FILE *decompressed; /* the decompressed copy in memory, if one was needed, or NULL
			     */
};

static const char *fd_dir = "/proc/self/fd";

void modfile_set_fd_dir(const char *dir)
{
	fd_dir = dir;
}

#define list_foreach(at, list)                                                           \
	for ((at) = (list); (at); (at) = sym_kmod_list_next((list), (at)))

static void module_close(struct module *m)
{
	if (m->ctx) {
		sym_kmod_module_info_free_list(m->info);
		sym_kmod_module_unref(m->mod);
		sym_kmod_unref(m->ctx);
	}
	if (m->decompressed)
		fclose(m->decompressed);
	*m = (struct module){0};
}

/* Reads the module file at path with a libkmod context of its own. The context belongs
 * to one thread, uses no configuration and no installed kernel, and logs nothing. With
 * one context for each file, two files of the same name cannot be confused. */
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

/* Reads a module file in a compression that libkmod was built without, such as gzip in
 * Debian's libkmod. */
static int module_load_decompressed(struct module *m, const struct modfile_input *in)
{
	char name[64];
	int fd, r;

	fd = memfd_create("dkms-module", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	m->decompressed = fdopen(fd, "w");
	if (!m->decompressed) {
		close(fd);
		return -ENOMEM;
	}
	r = decompress_file(
		in->path, compression_of_file(in->name), m->decompressed, NULL);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s/%d", fd_dir, fd);
	return module_load(m, name);
}

/* Opens and reads a module file. The caller calls module_close() even after an error. */
static int module_open(
	struct module *m, const struct modfile_input *in, struct error *err)
{
	int r = libkmod_load(err);

	if (r < 0)
		return r;
	if (access(in->path, R_OK) < 0)
		return error_errno(err, -errno, 1, "cannot open %s", in->name);
	r = module_load(m, in->path);
	if (r < 0 && compression_of_file(in->name) != COMPRESSION_NONE) {
		module_close(m);
		r = module_load_decompressed(m, in);
	}
	if (r < 0)
		return error_set(err, -EBADMSG, 1, "%s is not a kernel module", in->name);
	return 0;
}

/* Returns a value of the module's .modinfo section, borrowed; NULL if missing or
 * empty. */
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

static struct modfile_input input_of(const char *path)
{
	return (struct modfile_input){(char *)path, (char *)path};
}

static int read_opened(
	const struct modfile_input *in, struct modfile *ret, struct error *err)
{
	_cleanup_(module_close) struct module m = {0};
	int r;

	r = module_open(&m, in, err);
	if (r < 0)
		return r;
	*ret = (struct modfile){
		.version = xstrdup(module_info(&m, "version")),
		.srcversion = xstrdup(module_info(&m, "srcversion")),
		.vermagic = xstrdup(module_info(&m, "vermagic")),
		.signer = xstrdup(module_info(&m, "signer")),
		.signing_key = xstrdup(module_info(&m, "sig_key")),
	};
	return 0;
}

int modfile_read(const char *path, struct modfile *ret, struct error *err)
{
	struct modfile_input in = input_of(path);

	return read_opened(&in, ret, err);
}

void modfile_done(struct modfile *m)
{
	free(m->version);
	free(m->srcversion);
	free(m->vermagic);
	free(m->signer);
	free(m->signing_key);
	*m = (struct modfile){0};
}

/* Reads the file and decompresses it. The caller frees *ret. */
static int read_decompressed(const struct modfile_input *in, char **ret, size_t *ret_len,
	struct error *err)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&bytes, &len);
	int r;

	if (!f)
		return -errno;
	r = decompress_file(in->path, compression_of_file(in->name), f, err);
	fclose(f);
	if (r < 0) {
		free(bytes);
		return r;
	}
	*ret = bytes;
	*ret_len = len;
	return 0;
}

/* Returns 1 if both files have the same content after decompression, 0 if not, or a
 * negative errno. */
static int have_same_content(const struct modfile_input *a,
	const struct modfile_input *b, struct error *err)
{
	_cleanup_free_ char *bytes_a = NULL, *bytes_b = NULL;
	size_t len_a, len_b;
	int r;

	r = read_decompressed(a, &bytes_a, &len_a, err);
	if (r == 0)
		r = read_decompressed(b, &bytes_b, &len_b, err);
	if (r < 0)
		return r;
	return len_a == len_b && memcmp(bytes_a, bytes_b, len_a) == 0;
}

static bool are_equal_or_null(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

int modfile_should_replace(const char *new_path, const char *old_path, struct error *err)
{
	struct modfile_input new = input_of(new_path), old = input_of(old_path);

	return modfile_should_replace_opened(&new, &old, err);
}

int modfile_should_replace_opened(const struct modfile_input *new_file,
	const struct modfile_input *old_file, struct error *err)
{
	_cleanup_(modfile_done) struct modfile new = {0}, old = {0};
	struct error unread = {0};
	int r;

	r = read_opened(new_file, &new, err);
	if (r < 0)
		return r;
	r = read_opened(old_file, &old, &unread);
	if (r == -ENOENT || r == -EBADMSG) {
		error_done(&unread);
		return 1;
	}
	if (r < 0) {
		error_move(err, &unread);
		return r;
	}

	if (!are_equal_or_null(new.version, old.version)) {
		if (!new.version || !old.version)
			return new.version != NULL;
		return version_compare(new.version, old.version) >= 0;
	}
	if (!are_equal_or_null(new.srcversion, old.srcversion))
		return 1;
	if (new.version || new.srcversion)
		return 0;
	r = have_same_content(new_file, old_file, err);
	return r < 0 ? r : !r;
}

/* A symbol that a module needs. */
struct needed_symbol {
	char *symbol;
	uint32_t crc; /* 0: the module does not record one */
	bool weak;
	bool exported;    /* by the kernel or by a module */
	bool crc_matches; /* exported with the same CRC, or one side records none */
	size_t module;    /* index of the module that needs it */
};

struct needed_symbols {
	struct needed_symbol *items; /* sort_symbols() sorts by symbol and module */
	size_t n, room;
	bool has_vmlinux; /* one of the symvers files describes a kernel */
};

static void needed_symbols_done(struct needed_symbols *needs)
{
	for (size_t i = 0; i < needs->n; i++)
		free(needs->items[i].symbol);
	free(needs->items);
}

static void add_symbol(struct needed_symbols *needs, struct needed_symbol need)
{
	if (needs->n == needs->room) {
		needs->room = needs->room ? 2 * needs->room : 256;
		needs->items =
			xrealloc_array(needs->items, needs->room, sizeof(*needs->items));
	}
	needs->items[needs->n++] = need;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct needed_symbol *na = a, *nb = b;
	int order = strcmp(na->symbol, nb->symbol);

	return order ? order : (na->module > nb->module) - (na->module < nb->module);
}

static void sort_symbols(struct needed_symbols *needs)
{
	if (needs->n)
		qsort(needs->items, needs->n, sizeof(*needs->items), compare_symbols);
}

/* Returns the index of the first entry for symbol, or n if there is none. */
static size_t find_symbol(const struct needed_symbols *needs, const char *symbol)
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

/* Notes that symbol is exported with this CRC, or without one if crc is 0. */
static void mark_export(struct needed_symbols *needs, const char *symbol, uint32_t crc)
{
	for (size_t i = find_symbol(needs, symbol);
		i < needs->n && streq(needs->items[i].symbol, symbol); i++) {
		struct needed_symbol *need = &needs->items[i];

		need->exported = true;
		need->crc_matches |= !crc || !need->crc || crc == need->crc;
	}
}

/* Returns whether symbol is one that the module loader provides or ignores. */
static bool is_loader_symbol(const char *symbol)
{
	return streq(symbol, "_GLOBAL_OFFSET_TABLE_") || streq(symbol, ".TOC.");
}

static void add_symbols_of_module(
	struct needed_symbols *needs, const struct module *m, size_t index)
{
	struct kmod_list *list = NULL, *at;

	if (sym_kmod_module_get_dependency_symbols(m->mod, &list) < 0)
		return;
	list_foreach(at, list)
	{
		const char *symbol = sym_kmod_module_dependency_symbol_get_symbol(at);
		int bind = sym_kmod_module_dependency_symbol_get_bind(at);

		if (is_loader_symbol(symbol))
			continue;
		add_symbol(needs,
			(struct needed_symbol){
				.symbol = xstrdup(symbol),
				.crc = (uint32_t)
					sym_kmod_module_dependency_symbol_get_crc(at),
				/* module_layout has only a CRC and is never linked */
				.weak = bind == KMOD_SYMBOL_WEAK ||
					streq(symbol, "module_layout"),
				.module = index,
			});
	}
	sym_kmod_module_dependency_symbols_free_list(list);
}

static void mark_exports_of_module(struct needed_symbols *needs, const struct module *m)
{
	struct kmod_list *list = NULL, *at;

	if (sym_kmod_module_get_symbols(m->mod, &list) < 0)
		return;
	list_foreach(at, list) mark_export(needs, sym_kmod_module_symbol_get_symbol(at),
		(uint32_t)sym_kmod_module_symbol_get_crc(at));
	sym_kmod_module_symbols_free_list(list);
}

/* Marks what a line of Module.symvers exports. The fields, separated by tabs, are: CRC
 * in hexadecimal, name, exporting file without its suffix, kind of export, namespace. A
 * kernel has some 25,000 such lines. */
static void mark_symvers_line(struct needed_symbols *needs, char *line, char *end)
{
	char *symbol = memchr(line, '\t', (size_t)(end - line)), *rest;

	if (!symbol)
		return;
	symbol++;
	rest = memchr(symbol, '\t', (size_t)(end - symbol));
	if (rest && !needs->has_vmlinux && has_prefix(rest + 1, "vmlinux") &&
		(rest[8] == '\t' || rest + 8 == end))
		needs->has_vmlinux = true;
	*(rest ? rest : end) = '\0';
	if (find_symbol(needs, symbol) < needs->n)
		mark_export(needs, symbol, (uint32_t)strtoul(line, NULL, 16));
}

static int mark_exports_of_symvers(
	struct needed_symbols *needs, const struct modfile_input *in, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	int r;

	if (!path_exists(in->path))
		return 0;
	r = file_read(in->path, SYMVERS_MAX, &text, NULL);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", in->name);
	for (char *line = text.data, *last = text.data + text.len; line < last;) {
		char *end = memchr(line, '\n', (size_t)(last - line));

		end = end ? end : last;
		mark_symvers_line(needs, line, end);
		line = end + 1;
	}
	return 0;
}

/* Returns whether the module's vermagic is for this kernel release; warns if it is
 * not. */
static bool is_for_release(const struct module *m, const char *name, const char *release,
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

static bool is_unknown(
	const struct needed_symbols *needs, const struct needed_symbol *need)
{
	return needs->has_vmlinux && !need->exported && !need->weak;
}

static bool has_other_crc(
	_unused_ const struct needed_symbols *needs, const struct needed_symbol *need)
{
	return need->exported && !need->crc_matches;
}

/* Appends one warning that lists all symbols of a module for which wrong() returns
 * true. */
static void report_symbols(const struct needed_symbols *needs, size_t module,
	const char *name,
	bool (*wrong)(
		const struct needed_symbols *needs, const struct needed_symbol *need),
	const char *problem, struct strv *ret_warnings)
{
	_cleanup_(str_done) struct str names = {0};
	size_t n = 0;

	for (size_t i = 0; i < needs->n; i++) {
		const struct needed_symbol *need = &needs->items[i];

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

static struct modfile_input *inputs_of(const struct strv *paths)
{
	struct modfile_input *inputs = xcalloc(paths->n + 1, sizeof(*inputs));

	for (size_t i = 0; i < paths->n; i++)
		inputs[i] = input_of(paths->items[i]);
	return inputs;
}

int modfile_list_signers(const struct strv *paths, struct strv *ret, struct error *err)
{
	_cleanup_free_ struct modfile_input *modules = inputs_of(paths);

	return modfile_list_signers_opened(modules, paths->n, ret, err);
}

int modfile_list_signers_opened(const struct modfile_input *modules, size_t n,
	struct strv *ret, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct modfile m = {0};
		int r = read_opened(&modules[i], &m, err);

		if (r < 0)
			return r;
		if (m.signer || m.signing_key)
			strv_pushf(ret, "%s %s", m.signing_key ? m.signing_key : "?",
				m.signer ? m.signer : "?");
		else
			strv_push(ret, "unsigned");
		modfile_done(&m);
	}
	return 0;
}

int modfile_check_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err)
{
	_cleanup_free_ struct modfile_input *modules = inputs_of(paths);
	_cleanup_free_ struct modfile_input *lists = inputs_of(symvers);

	return modfile_check_opened(
		modules, paths->n, lists, symvers->n, release, ret_warnings, err);
}

int modfile_check_opened(const struct modfile_input *files, size_t n,
	const struct modfile_input *symvers, size_t n_symvers, const char *release,
	struct strv *ret_warnings, struct error *err)
{
	_cleanup_(needed_symbols_done) struct needed_symbols needs = {0};
	struct module *modules = xcalloc(n + 1, sizeof(*modules));
	struct strv warnings = {0};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const char *name = path_base(files[i].name);

		r = module_open(&modules[i], &files[i], err);
		if (r == 0 && is_for_release(&modules[i], name, release, &warnings))
			add_symbols_of_module(&needs, &modules[i], i);
	}
	sort_symbols(&needs);
	for (size_t i = 0; i < n && r == 0; i++)
		mark_exports_of_module(&needs, &modules[i]);
	for (size_t i = 0; i < n_symvers && r == 0; i++)
		r = mark_exports_of_symvers(&needs, &symvers[i], err);
	for (size_t i = 0; i < n && r == 0; i++) {
		const char *name = path_base(files[i].name);

		report_symbols(&needs, i, name, is_unknown, "unknown symbols", &warnings);
		report_symbols(&needs, i, name, has_other_crc,
			"symbols that have another CRC in this kernel", &warnings);
	}
	if (r == 0)
		strv_extend(ret_warnings, &warnings);
	strv_done(&warnings);
	for (size_t i = 0; i < n; i++)
		module_close(&modules[i]);
	free(modules);
	return r;
}
