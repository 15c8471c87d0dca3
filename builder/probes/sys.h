/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PROBES_SYS_H
#define BUILDER_PROBES_SYS_H

/* System calls without a C library. A program that is linked with one, even statically, takes
 * several times as long to start, and builds start this one for each call of a compiler. On
 * processors that are not here it uses the C library: ANSWER_LIBC. */

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && !defined(__ILP32__)

static inline long sys(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

#define SYS_START \
	"	xor %ebp, %ebp\n"	\
	"	mov %rsp, %rdi\n"	\
	"	and $-16, %rsp\n"	\
	"	call answer_start\n"

#elif defined(__aarch64__)

static inline long sys(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#define SYS_START \
	"	mov x29, #0\n"	\
	"	mov x0, sp\n"	\
	"	bl answer_start\n"

#else
#define ANSWER_LIBC
#include <errno.h>
#include <unistd.h>

static inline long sys(long n, long a, long b, long c, long d, long e, long f)
{
	long r = syscall(n, a, b, c, d, e, f);

	return r < 0 ? -errno : r;
}
#endif

#ifndef ANSWER_LIBC
/* The compiler may call these by itself. The file that defines SYS_MAIN has them, and the
 * start of the program. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#ifdef SYS_MAIN
__asm__(".text\n"
	".globl _start\n"
	"_start:\n" SYS_START);

void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}
#endif
#else
#include <string.h>
#endif

#endif
