/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that needs playground_answer, and if it is there playground_luxury. */
#include "module.h"

#ifndef ANSWER_CRC
#define ANSWER_CRC 0x22222222
#endif

int playground_answer(void);
int playground_luxury(void) __attribute__((weak));
int init_module(void);

RECORDS("module_layout", 0x33333333);
RECORDS("playground_answer", ANSWER_CRC);

int init_module(void)
{
	return playground_luxury ? playground_luxury() : playground_answer();
}
