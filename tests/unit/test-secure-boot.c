/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the firmware and the kernel say of Secure Boot and of the keys that they know. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/secure-boot.h"
#include "tests/unit/tap.h"

#define EFIVARS "sys/firmware/efi/efivars/"
#define SECURE_BOOT EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SHIM_GUID "605dab50-e046-4300-abb6-3dd810dd8b23"
#define OWNER "0123456789abcdef"
#define X509 "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72"
#define SHA256 "\x26\x16\xc4\xc1\x4c\x50\x92\x40\xac\xa9\x41\xf9\x36\x93\x43\x28"

static char root[] = "/tmp/dkms-test-XXXXXX";

static void put(const char *name, const void *bytes, size_t n)
{
	_cleanup_free_ char *path = path_join(root, name);
	_cleanup_free_ char *dir = path_parent(path);

	dir_make(dir, NULL);
	file_write(path, bytes, n, 0644, NULL);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static void drop(const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	dir_remove(path, NULL);
	unlink(path);
}

static void add_number(struct str *s, size_t n)
{
	const unsigned char bytes[] = {(unsigned char)n, (unsigned char)(n >> 8), 0, 0};

	str_add_bytes(s, bytes, sizeof(bytes));
}

/* Appends a list with two entries: other, and entry. Both have the same length. */
static void add_list(struct str *s, const char *type, const char *other, const char *entry)
{
	size_t n = 16 + strlen(entry);

	str_add_bytes(s, type, 16);
	add_number(s, 28 + 3 + 2 * n);
	add_number(s, 3);
	add_number(s, n);
	str_add(s, "hdr" OWNER);
	str_add(s, other);
	str_add(s, OWNER);
	str_add(s, entry);
}

static bool finds(const struct str *lists, size_t n, const char *der)
{
	/* A copy of exactly this size, so that reading behind it is noticed. */
	unsigned char *copy = xcalloc(1, n + 1);
	unsigned char *exact = n ? xcalloc(1, n) : copy;
	bool found;

	memcpy(exact, lists->data, n);
	found = signature_lists_contain(
		exact, n, (const unsigned char *)der, strlen(der));
	if (exact != copy)
		free(exact);
	free(copy);
	return found;
}

static void test_lists(void)
{
	_cleanup_(str_done) struct str s = {0};
	size_t whole, wrong = 0;

	add_list(&s, SHA256, "no certificate here", "certificate of mine");
	ok(!finds(&s, s.len, "certificate of mine"), "a list of digests has no certificates");
	add_list(&s, X509, "certificate of some", "certificate of ours");
	add_list(&s, X509, "one that is longer", "that is longer, too");
	ok(finds(&s, s.len, "certificate of ours"), "the second entry of the second list");
	ok(finds(&s, s.len, "certificate of some"), "the first entry of the second list");
	ok(!finds(&s, s.len, "certificate of our"), "a certificate that another begins with");
	ok(!finds(&s, s.len, "certificate of yours"), "a certificate that is not there");
	whole = s.len;
	for (size_t n = 0; n < whole; n++)
		wrong += finds(&s, n, "certificate of nobod");
	is_int(wrong, 0, "lists that are cut short");
	for (size_t i = 0; i < whole; i++) {
		char was = s.data[i];

		s.data[i] = (char)0xff;
		wrong += finds(&s, whole, "certificate of nobod");
		s.data[i] = was;
	}
	is_int(wrong, 0, "lists that are damaged at each of their bytes");
}

static void is_state(enum secure_boot_state state, bool shim_off, const char *enforced_by,
	const char *what)
{
	struct secure_boot b;

	is_int(secure_boot_read(root, &b, NULL), 0, what);
	is_int(b.state, state, what);
	is_int(b.shim_off, shim_off, what);
	is(b.enforced_by, enforced_by, what);
}

static void test_state(void)
{
	_cleanup_(error_done) struct error err = {0};
	_cleanup_free_ char *variable = path_join(root, SECURE_BOOT);
	struct secure_boot b;

	is_state(SECURE_BOOT_NO_UEFI, false, NULL, "no UEFI");
	put_text("sys/firmware/efi/systab", "");
	is_state(SECURE_BOOT_UNKNOWN, false, NULL, "no variables");
	put(SECURE_BOOT, "\6\0\0\0\0", 5);
	is_state(SECURE_BOOT_OFF, false, NULL, "off");
	put(SECURE_BOOT, "\6\0\0\0\1", 5);
	is_state(SECURE_BOOT_ON, false, NULL, "on");
	put(EFIVARS "MokSBStateRT-" SHIM_GUID, "\6\0\0\0\1", 5);
	is_state(SECURE_BOOT_ON, true, NULL, "shim does not check");
	drop(EFIVARS "MokSBStateRT-" SHIM_GUID);
	put_text("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	is_state(SECURE_BOOT_ON, false, NULL, "no lockdown");
	put_text("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	is_state(SECURE_BOOT_ON, false, "the kernel's lockdown", "lockdown");
	put_text("sys/module/module/parameters/sig_enforce", "Y\n");
	is_state(SECURE_BOOT_ON, false, "module.sig_enforce", "sig_enforce");
	put(SECURE_BOOT, "\6\0\0\0", 4);
	is_state(SECURE_BOOT_OFF, false, "module.sig_enforce", "a variable without a value");
	is_int(truncate(variable, 8 * 1024 * 1024), 0, "the variable is made too large");
	is_int(secure_boot_read(root, &b, &err), -EFBIG, "a variable that cannot be read");
	ok(err.what && strstr(err.what, SECURE_BOOT), "the error names the file");
}

static void is_enrolled(enum enrolled want, const char *what)
{
	struct str der = {0};
	enum enrolled got;

	str_add(&der, "certificate of ours");
	is_int(secure_boot_find_certificate(root, &der, "0a1b2c3d", &got, NULL), 0, what);
	is_int(got, want, what);
	str_done(&der);
}

static void put_owner_keys(const char *name, bool attributes, const char *certificate)
{
	_cleanup_(str_done) struct str s = {0};

	str_add_bytes(&s, "\7\0\0\0", attributes ? 4 : 0);
	add_list(&s, X509, "certificate of some", certificate);
	put(name, s.data, s.len);
}

static void test_enrolled(void)
{
	static const char theirs[] = "11 I--Q--- 1 perm 1f030000 0 0 asymmetri Debian: 77aa: X509.rsa 77aa []\n";
	_cleanup_free_ char *ours = xasprintf("%s12 I--Q--- 1 perm 1f030000 0 0 asymmetri DKMS key: "
					      "0a1b2c3d: X509.rsa 0a1b2c3d []\n", theirs);
	_cleanup_free_ char *user = xasprintf("%s12 I--Q--- 1 perm 1f030000 1000 1000 asymmetri DKMS "
					      "key: 0a1b2c3d: X509.rsa 0a1b2c3d []\n", theirs);

	is_enrolled(ENROLLED_NOT, "no variables and no keys");
	put_owner_keys(EFIVARS "MokNew-" SHIM_GUID, true, "certificate of ours");
	is_enrolled(ENROLLED_WAITING, "a certificate that mokutil has asked for");
	put_owner_keys(EFIVARS "MokListRT-" SHIM_GUID, true, "certificate of them");
	is_enrolled(ENROLLED_WAITING, "only others are enrolled");
	put_owner_keys(EFIVARS "MokListRT1-" SHIM_GUID, true, "certificate of ours");
	is_enrolled(ENROLLED_YES, "the list goes on in a second variable, and no keys are shown");
	put_text("proc/keys", theirs);
	is_enrolled(ENROLLED_NOT_USED, "the kernel has keys, but not this one");
	put_text("proc/keys", user);
	is_enrolled(ENROLLED_NOT_USED, "a user has a key of that name");
	put_text("proc/keys", ours);
	is_enrolled(ENROLLED_YES, "the kernel has the key");
	drop(EFIVARS "MokListRT1-" SHIM_GUID);
	put_text("proc/keys", theirs);
	is_enrolled(ENROLLED_WAITING, "it is not enrolled any more");
	put_owner_keys("sys/firmware/efi/mok-variables/MokListRT", false, "certificate of ours");
	is_enrolled(ENROLLED_NOT_USED, "the kernel's copy of the whole list");
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	test_lists();
	test_state();
	drop("sys");
	test_enrolled();
	dir_remove(root, NULL);
	return done_testing();
}
