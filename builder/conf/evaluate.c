/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts the bash that evaluates configuration files and reads its report.
 * evaluate.bash, which it runs, describes the format of the report. */
#include "config.h"

#include <errno.h>
#include <limits.h>

#include "base/file.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/evaluate.bash.h"

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (*s >= '0' && *s <= '9')
		return 0;
	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
		(s[n] >= '0' && s[n] <= '9') || s[n] == '_')
		n++;
	return n;
}

/* Reads the decimal digits at s. Returns how many there are; 0 if there are none or too
 * many. */
static size_t read_number(const char *s, unsigned int *ret)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 9)
		return 0;
	*ret = (unsigned int)strtoul(s, NULL, 10);
	return n;
}

bool evaluate_is_assignment(const char *text)
{
	size_t n = name_length(text);
	unsigned int index;

	if (n == 0)
		return false;
	if (text[n] == '[') {
		size_t digits = read_number(text + n + 1, &index);

		if (digits == 0 || text[n + 1 + digits] != ']')
			return false;
		n += digits + 2;
	}
	return text[n] == '=';
}

void evaluate_clean_environment(struct strv *env)
{
	static const char *const unwanted[] = {"CC", "CXX", "CFLAGS", "CXXFLAGS",
		"LDFLAGS",
		/* dkms may have been called by a make. */
		"MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKEOVERRIDES", "MAKEFILES",
		"MAKELEVEL", "MAKE_TERMOUT", "MAKE_TERMERR", "MAKE_RESTARTS",
		/* It may have been called by "make install" of a kernel, which exports
		 * its paths. Many makefiles of modules take KERNELRELEASE as a sign that
		 * kbuild calls them. */
		"sub_make_done", "KERNELRELEASE", "KBUILD_EXTMOD", "KBUILD_OUTPUT",
		"srctree", "objtree", "VPATH",
		/* The passphrase of the signing key: a build signs nothing. */
		"KBUILD_SIGN_PIN",
		/* These make a shell read files or behave differently. */
		"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT", "CDPATH",
		"GLOBIGNORE"};

	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		strv_setenv(env, unwanted[i], NULL);
	for (size_t i = env->n; i-- > 0;) {
		_cleanup_free_ char *name = NULL;

		if (!has_prefix(env->items[i], "BASH_FUNC_"))
			continue;
		name = xstrndup(env->items[i], strcspn(env->items[i], "="));
		strv_setenv(env, name, NULL);
	}
}

/* Returns the path of dkms itself; the caller frees. Without /proc it is not known. */
static char *own_path(void)
{
	char *path = NULL;

	return link_read("/proc/self/exe", &path) < 0 ? xstrdup("dkms") : path;
}

void evaluate_fill_command(const char *const *names, const struct strv *files,
	const struct strv *assignments, struct command *cmd)
{
	static const char *const bash[] = {BASH_PROGRAM, "--norc", "--noprofile",
		/* The original dkms has this on, and files rely on it. */
		"-O", "extglob", "-c", evaluate_bash, NULL};

	strv_push_all(&cmd->argv, bash);
	strv_take(&cmd->argv, own_path());
	strv_push_all(&cmd->argv, names);
	strv_push(&cmd->argv, "--");
	strv_extend(&cmd->argv, files);
	strv_push(&cmd->argv, "--");
	for (size_t i = 0; i < assignments->n; i++)
		if (evaluate_is_assignment(assignments->items[i]))
			strv_push(&cmd->argv, assignments->items[i]);
	for (; *names; names++)
		strv_setenv(&cmd->env, *names, NULL);
	/* find_complaint() looks for bash's messages in English. */
	strv_setenv(&cmd->env, "LC_ALL", "C");
	strv_setenv(&cmd->env, "LANGUAGE", NULL);
	cmd->timeout_s = EVALUATE_TIMEOUT_S;
}

/* What a report says besides the variables. */
struct report {
	unsigned int n_found;    /* how many element records there were */
	unsigned int n_promised; /* how many there are, by the end record */
	bool ended;              /* there was an end record */
	struct strv statuses;    /* of the last command of each file, as text */
};

