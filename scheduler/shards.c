/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which machine does which part of a matrix?
 *
 * The items, which are groups or chains of cells, go one after the other to the machine that has
 * least to do, the longest first. R. L. Graham, "Bounds on Multiprocessing Timing Anomalies" (1969), shows
 * that the longest share is then at most 4/3 of the shortest possible one. */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "scheduler/shards.h"

size_t *shards_sets_new(size_t n)
{
	size_t *sets = xcalloc(n + 1, sizeof(*sets));

	for (size_t i = 0; i < n; i++)
		sets[i] = i;
	return sets;
}

size_t shards_set_find(size_t *sets, size_t number)
{
	while (sets[number] != number) {
		sets[number] = sets[sets[number]];
		number = sets[number];
	}
	return number;
}

/* The name of the joined set is the lower number, so that it does not depend on the order. */
void shards_sets_join(size_t *sets, size_t a, size_t b)
{
	a = shards_set_find(sets, a);
	b = shards_set_find(sets, b);
	if (a < b)
		sets[b] = a;
	else
		sets[a] = b;
}

/* Cells that go to one machine together. */
struct item {
	uint64_t cost_ms;
	size_t first, n; /* its cells in the sorted list */
};

static int compare(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int by_group(const void *a, const void *b)
{
	const struct shard_cell *x = *(struct shard_cell *const *)a;
	const struct shard_cell *y = *(struct shard_cell *const *)b;
	int r = compare(x->group, y->group);

	r = r ? r : compare(x->chain, y->chain);
	return r ? r : (x > y) - (x < y);
}

static int by_cost(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->cost_ms != y->cost_ms)
		return x->cost_ms < y->cost_ms ? 1 : -1;
	return compare(x->first, y->first);
}

/* Returns the end of the chain that begins at first, and what it costs. */
static size_t end_of_chain(
	struct shard_cell *const *sorted, size_t first, size_t end, uint64_t *ret_cost)
{
	size_t i = first;

	for (*ret_cost = 0; i < end && sorted[i]->chain == sorted[first]->chain; i++)
		*ret_cost += sorted[i]->cost_ms;
	return i;
}

/* Appends the items for the cells from first on, up to end, that have one group: as many chains in
 * each as cost no more than limit together. */
static void add_items(struct shard_cell *const *sorted, size_t first, size_t end, uint64_t limit,
	struct item *items, size_t *n_items)
{
	struct item *item = NULL;

	while (first < end) {
		uint64_t cost;
		size_t next = end_of_chain(sorted, first, end, &cost);

		if (!item || item->cost_ms + cost > limit) {
			item = &items[(*n_items)++];
			item->first = first;
		}
		item->n += next - first;
		item->cost_ms += cost;
		first = next;
	}
}

void shards_divide(struct shard_cell *cells, size_t n, unsigned int n_shards)
{
	struct shard_cell **sorted = xcalloc(n + 1, sizeof(struct shard_cell *));
	struct item *items = xcalloc(n + 1, sizeof(*items));
	uint64_t *shares = xcalloc(n_shards, sizeof(*shares)), total = 0;
	size_t n_items = 0;

	for (size_t i = 0; i < n; i++) {
		sorted[i] = &cells[i];
		total += cells[i].cost_ms;
	}
	qsort(sorted, n, sizeof(struct shard_cell *), by_group);
	for (size_t first = 0, end; first < n; first = end) {
		for (end = first; end < n && sorted[end]->group == sorted[first]->group;)
			end++;
		add_items(sorted, first, end, total / n_shards / 10, items, &n_items);
	}
	qsort(items, n_items, sizeof(*items), by_cost);
	for (size_t i = 0; i < n_items; i++) {
		unsigned int least = 0;

		for (unsigned int s = 1; s < n_shards; s++)
			if (shares[s] < shares[least])
				least = s;
		shares[least] += items[i].cost_ms;
		for (size_t j = 0; j < items[i].n; j++)
			sorted[items[i].first + j]->shard = least;
	}
	free(shares);
	free(items);
	free(sorted);
}
