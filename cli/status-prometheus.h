/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_STATUS_PROMETHEUS_H
#define CLI_STATUS_PROMETHEUS_H

#include <stdio.h>

#include <jansson.h>

/* Prints the list "modules" of the JSON document of dkms status as metrics in the text format that
 * Prometheus reads, which its node_exporter takes from files (*.prom):
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
void status_prometheus_print(const json_t *modules, FILE *out);

#endif
