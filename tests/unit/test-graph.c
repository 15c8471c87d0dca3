/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The graph with a runner that starts nothing: nodes end in whatever order a test says. */
#include "config.h"

#include <stdint.h>

#include "base/str.h"
#include "scheduler/graph.h"
#include "tests/unit/tap.h"

static struct str blocked;

static struct node *add(struct graph *g, const char *name, long cost)
{
	return graph_add_node(g, (void *)(uintptr_t)name, cost);
}

static void on_blocked(struct node *node, void *userdata)
{
	(void)userdata;
	str_addf(&blocked, "%s ", (const char *)node->data);
}

static void forget_blocked(void)
{
	str_done(&blocked);
	str_add(&blocked, "");
}

static void test_order(void)
{
	struct graph g = {0};
	struct node *short_way = add(&g, "short way", 1);
	struct node *high = add(&g, "high", 5);
	struct node *high2 = add(&g, "high2", 5);
	struct node *last = add(&g, "last", 3);

	graph_add_edge(&g, short_way, last, EDGE_NEEDS);
	graph_add_edge(&g, high, last, EDGE_AFTER);
	graph_start(&g, NULL, NULL);
	ok(graph_take_ready(&g) == high, "the longest way to the end is first");
	ok(graph_take_ready(&g) == high2, "then the next");
	ok(graph_take_ready(&g) == short_way, "then the rest");
	ok(graph_take_ready(&g) == NULL, "what waits is not given out");
	graph_finish_node(&g, high, true, NULL, NULL);
	ok(graph_take_ready(&g) == NULL, "not while one node before it runs");
	graph_finish_node(&g, short_way, true, NULL, NULL);
	ok(graph_take_ready(&g) == last, "once all before it have ended");
	graph_finish_node(&g, high2, true, NULL, NULL);
	ok(!graph_has_ended(&g), "not ended while one runs");
	graph_finish_node(&g, last, true, NULL, NULL);
	ok(graph_has_ended(&g), "ended");
	graph_done(&g);
}

/* A chain of small nodes is longer than one large node; equal ways keep their order. */
static void test_critical_path(void)
{
	struct graph g = {0};
	struct node *large = add(&g, "large", 10);
	struct node *same = add(&g, "same", 10);
	struct node *end = add(&g, "end", 5);
	struct node *middle = add(&g, "middle", 4);
	struct node *begin = add(&g, "begin", 2);
	struct node *aside = add(&g, "aside", 1);

	graph_add_edge(&g, begin, middle, EDGE_NEEDS);
	graph_add_edge(&g, middle, end, EDGE_NEEDS);
	graph_add_edge(&g, begin, aside, EDGE_AFTER);
	graph_add_edge(&g, aside, end, EDGE_AFTER);
	graph_start(&g, NULL, NULL);
	is_int(begin->priority, 11, "the costs of the longest way add up");
	is_int(aside->priority, 6, "from every node");
	ok(graph_take_ready(&g) == begin, "what begins it goes before one large node");
	ok(graph_take_ready(&g) == large && graph_take_ready(&g) == same,
		"equal ways keep their order");
	graph_finish_node(&g, begin, true, NULL, NULL);
	ok(graph_take_ready(&g) == middle && graph_take_ready(&g) == aside, "and so on");
	graph_done(&g);
}

static void test_failure(void)
{
	struct graph g = {0};
	struct node *a = add(&g, "a", 0);
	struct node *b = add(&g, "b", 0);
	struct node *c = add(&g, "c", 0);
	struct node *other = add(&g, "other", 0);
	struct node *barrier = add(&g, "barrier", 0);

	graph_add_edge(&g, a, b, EDGE_NEEDS);
	graph_add_edge(&g, b, c, EDGE_NEEDS);
	graph_add_edge(&g, a, barrier, EDGE_AFTER);
	graph_add_edge(&g, b, barrier, EDGE_AFTER);
	graph_add_edge(&g, c, barrier, EDGE_AFTER);
	graph_add_edge(&g, other, barrier, EDGE_AFTER);
	graph_start(&g, NULL, NULL);
	ok(graph_take_ready(&g) == a && graph_take_ready(&g) == other, "two can start");
	forget_blocked();
	graph_finish_node(&g, a, false, on_blocked, NULL);
	is(blocked.data, "b c ", "a failure blocks those that need it, the nearest first");
	ok(b->blocker == a && c->blocker == b, "each knows by whom");
	ok(graph_take_ready(&g) == NULL, "the barrier waits for the others");
	graph_finish_node(&g, other, true, NULL, NULL);
	ok(graph_take_ready(&g) == barrier, "and runs in spite of the failure");
	graph_finish_node(&g, barrier, true, NULL, NULL);
	ok(graph_has_ended(&g), "all have ended");
	graph_done(&g);
}

