/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_LOG_LIMIT_H
#define SCHEDULER_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/run/command.h"

/* A command writes to its log itself, and a limit for the size of its files would also hold
 * for what it compiles. So the size of the log is looked at while the command runs. */

/* Sets log_full in the outcome if the log has more than max_bytes; max_bytes 0 means no limit, fd
 * -1 no log. Sets disk_full if its file system has no room left, and disk_low if it has little:
 * other processes can fill it for a moment, and make(1) may take what fails then for an answer. */
void log_look(int fd, uint64_t max_bytes, struct outcome *ret);
/* Cuts the log to its limit: its beginning and its end stay, with a line between them that
 * says so. Others may still append to it for a moment. */
void log_cut(int fd, uint64_t max_bytes);

#endif
