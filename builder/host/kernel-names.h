/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KERNEL_NAMES_H
#define BUILDER_HOST_KERNEL_NAMES_H

#include <stddef.h>

/* A list of kernels by name, for kernels that need not be on this machine. */

struct kernel_name {
	char *release, *arch; /* "6.1.0-56-amd64", "x86_64"; the list owns them */
};

struct kernel_names {
	struct kernel_name *items;
	size_t n;
};

/* Appends a kernel; both strings are copied. */
void kernel_names_push(struct kernel_names *names, const char *release, const char *arch);
void kernel_names_done(struct kernel_names *names);

#endif
