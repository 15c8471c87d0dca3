/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a message of the program that talks to servers, or of dkms to it. */
#include "config.h"

#include <errno.h>

#include "cache/remote/frame.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[FRAME_MAX];
	struct frame f;
	int r;

	if (size < 1)
		return 0;
	/* The first byte says from whom, and with how many descriptors. */
	r = frame_read(
		(const char *)data + 1, size - 1, data[0] & 1, data[0] >> 1 & 3, &f);
	MUST(r == 0 || r == -EPROTO);
	if (r < 0)
		return 0;
	MUST((f.type >= FRAME_DONE) == (data[0] & 1));
	for (size_t i = 0; i < f.n_text; i++)
		MUST(f.text[i] >= ' ' && f.text[i] < 0x7f);
	MUST(frame_write(&f, again) == size - 1 &&
		memcmp(again, data + 1, size - 1) == 0);
	return 0;
}
