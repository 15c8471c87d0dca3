/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms status --prometheus print? */
#include "config.h"

#include "base/util.h"
#include "cli/json.h"
#include "cli/status-prometheus.h"

/* Prints a label; in its value, a backslash, a quote and the end of a line need a backslash. */
static void print_label(const char *name, const char *value, FILE *out)
{
	fprintf(out, "%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '\\' || *p == '"')
			fputc('\\', out);
		if (*p == '\n')
			fputs("\\n", out);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

/* Prints a sample about a module. label may be NULL. */
static void print_sample(const char *metric, const json_t *module, const json_t *kernel,
	const char *label, const char *value, json_int_t number, FILE *out)
{
	const struct {
		const char *label;
		const json_t *value;
	} labels[] = {
		{"module", json_object_get(module, "name")},
		{"version", json_object_get(module, "version")},
		{"kernel", json_object_get(kernel, "kernel")},
		{"arch", json_object_get(kernel, "arch")},
	};

	fprintf(out, "%s{", metric);
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		const char *text = json_string_value(labels[i].value);

		if (i > 0)
			fputc(',', out);
		print_label(labels[i].label, text ? text : "", out);
	}
	if (label) {
		fputc(',', out);
		print_label(label, value, out);
	}
	fprintf(out, "} %" JSON_INTEGER_FORMAT "\n", number);
}

static void print_head(const char *metric, const char *help, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

static void print_problems(const json_t *module, FILE *out)
{
	static const struct {
		const char *key, *problem;
	} problems[] = {
		{"modules_missing", "missing"},
		{"modules_differ", "differ"},
		{"modules_gone", "gone"},
		{"stale", "stale"},
		{"problem", "broken"},
		{"skipped", "skipped"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(problems); i++) {
		const json_t *value = json_object_get(module, problems[i].key);

		if (json_is_true(value) || json_is_string(value))
			print_sample("dkms_module_problem", module, module, "problem",
				problems[i].problem, 1, out);
	}
}

void status_prometheus_print(const json_t *modules, FILE *out)
{
	const json_t *module;
	size_t i;

	print_head("dkms_module_info", "A version of a module, and its state on a kernel.", out);
	json_array_foreach(modules, i, module)
		print_sample("dkms_module_info", module, module, "state",
			json_string_value(json_object_get(module, "state")), 1, out);
	print_head("dkms_module_problem", "What is not as it should be.", out);
	json_array_foreach(modules, i, module)
		print_problems(module, out);
	print_head("dkms_module_last_failure_timestamp_seconds",
		"When the newest build failed, until one succeeds.", out);
	json_array_foreach(modules, i, module) {
		const json_t *failure = json_object_get(module, "last_failure");

		if (json_is_object(failure))
			print_sample("dkms_module_last_failure_timestamp_seconds", module,
				failure, NULL, NULL,
				json_when_seconds(json_object_get(failure, "when")), out);
	}
}
