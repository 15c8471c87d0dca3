/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MATRIX_H
#define CLI_MATRIX_H

#include "scheduler/plan.h"

/* Prints a table with a row for each module and a column for each kernel; each cell has the
 * word for the result. A table wider than columns is split into several, each with some of the
 * kernels. columns is 0 if there is no limit. */
void matrix_print(const struct plan *p, size_t columns, FILE *out);

#endif
