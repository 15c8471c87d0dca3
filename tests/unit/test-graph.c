/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the graph without starting anything: the test chooses the order in which nodes
 * end. */
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
	ok(graph_take_ready(&g) == high,
		"the node with the longest critical path starts first");
	ok(graph_take_ready(&g) == high2,
		"the node with the next longest path is second");
	ok(graph_take_ready(&g) == short_way, "the node with the shortest path is last");
	ok(graph_take_ready(&g) == NULL, "a node that waits for others is not ready");
	graph_finish_node(&g, high, true, NULL, NULL);
	ok(graph_take_ready(&g) == NULL,
		"a node is not ready while one that it needs runs");
	graph_finish_node(&g, short_way, true, NULL, NULL);
	ok(graph_take_ready(&g) == last,
		"a node is ready when all that it needs have ended");
	graph_finish_node(&g, high2, true, NULL, NULL);
	ok(!graph_has_ended(&g), "the graph has not ended while a node runs");
	graph_finish_node(&g, last, true, NULL, NULL);
	ok(graph_has_ended(&g), "the graph has ended");
	graph_done(&g);
}

/* A chain of small nodes is longer than one large node. Nodes with equal paths keep their
 * order. */
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
	is_int(begin->priority, 11, "the costs of the critical path are added up");
	is_int(aside->priority, 6, "each node has the cost of its own path");
	ok(graph_take_ready(&g) == begin,
		"a long chain of small nodes starts before one large node");
	ok(graph_take_ready(&g) == large && graph_take_ready(&g) == same,
		"nodes with equal paths keep their order");
	graph_finish_node(&g, begin, true, NULL, NULL);
	ok(graph_take_ready(&g) == middle && graph_take_ready(&g) == aside,
		"the rest follows by path");
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
	ok(graph_take_ready(&g) == a && graph_take_ready(&g) == other,
		"two nodes can start");
	forget_blocked();
	graph_finish_node(&g, a, false, on_blocked, NULL);
	is(blocked.data, "b c ",
		"a failure blocks the nodes that need it, the nearest first");
	ok(b->blocker == a && c->blocker == b, "each blocked node knows its blocker");
	ok(graph_take_ready(&g) == NULL, "the barrier waits for the other nodes");
	graph_finish_node(&g, other, true, NULL, NULL);
	ok(graph_take_ready(&g) == barrier, "the barrier runs after a failure as well");
	graph_finish_node(&g, barrier, true, NULL, NULL);
	ok(graph_has_ended(&g), "all nodes have ended");
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
	ok(b->state == NODE_BLOCKED && b->blocker == a,
		"a cycle is blocked by one of its own nodes");
	ok(self->state == NODE_BLOCKED && self->blocker == self,
		"a node that needs itself is blocked");
	ok(behind->state == NODE_BLOCKED, "a node that needs the cycle is blocked");
	ok(graph_take_ready(&g) == barrier && graph_take_ready(&g) == before,
		"the other nodes run");
	graph_finish_node(&g, barrier, true, NULL, NULL);
	graph_finish_node(&g, before, true, on_blocked, NULL);
	is(blocked.data, "self b behind a ",
		"blocked nodes are reported when all nodes before them have ended");
	ok(a->state == NODE_BLOCKED && a->blocker == b,
		"in the end the whole cycle is blocked");
	ok(graph_has_ended(&g), "all nodes of the graph with a cycle have ended");
	graph_done(&g);
}

/* Runs the nodes a and b -> c -> d to the end. The bits of choice select the order of
 * completions, the bits of fail the nodes that fail. Returns the number of broken rules.
 */
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
	ok(broken == 0 && runs == 256, "every order and every failure of a small graph");
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
	ok(graph_has_ended(&g), "all nodes of the large graph have ended");
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
