/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "scheduler/shards.h"
#include "tests/unit/tap.h"

/* A generator of numbers that are the same in each run: xorshift64 of G. Marsaglia. */
static uint64_t state = 88172645463325252;

static uint64_t next(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

/* Whether each cell has one of the shards, and cells of a chain have the same. */
static bool is_valid(const struct shard_cell *cells, size_t n, unsigned int shards)
{
	for (size_t i = 0; i < n; i++) {
		if (cells[i].shard >= shards)
			return false;
		for (size_t j = 0; j < i; j++)
			if (cells[i].chain == cells[j].chain && cells[i].shard != cells[j].shard)
				return false;
	}
	return true;
}

static void test_random(void)
{
	bool valid = true, same = true;

	for (size_t round = 0; round < 300; round++) {
		size_t n = next(120), groups = 1 + next(20);
		unsigned int shards = 1 + (unsigned int)next(20);
		struct shard_cell *cells = xcalloc(n + 1, sizeof(*cells));
		struct shard_cell *again = xcalloc(n + 1, sizeof(*cells));

		for (size_t i = 0; i < n; i++) {
			cells[i].group = next(groups);
			cells[i].chain = cells[i].group * 100 + next(5);
			cells[i].cost_ms = next(10) ? next(100000) : 0;
			cells[i].shard = 99;
		}
		memcpy(again, cells, n * sizeof(*cells));
		shards_divide(cells, n, shards);
		shards_divide(again, n, shards);
		valid = valid && is_valid(cells, n, shards);
		same = same && memcmp(again, cells, n * sizeof(*cells)) == 0;
		free(cells);
		free(again);
	}
	ok(valid, "each cell of 300 random plans has one shard, and no chain is parted");
	ok(same, "the division is the same each time");
}

/* Returns the longest share in percent of the mean. */
static uint64_t longest(const struct shard_cell *cells, size_t n, unsigned int shards)
{
	uint64_t shares[64] = {0}, total = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		shares[cells[i].shard] += cells[i].cost_ms;
		total += cells[i].cost_ms;
	}
	for (unsigned int s = 0; s < shards; s++)
		most = shares[s] > most ? shares[s] : most;
	return most * 100 * shards / total;
}

/* 100 modules and 30 kernels on 16 machines: the kernels of a module are one group. */
static void test_balance(void)
{
	static struct shard_cell cells[3000];
	uint64_t worst = 0;
	size_t parted = 0;

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < 3000; i++) {
			cells[i].group = i / 30;
			cells[i].chain = i;
			if (i % 30 == 0)
				cells[i].cost_ms = 500 + next(20) * next(4000);
			else
				cells[i].cost_ms = cells[i - 1].cost_ms;
		}
		shards_divide(cells, 3000, 16);
		if (longest(cells, 3000, 16) > worst)
			worst = longest(cells, 3000, 16);
	}
	ok(worst <= 110, "the longest share is at most 10 %% above the mean (%lu %%)",
		(unsigned long)worst);
	for (size_t i = 0; i < 3000; i++)
		cells[i].cost_ms = i < 30 ? 60000 : 900;
	shards_divide(cells, 3000, 16);
	for (size_t i = 1; i < 3000; i++)
		parted += cells[i].group == cells[i - 1].group && cells[i].shard != cells[i - 1].shard;
	ok(parted > 0 && parted <= 29, "only a group that is too long is parted");
}

static void test_sets(void)
{
	size_t *sets = shards_sets_new(6);

	shards_sets_join(sets, 4, 2);
	shards_sets_join(sets, 5, 4);
	is_int((long)shards_set_find(sets, 5), 2, "numbers that were joined have one name");
	is_int((long)shards_set_find(sets, 3), 3, "others have their own");
	free(sets);
}

int main(void)
{
	test_random();
	test_balance();
	test_sets();
	return done_testing();
}
