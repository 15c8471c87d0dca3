/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PROBES_MEMO_H
#define BUILDER_PROBES_MEMO_H

#include <stdint.h>

/* A memo of what compilers answered that succeeded: MEMO_MAGIC, then records. Each record is a
 * header and, without gaps, the bytes of the question, of standard output, of standard error
 * and of the output file. Numbers have the byte order of the machine: a memo whose numbers make no
 * sense is not used.
 *
 * A question is, each part with a NUL at its end: the name of the program and its arguments;
 * an empty part; the environment variables that count; an empty part; standard input. */

/* The name of the file beside the memo that says that no debug information is made. */
#define PROBES_NO_DEBUG_INFO "no-debug-info"

#define MEMO_MAGIC "dkmsprb2"
#define MEMO_MAGIC_SIZE 8
#define MEMO_MAX (4 * 1024 * 1024)   /* of a whole memo (bytes) */
#define MEMO_RECORD_MAX (128 * 1024) /* of a record (bytes) */
#define MEMO_NO_FILE UINT32_MAX      /* as the size of a file: none was made */

struct memo_record {
	uint32_t size;     /* of the whole record (bytes) */
	uint32_t question; /* the sizes of its parts (bytes) */
	uint32_t out;
	uint32_t err;
	uint32_t file;   /* or MEMO_NO_FILE */
};

/* Whether a header describes a record of at most left bytes. */
static inline int memo_record_is_valid(const struct memo_record *r, uint64_t left)
{
	uint64_t file = r->file == MEMO_NO_FILE ? 0 : r->file;

	return r->size <= left && r->size <= MEMO_RECORD_MAX &&
	       (uint64_t)sizeof(*r) + r->question + r->out + r->err + file == r->size;
}

#endif