static void test_cycle(void)
{
	struct graph g = {0};
	struct node *a = add(&g, "a", 0);
	struct node *b = add(&g, "b", 0);
	struct node *behind = add(&g, "behind", 0);
	struct node *barrier = add(&g, "barrier", 0);
	struct node *self = add(&g, "self", 0);
	struct node *before = add(&g, "before", 0);

	graph_add_edge(&g, before, a, EDGE_NEEDS);
	graph_add_edge(&g, a, b, EDGE_NEEDS);
	graph_add_edge(&g, b, a, EDGE_NEEDS);
	graph_add_edge(&g, b, behind, EDGE_NEEDS);
	graph_add_edge(&g, behind, barrier, EDGE_AFTER);
	graph_add_edge(&g, self, self, EDGE_NEEDS);
	forget_blocked();
	graph_start(&g, on_blocked, NULL);
	ok(b->state == NODE_BLOCKED && b->blocker == a, "a cycle is blocked by its own");
	ok(self->state == NODE_BLOCKED && self->blocker == self, "so is what needs itself");
	ok(behind->state == NODE_BLOCKED, "and what needs the cycle");
	ok(graph_take_ready(&g) == barrier && graph_take_ready(&g) == before,
		"the others run");
	graph_finish_node(&g, barrier, true, NULL, NULL);
	graph_finish_node(&g, before, true, on_blocked, NULL);
	is(blocked.data, "self b behind a ", "each is told, when all before it have ended");
	ok(a->state == NODE_BLOCKED && a->blocker == b, "all of the cycle, in the end");
	ok(graph_has_ended(&g), "and all have ended");
	graph_done(&g);
}

/* Runs 4 nodes a, b -> c -> d to the end in the order of completions that the bits of
 * choice select, each failing or not by the bits of fail; counts broken rules. */
static int run_small(unsigned int choice, unsigned int fail)
{
	struct graph g = {0};
	struct node *n[4], *running[4];
	size_t n_running = 0;
	int broken = 0, guard = 0;

	for (int i = 0; i < 4; i++)
		n[i] = add(&g, "n", 0);
	graph_add_edge(&g, n[0], n[2], EDGE_NEEDS);
	graph_add_edge(&g, n[1], n[2], EDGE_NEEDS);
	graph_add_edge(&g, n[2], n[3], EDGE_AFTER);
	graph_add_edge(&g, n[0], n[3], EDGE_NEEDS);
	graph_start(&g, NULL, NULL);
	while (!graph_has_ended(&g) && guard++ < 10) {
		struct node *next;
		size_t pick;

		while ((next = graph_take_ready(&g)))
			running[n_running++] = next;
		if (!n_running)
			break;
		pick = choice % n_running;
		choice /= 2;
		next = running[pick];
		running[pick] = running[--n_running];
		if (next == n[2] && (n[0]->state != NODE_OK || n[1]->state != NODE_OK))
			broken++;
		if (next == n[3] && (n[0]->state != NODE_OK || n[2]->state < NODE_OK))
			broken++;
		graph_finish_node(&g, next, !(fail & (1u << next->index)), NULL, NULL);
	}
	broken += !graph_has_ended(&g);
	broken += (fail & 1u) && n[3]->state != NODE_BLOCKED;
	broken += !(fail & 1u) && (fail & 2u) && n[3]->state == NODE_BLOCKED;
	graph_done(&g);
	return broken;
}

static void test_every_order(void)
{
	int broken = 0, runs = 0;

	for (unsigned int choice = 0; choice < 16; choice++)
		for (unsigned int fail = 0; fail < 16; fail++, runs++)
			broken += run_small(choice, fail);
	ok(broken == 0 && runs == 256, "every order and failure of a small graph");
}

static void test_many(void)
{
	struct graph g = {0};
	struct node *barrier, *next;
	size_t given = 0;

	for (int i = 0; i < 10000; i++)
		add(&g, "job", i % 7);
	barrier = add(&g, "barrier", 0);
	for (size_t i = 0; i < 10000; i++)
		graph_add_edge(&g, g.nodes[i], barrier, EDGE_AFTER);
	graph_start(&g, NULL, NULL);
	while ((next = graph_take_ready(&g))) {
		given++;
		graph_finish_node(&g, next, given % 3 != 0, NULL, NULL);
	}
	is_int((long)given, 10001, "10,000 jobs and their barrier");
	ok(graph_has_ended(&g), "all have ended");
	graph_done(&g);
}

int main(void)
{
	test_order();
	test_critical_path();
	test_failure();
	test_cycle();
	test_every_order();
	test_many();
	str_done(&blocked);
	return done_testing();
}
