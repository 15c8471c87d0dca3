/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_GRAPH_H
#define SCHEDULER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

/* What runs after what. The graph knows nodes and edges; what a node stands for is its
 * owner's business, and nothing here starts or waits for anything. */

enum node_state {
	NODE_WAITING, /* for nodes before it */
	NODE_READY,   /* in the queue */
	NODE_RUNNING, /* given out by graph_take_ready */
	NODE_OK,      /* finished; those after it may run */
	NODE_FAILED,  /* finished; those that need it are blocked */
	NODE_BLOCKED, /* never ran: a node that it needs failed or was blocked */
};

enum edge_kind {
	EDGE_NEEDS, /* after runs only if before ends in NODE_OK */
	EDGE_AFTER, /* after runs once before has ended, however that was */
};

struct node {
	void *data;
	long cost;	      /* what it takes, in any unit */
	long priority;	      /* the costs of the longest path from it to an end; of the
			       * ready nodes the highest is given out first */
	enum node_state state;
	size_t n_waiting;     /* edges to nodes that have not ended */
	struct node *blocker; /* the node whose failure blocked this one; on a cycle, the
			       * node before it */
	size_t index;	      /* order of graph_add_node; breaks ties of priority */
	struct edge *edges;   /* to the nodes after this one */
	size_t n_edges;
	struct node *next_ended; /* while an ending spreads */
};

/* Told of each node that is blocked, the nearest first. */
typedef void graph_blocked_fn(struct node *node, void *userdata);

struct graph {
	struct node **nodes; /* in the order of graph_add_node */
	size_t n;
	size_t n_ended;	     /* NODE_OK, NODE_FAILED and NODE_BLOCKED */
	struct node **ready; /* a heap by priority */
	size_t n_ready;
};

/* Zero-initialised is empty. Nodes live until graph_done. */
struct node *graph_add_node(struct graph *g, void *data, long cost);
void graph_add_edge(struct graph *g, struct node *before, struct node *after,
	enum edge_kind kind);
/* Sets the priorities and puts the nodes that wait for nothing into the queue. A cycle can
 * never run: its nodes are blocked, and those that need them. Call once, when all is added
 * and the costs are known. */
void graph_start(struct graph *g, graph_blocked_fn *on_blocked, void *userdata);
/* The next node to run, now NODE_RUNNING; NULL when none is ready. */
struct node *graph_take_ready(struct graph *g);
/* A running node has ended. Those that it blocks end at once. on_blocked may be NULL. */
void graph_finish_node(struct graph *g, struct node *node, bool ok,
	graph_blocked_fn *on_blocked, void *userdata);
/* True when every node has ended. */
bool graph_has_ended(const struct graph *g);
void graph_done(struct graph *g);

#endif
