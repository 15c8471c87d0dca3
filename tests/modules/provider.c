/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that exports the symbol provider_answer and needs printk. */
#include "module.h"

#ifndef PRINTK_CRC
#define PRINTK_CRC 0x11111111
#endif

int _printk(const char *format, ...);
int provider_answer(void);

EXPORTS("provider_answer", "0x22222222");
RECORDS("module_layout", 0x33333333);
RECORDS("_printk", PRINTK_CRC);

int provider_answer(void)
{
	return _printk("42\n");
}