static void add_element(struct evaluation *e, const char *record, size_t len)
{
	size_t n = name_length(record);
	unsigned int index;
	size_t digits;

	if (n == 0 || record[n] != '[')
		return;
	digits = read_number(record + n + 1, &index);
	if (digits == 0 || index > EVALUATE_INDEX_MAX)
		return;
	if (record[n + 1 + digits] != ']' || record[n + 2 + digits] != '=')
		return;
	if (record[len - 1] == '\r')
		len--;
	if ((e->n & (e->n - 1)) == 0)
		e->items =
			xrealloc_array(e->items, e->n ? 2 * e->n : 1, sizeof(*e->items));
	e->items[e->n++] = (struct variable){
		.name = xstrndup(record, n),
		.index = index,
		.value = xstrndup(record + n + digits + 3, len - (n + digits + 3)),
	};
}

static int compare_variables(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return (x->index > y->index) - (x->index < y->index);
}

void evaluation_sort(struct evaluation *e)
{
	if (e->n)
		qsort(e->items, e->n, sizeof(*e->items), compare_variables);
}

/* Reads the records of a report. Unknown records, one that is cut off, and what follows
 * the end record are ignored. */
static void read_report(
	const struct str *out, struct evaluation *e, struct report *report)
{
	const char *at = out->data, *end = out->data + out->len;

	while (at < end && !report->ended) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));
		size_t n = name_length(at);

		if (!nul)
			break;
		if (at[n] == '[') {
			report->n_found++;
			add_element(e, at, (size_t)(nul - at));
		} else if (has_prefix(at, "file=")) {
			strv_push(&e->files, at + strlen("file="));
		} else if (has_prefix(at, "status=")) {
			strv_push(&report->statuses, at + strlen("status="));
		} else if (has_prefix(at, "end=")) {
			report->ended =
				read_number(at + strlen("end="), &report->n_promised);
		}
		at = nul + 1;
	}
	evaluation_sort(e);
}

/* Finds a line "FILE: line N: TEXT" in the error output of bash, where TEXT begins with
 * one of texts (NULL-terminated). Returns a copy of the line, which the caller frees, or
 * NULL. */
static char *find_complaint(
	const struct str *stderr_text, const char *file, const char *const *texts)
{
	const char *line = stderr_text->data;
	size_t file_len = strlen(file);

	while (line && *line) {
		size_t len = strcspn(line, "\n");

		if (strncmp(line, file, file_len) == 0 &&
			has_prefix(line + file_len, ": line ")) {
			const char *text = line + file_len + strlen(": line ");

			text += strspn(text, "0123456789");
			for (const char *const *t = texts; *t; t++)
				if (has_prefix(text, ": ") && has_prefix(text + 2, *t))
					return xstrndup(line, len);
		}
		line += len;
		line += *line == '\n';
	}
	return NULL;
}

static int check_syntax(const struct evaluation *e, const struct report *report,
	const struct outcome *o, struct error *err)
{
	static const char *const texts[] = {"syntax error", "unexpected EOF",
		"unexpected argument", "conditional binary", "unexpected token",
		"not a regular file", NULL};

	for (size_t i = 0; i < e->files.n; i++) {
		_cleanup_free_ char *line = NULL;

		/* bash reports a syntax error only on standard error, where a file may
		 * write the same text. A real one leaves a status other than 0 as
		 * well. */
		if (i < report->statuses.n && streq(report->statuses.items[i], "0"))
			continue;
		line = find_complaint(&o->err, e->files.items[i], texts);
		if (line)
			return error_set(err, -EINVAL, 8, "%s", line);
	}
	return 0;
}

/* At most this many lines of standard error are added to an error. */
#define STDERR_LINES_MAX 20

void evaluate_add_stderr(const struct outcome *outcome, struct error *err)
{
	const char *line = outcome->err.data;
	struct str s = {0};

	if (!err || !err->what || !line)
		return;
	str_add(&s, err->what);
	for (int lines = 0; *line && lines < STDERR_LINES_MAX; lines++) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *copy = xstrndup(line, len);

		/* bash 5.2 prints a stray message about pop_var_context if set -e ends
		 * it. */
		if (!strstr(err->what, copy) && !strstr(copy, ": pop_var_context: "))
			str_addf(&s, "\n%s", copy);
		line += len;
		line += *line == '\n';
	}
	free(err->what);
	err->what = str_take(&s);
	text_mask_controls(err->what);
}

