/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

struct arguments;

int command_remote(struct arguments *args);

#endif
