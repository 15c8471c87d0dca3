/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MATRIX_H
#define CLI_MATRIX_H

#include "scheduler/plan.h"

/* Prints modules × kernels, a word in each cell. What is wider than columns is printed as
 * several tables, some kernels each; 0: there is no limit. */
void matrix_print(const struct plan *p, size_t columns, FILE *out);

#endif
