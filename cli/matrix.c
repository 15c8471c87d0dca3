/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the table at the end of a run over several kernels look like? */
#include "config.h"

#include "cli/matrix.h"
#include "cli/print.h"
#include "cli/words.h"

/* Fills ret, which is empty, with the modules of the jobs as "NAME/VERSION", sorted, each once. */
static void list_modules(const struct plan *p, struct strv *ret)
{
	for (size_t i = 0; i < p->n_jobs; i++)
		if (job_in_summary(p->jobs[i]))
			strv_pushf(ret, "%s/%s", p->jobs[i]->name, p->jobs[i]->version);
	strv_sort_unique(ret);
}

/* Returns the words of all cells, row by row; "" for an empty cell. The caller frees the
 * array, not the words. */
static const char **fill_cells(const struct plan *p, const struct strv *modules)
{
	const char **cells = xcalloc(modules->n * p->n_kernels, sizeof(char *));

	for (size_t i = 0; i < modules->n * p->n_kernels; i++)
		cells[i] = "";
	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];
		_cleanup_free_ char *name = NULL;
		size_t k = 0, cell;

		while (k < p->n_kernels && p->kernels[k] != job->kernel)
			k++;
		if (!job_in_summary(job) || k == p->n_kernels)
			continue;
		name = xasprintf("%s/%s", job->name, job->version);
		cell = strv_find_sorted(modules, name) * p->n_kernels + k;
		if (!*cells[cell])
			cells[cell] = job_outcome_word(job);
	}
	return cells;
}

static size_t column_width(const struct plan *p, const struct strv *modules,
	const char **cells, size_t k)
{
	size_t width = strlen(p->kernels[k]->release);

	for (size_t i = 0; i < modules->n; i++) {
		size_t w = strlen(cells[i * p->n_kernels + k]);

		width = w > width ? w : width;
	}
	return width;
}

/* Prints a row of the table, without blanks at its end. */
static void print_line(const char *head, size_t head_width, const char *const *texts,
	const size_t *widths, size_t n, FILE *out)
{
	while (n && !*texts[n - 1])
		n--;
	print_masked(out, "%-*s", n ? (int)head_width : 0, head);
	for (size_t k = 0; k < n; k++)
		print_masked(out, "  %-*s", k + 1 < n ? (int)widths[k] : 0, texts[k]);
	fputc('\n', out);
}

void matrix_print(const struct plan *p, size_t columns, FILE *out)
{
	_cleanup_(strv_done) struct strv modules = {0};
	const char **cells, **releases = xcalloc(p->n_kernels, sizeof(char *));
	size_t *widths = xcalloc(p->n_kernels, sizeof(*widths));
	size_t head = 0, end;

	list_modules(p, &modules);
	cells = fill_cells(p, &modules);
	for (size_t i = 0; i < modules.n; i++)
		head = strlen(modules.items[i]) > head ? strlen(modules.items[i]) : head;
	for (size_t k = 0; k < p->n_kernels; k++) {
		widths[k] = column_width(p, &modules, cells, k);
		releases[k] = p->kernels[k]->release;
	}
	for (size_t first = 0; first < p->n_kernels; first = end) {
		size_t used = head;

		end = first;
		do
			used += 2 + widths[end++];
		while (end < p->n_kernels && (!columns || used + 2 + widths[end] <= columns));
		fputc('\n', out);
		print_line("", head, releases + first, widths + first, end - first, out);
		for (size_t i = 0; i < modules.n; i++)
			print_line(modules.items[i], head, cells + i * p->n_kernels + first,
				widths + first, end - first, out);
	}
	free(cells);
	free(releases);
	free(widths);
}
