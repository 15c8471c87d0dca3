/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REMOTE_PUSH_H
#define CLI_REMOTE_PUSH_H

#include "base/error.h"

struct arguments;

/* Implement the parts of dkms remote that talk to a server. They print, and return 0, or a negative
 * errno and err. */

/* Says which servers answer, whom to believe, and who signs. */
int remote_status_print(struct arguments *args, struct error *err);
/* Writes what the local cache has of the module that the arguments name, or of all modules. */
int remote_push(struct arguments *args, struct error *err);

#endif
