/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_GRAPH_H
#define SCHEDULER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

/* A graph of nodes that run, and of edges that say which node waits for which. It decides
 * which node may run next. It does not know what a node stands for, and it starts
 * nothing. */

enum node_state {
	NODE_WAITING, /* waits for nodes before it */
	NODE_READY,   /* waits for no node; is in the queue */
	NODE_RUNNING, /* was returned by graph_take_ready() and has not ended */
	NODE_OK,      /* has succeeded */
	NODE_FAILED,  /* has failed; nodes that need it are blocked */
	NODE_BLOCKED, /* never ran, because a node that it needs failed or was blocked */
};

enum edge_kind {
	EDGE_NEEDS, /* the later node runs only if the earlier one ends in NODE_OK */
	/* the later node runs once the earlier one has ended, even if it failed */
	EDGE_AFTER,
};

struct node {
	void *data; /* the owner's; the graph does not use it */
	/* how long the node takes, in any unit; the owner may set it until
	 * graph_start() */
	long cost;
	/* The sum of the costs along the critical path: the longest path from this node
	 * to a node without edges. Of the nodes that are ready, the one with the highest
	 * priority runs first. */
	long priority;
	enum node_state state;
	size_t n_waiting; /* edges that lead here from nodes that have not ended */
	/* NODE_BLOCKED: the node whose failure blocked this one, or the node before it on
	 * a cycle. */
	struct node *blocker;
	/* in the graph's nodes; of equal priorities the lowest runs first */
	size_t index;
	struct edge *edges; /* to the nodes that wait for this one */
	size_t n_edges;
	struct node *next_ended; /* a list that only end_node() uses */
};

/* Is called for each node that is blocked, in order of the distance from the node that
 * failed. */
typedef void graph_blocked_fn(struct node *node, void *userdata);

struct graph {
	struct node **nodes; /* in the order of graph_add_node */
	size_t n;
	size_t n_ended;	     /* nodes in NODE_OK, NODE_FAILED or NODE_BLOCKED */
	struct node **ready; /* the queue: a binary heap, the highest priority first */
	size_t n_ready;
};

/* Adds a node and returns it; it lives until graph_done(). A struct graph that is all
 * zeroes is an empty graph. */
struct node *graph_add_node(struct graph *g, void *data, long cost);
void graph_add_edge(struct graph *g, struct node *before, struct node *after,
	enum edge_kind kind);
/* Sets the priorities and queues the nodes that wait for no other. Blocks the nodes on a
 * cycle of edges, which could never run, and the nodes that need them. Call it once,
 * after all nodes and edges have been added and the costs have been set. on_blocked may
 * be NULL. */
void graph_start(struct graph *g, graph_blocked_fn *on_blocked, void *userdata);
/* Returns the ready node with the highest priority and makes it NODE_RUNNING, or returns
 * NULL if no node is ready. */
struct node *graph_take_ready(struct graph *g);
/* Ends a running node: queues the nodes that waited only for it, or blocks those that
 * need it if it has failed. on_blocked may be NULL. */
void graph_finish_node(struct graph *g, struct node *node, bool ok,
	graph_blocked_fn *on_blocked, void *userdata);
/* Returns whether every node has ended. */
bool graph_has_ended(const struct graph *g);
/* Frees the nodes and makes the graph empty. */
void graph_done(struct graph *g);

#endif
