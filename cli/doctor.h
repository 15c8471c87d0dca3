/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/arguments.h"

/* dkms doctor; returns the exit status: 1 if something needs attention. */
int command_doctor(struct arguments *args);

#endif
