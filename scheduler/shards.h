/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_SHARDS_H
#define SCHEDULER_SHARDS_H

#include <stddef.h>
#include <stdint.h>

/* How the cells of a matrix of modules and kernels are divided among machines. A cell is a module
 * on a kernel. */
struct shard_cell {
	size_t chain; /* cells with the same number stay together: one needs the other */
	/* Cells with the same number had better stay together, because one can be linked from objects of
	 * the other. The cells of a chain have the same group. */
	size_t group;
	uint64_t cost_ms;
	unsigned int shard; /* set by shards_divide(), from 0 on */
};

/* Numbers that belong together: each number belongs to a set, whose name is one of its numbers. */
size_t *shards_sets_new(size_t n); /* n sets of one number each; the caller frees */
size_t shards_set_find(size_t *sets, size_t number);
void shards_sets_join(size_t *sets, size_t a, size_t b);

/* Divides n cells among n_shards machines, at least 1, so that the longest share is short. The result depends on
 * nothing but the arguments, so each machine finds the same. A group that would take more than a
 * tenth of a share is parted, but none of its chains is. */
void shards_divide(struct shard_cell *cells, size_t n, unsigned int n_shards);

#endif
