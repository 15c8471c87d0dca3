/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which node may run next? Each node counts the edges that lead to it from nodes that
 * have not ended; when the count reaches zero, the node is ready. */
#include "config.h"

#include "base/util.h"
#include "scheduler/graph.h"

struct edge {
	struct node *to;
	enum edge_kind kind;
};

struct node *graph_add_node(struct graph *g, void *data, long cost)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->data = data;
	node->cost = cost;
	node->index = g->n;
	if ((g->n & (g->n + 1)) == 0) {
		g->nodes = xrealloc_array(g->nodes, 2 * (g->n + 1), sizeof(*g->nodes));
		g->ready = xrealloc_array(g->ready, 2 * (g->n + 1), sizeof(*g->ready));
	}
	g->nodes[g->n++] = node;
	return node;
}

void graph_add_edge(
	struct graph *g, struct node *before, struct node *after, enum edge_kind kind)
{
	(void)g;
	if ((before->n_edges & (before->n_edges + 1)) == 0)
		before->edges = xrealloc_array(before->edges, 2 * (before->n_edges + 1),
			sizeof(*before->edges));
	before->edges[before->n_edges++] = (struct edge){after, kind};
	after->n_waiting++;
}

/* Returns whether a runs before b when both are ready. */
static bool goes_first(const struct node *a, const struct node *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->index < b->index;
}

/* Adds a node to the queue of ready nodes, which is a binary heap. */
static void queue_node(struct graph *g, struct node *node)
{
	size_t at = g->n_ready++;

	node->state = NODE_READY;
	while (at && goes_first(node, g->ready[(at - 1) / 2])) {
		g->ready[at] = g->ready[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	g->ready[at] = node;
}

static bool has_ended(const struct node *node)
{
	return node->state >= NODE_OK;
}

/* Ends a node, whose state is a final one already, and every node that it blocks. The
 * blocked nodes form a list, which grows at its end while it is processed from its
 * beginning. */
static void end_node(
	struct graph *g, struct node *node, graph_blocked_fn *on_blocked, void *userdata)
{
	struct node *last = node;

	for (; node; node = node->next_ended) {
		g->n_ended++;
		if (node->state == NODE_BLOCKED && on_blocked)
			on_blocked(node, userdata);
		for (size_t e = 0; e < node->n_edges; e++) {
			struct node *after = node->edges[e].to;

			after->n_waiting--;
			if (has_ended(after))
				continue;
			if (node->state != NODE_OK && !after->blocker &&
				node->edges[e].kind == EDGE_NEEDS)
				after->blocker = node;
			if (after->n_waiting)
				continue;
			if (after->blocker) {
				after->state = NODE_BLOCKED;
				last->next_ended = after;
				last = after;
			} else {
				queue_node(g, after);
			}
		}
	}
}

/* Sorts the nodes so that each comes after those that it waits for, by removing edges as
 * if every node ran. Nodes on a cycle, and nodes that wait for one, cannot be sorted.
 * Puts the sorted nodes into ret and returns their number. Sets waiting[i] to the number
 * of edges that are left to the node i, which is 0 for a sorted node. */
static size_t sort_nodes(const struct graph *g, struct node **ret, size_t *waiting)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		waiting[i] = g->nodes[i]->n_waiting;
		if (!waiting[i] || has_ended(g->nodes[i]))
			ret[n++] = g->nodes[i];
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t e = 0; e < ret[i]->n_edges; e++) {
			struct node *to = ret[i]->edges[e].to;

			if (has_ended(ret[i]) || has_ended(to))
				continue;
			if (--waiting[to->index] == 0)
				ret[n++] = to;
		}
	}
	return n;
}

/* Returns a node on a cycle, with its blocker set to the node before it, or NULL if there
 * is no cycle. waiting is what sort_nodes() has set. Every node that cannot be sorted
 * waits for another one that cannot be sorted; so following these edges backwards from
 * any of them, as often as there are nodes, leads to a cycle. */
static struct node *find_cycle(const struct graph *g, const size_t *waiting)
{
	struct node **before = xcalloc(g->n, sizeof(struct node *));
	struct node *found = NULL;

	for (size_t i = 0; i < g->n; i++) {
		if (!waiting[i] || has_ended(g->nodes[i]))
			continue;
		for (size_t e = 0; e < g->nodes[i]->n_edges; e++)
			before[g->nodes[i]->edges[e].to->index] = g->nodes[i];
		found = g->nodes[i];
	}
	for (size_t step = 0; found && step < g->n; step++)
		found = before[found->index];
	if (found)
		found->blocker = before[found->index];
	free(before);
	return found;
}

/* Sets the priorities of the sorted nodes, from the last to the first. */
static void set_priorities(struct node **sorted, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct node *node = sorted[i];

		node->priority = node->cost;
		for (size_t e = 0; e < node->n_edges; e++) {
			long path = node->cost + node->edges[e].to->priority;

			if (path > node->priority)
				node->priority = path;
		}
	}
}

void graph_start(struct graph *g, graph_blocked_fn *on_blocked, void *userdata)
{
	struct node **sorted = xcalloc(g->n, sizeof(struct node *));
	size_t *waiting = xcalloc(g->n, sizeof(*waiting));
	size_t n = sort_nodes(g, sorted, waiting);

	set_priorities(sorted, n);
	for (size_t i = 0; i < g->n; i++)
		if (!g->nodes[i]->n_waiting)
			queue_node(g, g->nodes[i]);
	while (n < g->n) {
		struct node *cycle = find_cycle(g, waiting);

		if (!cycle)
			break; /* cannot happen: an unsorted node implies a cycle */
		cycle->state = NODE_BLOCKED;
		end_node(g, cycle, on_blocked, userdata);
		n = sort_nodes(g, sorted, waiting);
	}
	free(sorted);
	free(waiting);
}

struct node *graph_take_ready(struct graph *g)
{
	struct node *first, *last;
	size_t at = 0;

	if (!g->n_ready)
		return NULL;
	first = g->ready[0];
	last = g->ready[--g->n_ready];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= g->n_ready)
			break;
		if (child + 1 < g->n_ready && goes_first(g->ready[child + 1], g->ready[child]))
			child++;
		if (!goes_first(g->ready[child], last))
			break;
		g->ready[at] = g->ready[child];
		at = child;
	}
	g->ready[at] = last;
	first->state = NODE_RUNNING;
	return first;
}

void graph_finish_node(struct graph *g, struct node *node, bool ok,
	graph_blocked_fn *on_blocked, void *userdata)
{
	node->state = ok ? NODE_OK : NODE_FAILED;
	end_node(g, node, on_blocked, userdata);
}

bool graph_has_ended(const struct graph *g)
{
	return g->n_ended == g->n;
}

void graph_done(struct graph *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->nodes[i]->edges);
		free(g->nodes[i]);
	}
	free(g->nodes);
	free(g->ready);
	*g = (struct graph){0};
}
