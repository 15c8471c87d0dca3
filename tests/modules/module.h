/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_MODULES_MODULE_H
#define TESTS_MODULES_MODULE_H

/* Makes an object file look like a kernel module to libkmod and depmod, without a kernel.
 * Tests compile the .c files of this directory with cc -c, and with -D for what differs.
 */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define UNIQUE(name) PASTE(name, __COUNTER__)

/* Adds a line to .modinfo: INFO("version", "1.0"); */
#define INFO(key, value)                                                                 \
	static const char UNIQUE(info_)[]                                                \
		__attribute__((section(".modinfo"), used, aligned(1))) = key "=" value

struct modversion_info {
	unsigned long crc;
	char name[64 - sizeof(unsigned long)];
};

/* Records the CRC that a symbol had when this module was built. */
#define RECORDS(symbol, value)                                                           \
	static const struct modversion_info UNIQUE(version_)                             \
		__attribute__((section("__versions"), used)) = {value, symbol}

/* Exports a symbol that this file defines: EXPORTS("answer", "0x12345678"); */
#define EXPORTS(symbol, crc)                                                             \
	__asm__(".section \"__ksymtab_strings\",\"aMS\",%progbits,1\n"                   \
		".asciz \"" symbol "\"\n"                                                \
		".previous\n"                                                            \
		".globl __crc_" symbol "\n"                                              \
		".set __crc_" symbol ", " crc "\n")

#ifdef VERSION
INFO("version", VERSION);
#endif
#ifdef SRCVERSION
INFO("srcversion", SRCVERSION);
#endif
#ifdef DEPENDS
INFO("depends", DEPENDS);
#endif
#ifdef RELEASE
INFO("vermagic", RELEASE " SMP preempt mod_unload modversions ");
#endif
INFO("license", "GPL");

#endif