/* Sets err for a report without an end record: a file has ended the whole bash. */
static int set_early_end_error(const struct evaluation *e, const struct command *cmd,
	const struct outcome *o, struct error *err)
{
	static const char *const texts[] = {"exit ", NULL};
	const char *file = e->files.items[e->files.n - 1];
	_cleanup_free_ char *how = outcome_describe(o, cmd);
	_cleanup_free_ char *line = find_complaint(&o->err, file, texts);
	int r;

	/* bash succeeded, but its report was too long and was cut off. */
	if (outcome_ok(o) && o->out.len > COMMAND_CAPTURE_MAX / 2)
		return error_set(err, -EINVAL, 8,
			"%s: sets more than the %d KiB that dkms accepts", file,
			COMMAND_CAPTURE_MAX / 1024);
	if (line)
		r = error_set(err, -EINVAL, 8, "%s ends the evaluation", line);
	else
		r = error_set(err, -EINVAL, 8, "%s: the evaluation ended early: bash %s",
			file, how);
	if (line)
		error_remedy(err, "use return instead of exit");
	else if (!o->signal)
		error_remedy(
			err, "a configuration file must not use exec, set -e or set -u");
	return r;
}

static int find_error(const struct evaluation *e, const struct report *report,
	const struct command *cmd, const struct outcome *o, struct error *err)
{
	const char *file = e->files.n ? e->files.items[e->files.n - 1] : NULL;
	_cleanup_free_ char *how = outcome_describe(o, cmd);
	int r;

	if (o->cancelled)
		return error_set(err, -ECANCELED, 1, "the evaluation of %s was cancelled",
			file ? file : "the configuration");
	if (o->error || (!file && !report->ended))
		/* bash was not started, or the sandbox failed before it was. */
		return error_set(err, o->error ? o->error : -EIO, 1,
			"cannot run bash: it %s", how);
	if (file && o->timed_out) {
		r = error_set(err, -ETIMEDOUT, 8, "%s: %s", file, how);
		error_remedy(err, "it is read often and must only set variables; look "
				  "for a loop or a "
				  "command that waits");
		return r;
	}
	r = check_syntax(e, report, o, err);
	if (r < 0)
		return r;
	if (!report->ended)
		return set_early_end_error(e, cmd, o, err);
	if (report->n_promised != report->n_found)
		return error_set(err, -EINVAL, 8, "%s: writes into the report of dkms",
			file ? file : "the configuration");
	return 0;
}

int evaluate_parse_report(const struct command *cmd, const struct outcome *outcome,
	struct evaluation *ret, struct error *err)
{
	struct evaluation e = {0};
	struct report report = {0};
	struct error found = {0};
	int r;

	if (outcome->out.len)
		read_report(&outcome->out, &e, &report);
	r = find_error(&e, &report, cmd, outcome, &found);
	strv_done(&report.statuses);
	if (r < 0) {
		evaluate_add_stderr(outcome, &found);
		error_move(err, &found);
		evaluation_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

void evaluation_done(struct evaluation *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->items[i].name);
		free(e->items[i].value);
	}
	free(e->items);
	strv_done(&e->files);
	*e = (struct evaluation){0};
}

/* Returns the index of the first item that is not sorted before name[index]. */
static size_t find_first_at_or_after(
	const struct evaluation *e, const char *name, unsigned int index)
{
	struct variable wanted = {.name = (char *)name, .index = index};
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_variables(&e->items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *evaluation_value(
	const struct evaluation *e, const char *name, unsigned int index)
{
	size_t i = find_first_at_or_after(e, name, index);

	if (i == e->n || !streq(e->items[i].name, name) || e->items[i].index != index)
		return NULL;
	return *e->items[i].value ? e->items[i].value : NULL;
}

size_t evaluation_elements(
	const struct evaluation *e, const char *name, const struct variable **ret)
{
	size_t first = find_first_at_or_after(e, name, 0), after = first;

	while (after < e->n && streq(e->items[after].name, name))
		after++;
	if (after > first)
		*ret = &e->items[first];
	return after - first;
}

char *evaluation_file_names(const struct evaluation *e)
{
	struct str s = {0};

	for (size_t i = 0; i < e->files.n; i++)
		str_addf(&s, "%s%s",
			i == 0   ? ""
			: i == 1 ? " with "
				 : ", ",
			e->files.items[i]);
	return str_take(&s);
}
