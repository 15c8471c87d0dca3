/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does Secure Boot refuse the modules that dkms builds? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/secure-boot.h"

#define EFI "/sys/firmware/efi"
#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SHIM "605dab50-e046-4300-abb6-3dd810dd8b23"

/* Larger files are not read (bytes). The firmware has some 100 KiB for all of its variables. */
#define VARIABLE_MAX (1024 * 1024)
#define KEYS_MAX (4 * 1024 * 1024)

/* A file of efivarfs begins with the attributes of the variable
 * (Documentation/filesystems/efivarfs.rst). */
#define ATTRIBUTE_BYTES 4

/* The parts of EFI_SIGNATURE_LIST, and where they are. Numbers have their lowest byte first. */
#define LIST_SIZE_AT 16
#define LIST_HEADER_SIZE_AT 20
#define LIST_ENTRY_SIZE_AT 24
#define LIST_BYTES 28
#define OWNER_BYTES 16

/* EFI_CERT_X509_GUID as it is stored. */
static const unsigned char x509_type[] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87,
	0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};

static size_t number_at(const unsigned char *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* Tells whether one list of size bytes has the certificate. */
static bool list_contains(const unsigned char *list, size_t size, const unsigned char *der,
	size_t der_len)
{
	size_t header = number_at(list + LIST_HEADER_SIZE_AT);
	size_t entry = number_at(list + LIST_ENTRY_SIZE_AT);

	if (memcmp(list, x509_type, sizeof(x509_type)) != 0 || header > size - LIST_BYTES ||
		entry != OWNER_BYTES + der_len)
		return false;
	for (size_t at = LIST_BYTES + header; size - at >= entry; at += entry)
		if (memcmp(list + at + OWNER_BYTES, der, der_len) == 0)
			return true;
	return false;
}

bool signature_lists_contain(
	const unsigned char *lists, size_t n, const unsigned char *der, size_t der_len)
{
	while (n >= LIST_BYTES) {
		size_t size = number_at(lists + LIST_SIZE_AT);

		if (size < LIST_BYTES || size > n)
			return false;
		if (list_contains(lists, size, der, der_len))
			return true;
		lists += size;
		n -= size;
	}
	return false;
}

/* Reads a variable of the firmware, without its attributes. Returns 1, 0 if there is none, or a
 * negative errno. */
static int read_variable(
	const char *root, const char *name, const char *guid, struct str *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s" EFI "/efivars/%s-%s", root, name, guid);
	_cleanup_(str_done) struct str text = {0};
	int r = file_read_optional(path, VARIABLE_MAX, &text, err);

	if (r < 0 || text.len <= ATTRIBUTE_BYTES)
		return r;
	str_add_bytes(ret, text.data + ATTRIBUTE_BYTES, text.len - ATTRIBUTE_BYTES);
	return 1;
}

/* Returns the first byte of a variable, 0 if there is none, or a negative errno. */
static int read_flag(const char *root, const char *name, const char *guid, struct error *err)
{
	_cleanup_(str_done) struct str value = {0};
	int r = read_variable(root, name, guid, &value, err);

	return r > 0 ? (unsigned char)*value.data : r;
}

/* Sets *ret to whether the file exists and has the text in it. */
static int file_has(
	const char *root, const char *file, const char *text, bool *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s%s", root, file);
	_cleanup_(str_done) struct str content = {0};
	int r = file_read_optional(path, KEYS_MAX, &content, err);

	*ret = content.len && strstr(content.data, text);
	return r;
}

static int read_firmware(const char *root, struct secure_boot *ret, struct error *err)
{
	_cleanup_free_ char *efi = xasprintf("%s" EFI, root);
	_cleanup_free_ char *variable =
		xasprintf("%s" EFI "/efivars/SecureBoot-" GLOBAL, root);
	int on;

	ret->state = SECURE_BOOT_NO_UEFI;
	if (!path_is_dir(efi))
		return 0;
	ret->state = SECURE_BOOT_UNKNOWN;
	if (!path_is_file(variable))
		return 0;
	on = read_flag(root, "SecureBoot", GLOBAL, err);
	if (on < 0)
		return on;
	ret->state = on ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
	on = on ? read_flag(root, "MokSBStateRT", SHIM, err) : 0;
	ret->shim_off = on > 0;
	return on < 0 ? on : 0;
}

int secure_boot_read(const char *root, struct secure_boot *ret, struct error *err)
{
	static const struct {
		const char *file, *text, *what;
	} reasons[] = {
		{"/sys/module/module/parameters/sig_enforce", "Y", "module.sig_enforce"},
		{"/sys/kernel/security/lockdown", "[integrity]", "the kernel's lockdown"},
		{"/sys/kernel/security/lockdown", "[confidentiality]", "the kernel's lockdown"},
	};
	int r;

	*ret = (struct secure_boot){0};
	r = read_firmware(root, ret, err);
	for (size_t i = 0; i < ARRAY_SIZE(reasons) && r == 0 && !ret->enforced_by; i++) {
		bool found;

		r = file_has(root, reasons[i].file, reasons[i].text, &found, err);
		if (r == 0 && found)
			ret->enforced_by = reasons[i].what;
	}
	return r;
}

/* Appends the machine owner keys that the firmware gave to the kernel. A list that is too long
 * for one variable goes on in MokListRT1 and so on. */
static int read_owner_keys(const char *root, struct str *ret, struct error *err)
{
	_cleanup_free_ char *whole = xasprintf("%s" EFI "/mok-variables/MokListRT", root);
	int r = file_read_optional(whole, VARIABLE_MAX, ret, err);

	if (r < 0 || ret->len)
		return r;
	r = read_variable(root, "MokListRT", SHIM, ret, err);
	for (int i = 1; r > 0; i++) {
		_cleanup_free_ char *name = xasprintf("MokListRT%d", i);

		r = read_variable(root, name, SHIM, ret, err);
	}
	return r;
}

static bool contains(const struct str *lists, const struct str *der)
{
	return lists->len && der->len &&
	       signature_lists_contain((const unsigned char *)lists->data, lists->len,
		       (const unsigned char *)der->data, der->len);
}

/* Sets *ret_known to whether a key of the kernel has that identifier, and *ret_visible to
 * whether any key of the kernel can be seen: not all are shown to all. Other users can make
 * keys, too, which the kernel does not use for modules. The line of a key is
 * "ID FLAGS USAGE TIMEOUT PERMISSIONS UID GID TYPE DESCRIPTION". */
static int find_key(const char *root, const char *key_id, bool *ret_known, bool *ret_visible,
	struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/proc/keys", root);
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r = file_read_optional(path, KEYS_MAX, &text, err);

	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		unsigned int uid;
		char type[16];

		if (sscanf(line, "%*s %*s %*s %*s %*s %u %*s %15s", &uid, type) != 2 || uid ||
			!streq(type, "asymmetri"))
			continue;
		*ret_visible = true;
		if (strstr(line, key_id))
			*ret_known = true;
	}
	return r;
}

int secure_boot_find_certificate(const char *root, const struct str *der, const char *key_id,
	enum enrolled *ret, struct error *err)
{
	_cleanup_(str_done) struct str enrolled = {0}, waiting = {0};
	bool known = false, visible = false;
	int r = read_owner_keys(root, &enrolled, err);

	*ret = ENROLLED_NOT;
	if (r == 0)
		r = find_key(root, key_id, &known, &visible, err);
	if (r < 0)
		return r;
	if (known || (!visible && contains(&enrolled, der)))
		*ret = ENROLLED_YES;
	else if (contains(&enrolled, der))
		*ret = ENROLLED_NOT_USED;
	if (*ret != ENROLLED_NOT)
		return 0;
	r = read_variable(root, "MokNew", SHIM, &waiting, err);
	if (r > 0 && contains(&waiting, der))
		*ret = ENROLLED_WAITING;
	return r < 0 ? r : 0;
}
