/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that needs provider_answer, and uses provider_extra if it exists. */
#include "module.h"

#ifndef ANSWER_CRC
#define ANSWER_CRC 0x22222222
#endif

int provider_answer(void);
int provider_extra(void) __attribute__((weak));
int init_module(void);

RECORDS("module_layout", 0x33333333);
RECORDS("provider_answer", ANSWER_CRC);

int init_module(void)
{
	return provider_extra ? provider_extra() : provider_answer();
}
