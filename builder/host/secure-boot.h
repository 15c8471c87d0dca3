/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SECURE_BOOT_H
#define BUILDER_HOST_SECURE_BOOT_H

#include "base/error.h"
#include "base/str.h"

/* Does the running kernel load only modules whose signature it knows, and does it know ours? The
 * answers are in /sys and /proc, and no other program is needed. */

enum secure_boot_state {
	SECURE_BOOT_NO_UEFI, /* the machine was not started by UEFI */
	SECURE_BOOT_UNKNOWN, /* the firmware's variables are not there, as in a container */
	SECURE_BOOT_OFF,
	SECURE_BOOT_ON,
};

struct secure_boot {
	enum secure_boot_state state;
	bool shim_off;	       /* Secure Boot is on, but shim does not check (mokutil) */
	const char *enforced_by; /* what makes the kernel refuse unsigned modules; static.
				  * NULL: it loads them */
};

/* Looks at the machine. root is put before each path: "" except in tests. Returns 0, or a
 * negative errno with status 1 and the file that cannot be read. */
int secure_boot_read(const char *root, struct secure_boot *ret, struct error *err);

enum enrolled {
	ENROLLED_NOT,
	ENROLLED_WAITING, /* mokutil --import was called; the next start asks for the password */
	ENROLLED_NOT_USED, /* the firmware has it, but the running kernel does not know it */
	ENROLLED_YES,
};

/* Tells whether the firmware has a certificate among the machine owner keys, and whether the
 * running kernel knows it. der are its bytes, key_id as in struct certificate. Returns 0, or a
 * negative errno with status 1.
 *
 * The lists have the format of EFI_SIGNATURE_LIST (UEFI specification 2.10, section 32.4.1). The
 * names of the variables are those of shim (its MokVars.txt). The kernel shows them in
 * /sys/firmware/efi/mok-variables, too, and names the keys that it knows in /proc/keys
 * (proc_keys(5)). */
int secure_boot_find_certificate(const char *root, const struct str *der, const char *key_id,
	enum enrolled *ret, struct error *err);

/* Tells whether the bytes of a certificate are in n bytes of signature lists. Lists that are
 * damaged have no certificates. */
bool signature_lists_contain(
	const unsigned char *lists, size_t n, const unsigned char *der, size_t der_len);

#endif
