/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the plan without starting anything. The test chooses the order and the result of
 * jobs, and has the dkms.conf of each module in a table. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "scheduler/autoinstall.h"
#include "scheduler/cpus.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-run.h"
#include "scheduler/plan.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"
#include "tests/unit/tap.h"

/* The dkms.conf of a module. */
static const struct script {
	const char *name, *needs, *only_on;
	bool fails;
} *scripts;
static size_t n_scripts;

static char root[] = "/tmp/dkms-test-XXXXXX";
static struct settings settings;
static uv_loop_t loop;

/* The job number choices[step] % running is the next to end. options has the number of
 * running jobs that it was chosen from. */
static unsigned int choices[32], options_at[32], step;
static unsigned int failing; /* one bit for each install job, in order */
static bool sandbox_works;
static struct str log_text;  /* the jobs that the fake runner started (+ for ended) */
static unsigned int most_running;

static const struct script *script_of(const char *name)
{
	for (size_t i = 0; i < n_scripts; i++)
		if (streq(scripts[i].name, name))
			return &scripts[i];
	return NULL;
}

static struct conf *conf_of(const struct job *job)
{
	const struct script *s = script_of(job->name);
	struct conf *c = xcalloc(1, sizeof(*c));
	_cleanup_free_ char *needs = xstrdup(s->needs);
	char *rest = needs;

	c->autoinstall = !s->only_on || streq(s->only_on, job->kernel->release);
	for (char *name; (name = strsep(&rest, " "));)
		strv_push(&c->build_depends, name);
	return c;
}

static void log_job(const char *what, const struct job *job)
{
	str_addf(&log_text, "%s%s%s %s", log_text.len ? ", " : "", what,
		job->name ? job->name : "depmod", job->kernel->release);
}

/* Returns the number of an install job among all install jobs. */
static unsigned int rank(const struct graph *g, const struct job *job)
{
	unsigned int n = 0;

	for (size_t i = 0; i < g->n && g->nodes[i]->data != job; i++)
		n += ((const struct job *)g->nodes[i]->data)->kind == JOB_INSTALL;
	return n;
}

static bool do_job(const struct graph *g, struct job *job)
{
	bool fails = job->kind == JOB_INSTALL && failing & 1u << rank(g, job);

	if (job->kind == JOB_EVALUATE)
		job->conf = conf_of(job);
	job->state = JOB_ENDED;
	job->outcome.result = fails ? RESULT_FAILED : RESULT_DONE;
	return !fails;
}

struct told {
	const struct runner_options *options;
};

static void tell_blocked(struct node *node, void *userdata)
{
	const struct observer *o = ((struct told *)userdata)->options->observer;

	o->on_event(RUN_BLOCKED, node, o->userdata);
}

/* No task of these tests waits. */
void runner_wake(uv_loop_t *unused, const struct node *node)
{
	(void)unused;
	(void)node;
}

void runner_run(uv_loop_t *unused, struct graph *g, const struct task_ops *ops,
	const struct runner_options *options)
{
	const struct observer *o = options->observer;
	struct told told = {options};
	struct node *running[32], *next;
	unsigned int n = 0;

	(void)unused;
	(void)ops;
	graph_start(g, tell_blocked, &told);
	while (!graph_has_ended(g)) {
		struct job *job;
		unsigned int pick = 0;
		bool ok;

		while (n < options->slots->total + options->n_extra &&
			(next = graph_take_ready(g))) {
			job = next->data;
			if (job->kind != JOB_EVALUATE)
				log_job("", job);
			running[n++] = next;
		}
		most_running = n > most_running ? n : most_running;
		if (!n)
			abort();
		if (((struct job *)running[0]->data)->kind != JOB_EVALUATE) {
			options_at[step] = n;
			pick = choices[step++] % n;
		}
		next = running[pick];
		running[pick] = running[--n];
		job = next->data;
		ok = do_job(g, job);
		if (job->kind != JOB_EVALUATE)
			log_job(ok ? "+" : "-", job);
		next->state = ok ? NODE_OK : NODE_FAILED;
		o->on_event(RUN_ENDED, next, o->userdata);
		graph_finish_node(g, next, ok, tell_blocked, &told);
	}
}

int runner_run_command(uv_loop_t *unused, const struct command *cmd, struct outcome *ret)
{
	(void)unused;
	(void)cmd;
	*ret = (struct outcome){.error = sandbox_works ? 0 : -ENOENT};
	return 0;
}

/* Makes a tree with a module for each script, and K source files for the Kth, and a
 * dkms.conf that nobody reads. */
static void make_tree(const struct script *all, size_t n)
{
	scripts = all;
	n_scripts = n;
	dir_remove(settings.trees.dkms, NULL);
	dir_remove(settings.trees.source, NULL);
	dir_make(settings.trees.dkms, NULL);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *source =
			xasprintf("%s/%s-1", settings.trees.source, all[i].name);
		_cleanup_free_ char *conf = path_join(source, "dkms.conf");

		dir_make(source, NULL);
		file_write(conf, "", 0, 0644, NULL);
		for (size_t k = 0; k <= i; k++) {
			_cleanup_free_ char *file = xasprintf("%s/file%zu.c", source, k);

			file_write(file, "", 0, 0644, NULL);
		}
		tree_add(settings.trees.dkms, all[i].name, "1", source, 0, NULL);
	}
}

static struct strv deferred, broken, older;

/* Runs autoinstall for n kernels "k1", "k2", ... and then depmod for each. */
static void run(struct plan *p, size_t n)
{
	static const char *const releases[] = {"k1", "k2", "k3"};
	struct kernel *kernels[3];
	struct error err = {0};

	strv_done(&deferred);
	strv_done(&broken);
	strv_done(&older);
	str_done(&log_text);
	str_add(&log_text, "");
	step = most_running = 0;
	plan_init(p, &loop, &settings);
	for (size_t i = 0; i < n; i++)
		kernels[i] = plan_get_kernel(p, releases[i], "x86_64");
	if (plan_autoinstall(p, kernels, n, &deferred, &broken, &older, &err) < 0)
		ok(false, "plan_autoinstall: %s", err.what);
	plan_add_depmods(p);
	if (plan_run(p, &err) < 0)
		ok(false, "plan_run: %s", err.what);
	error_done(&err);
}

static const struct job *job_of(struct plan *p, const char *name, const char *release)
{
	for (size_t i = 0; i < p->n_jobs; i++)
		if (p->jobs[i]->kind == JOB_INSTALL && streq(p->jobs[i]->name, name) &&
			streq(p->jobs[i]->kernel->release, release))
			return p->jobs[i];
	return NULL;
}

/* Returns the position of a text in the log, or -1. */
static long at(const char *what)
{
	_cleanup_free_ char *text = xasprintf(", %s,", log_text.data);
	_cleanup_free_ char *sought = xasprintf(", %s,", what);
	const char *found = strstr(text, sought);

	return found ? found - text : -1;
}

/* Selects the next order of completions. Returns false after the last one. */
static bool next_order(void)
{
	while (step) {
		step--;
		if (++choices[step] < options_at[step]) {
			memset(&choices[step + 1], 0, sizeof(choices) - (step + 1) * sizeof(*choices));
			return true;
		}
		choices[step] = 0;
	}
	return false;
}

/* Checks the order of "user", which needs "base", of "other", and of "base" alone on a
 * second kernel. Returns the number of broken rules. */
static int check_rules(struct plan *p)
{
	const struct job *base = job_of(p, "base", "k1"), *user = job_of(p, "user", "k1");
	long depmod = at("depmod k1");
	int wrong = 0;

	if (base->outcome.result == RESULT_DONE)
		wrong += at("user k1") < at("+base k1");
	else
		wrong += at("user k1") >= 0 || user->outcome.result != RESULT_BLOCKED ||
			 user->outcome.error.status != 13 ||
			 !strstr(user->outcome.error.what, "base");
	wrong += at("other k1") < 0 || at("base k2") < 0; /* other jobs run */
	wrong += depmod < 0 || at("depmod k2") < 0;	  /* depmod always runs */
	wrong += depmod < at("+base k1") || depmod < at("-base k1") ||
		 depmod < at("+user k1") || depmod < at("-user k1") ||
		 depmod < at("+other k1") || depmod < at("-other k1");
	wrong += at("depmod k2") < at("+base k2") || at("depmod k2") < at("-base k2");
	return wrong;
}

static void test_every_order(void)
{
	static const struct script all[] = {{.name = "other", .only_on = "k1"},
		{.name = "base"}, {.name = "user", .needs = "base", .only_on = "k1"}};
	int wrong = 0, orders = 0, parallel = 0;

	settings.limits.slots = 8;
	sandbox_works = true;
	make_tree(all, ARRAY_SIZE(all));
	for (failing = 0; failing < 16; failing++) {
		memset(choices, 0, sizeof(choices));
		do {
			struct plan p;
			int w;

			run(&p, 2);
			w = check_rules(&p);
			if (w && !wrong)
				printf("# failing %x: %s\n", failing, log_text.data);
			wrong += w;
			orders++;
			/* The depmods of two kernels ran at the same time. */
			parallel += at("depmod k1") >= 0 && at("depmod k1") < at("+depmod k2") &&
				    at("depmod k2") < at("+depmod k1");
			plan_done(&p);
		} while (next_order());
	}
	failing = 0;
	memset(choices, 0, sizeof(choices));
	ok(orders > 500, "orders of completions and failures: %d", orders);
	is_int(wrong, 0, "no rule is broken");
	ok(parallel > 0, "depmods of two kernels may run at the same time");
}

static void test_deferred(void)
{
	static const struct script all[] = {{.name = "a", .needs = "unknown"},
		{.name = "b", .needs = "a"}, {.name = "c"}, {.name = "off", .only_on = "none"},
		{.name = "d", .needs = "off"}};
	struct plan p;

	make_tree(all, ARRAY_SIZE(all));
	run(&p, 1);
	is_int((long)deferred.n, 2, "a module that needs an unknown module is deferred");
	ok(deferred.n == 2 && strstr(deferred.items[0], "a/1 for k1 is deferred") &&
			strstr(deferred.items[1], "b/1 for k1 is deferred: it needs a"),
		"a module that needs a deferred module is deferred");
	ok(!job_of(&p, "a", "k1") && job_of(&p, "c", "k1"),
		"the other modules are built");
	ok(!job_of(&p, "off", "k1"), "a module without AUTOINSTALL is not built");
	ok(job_of(&p, "d", "k1") && !job_of(&p, "d", "k1")->request.depends_met &&
			job_of(&p, "c", "k1")->request.depends_met,
		"a module that needs one that is not built knows that");
	plan_done(&p);
}

static void test_circle(void)
{
	static const struct script all[] = {{.name = "a", .needs = "b"},
		{.name = "b", .needs = "a"}, {.name = "behind", .needs = "b"}, {.name = "free"}};
	struct plan p;

	make_tree(all, ARRAY_SIZE(all));
	run(&p, 1);
	ok(job_of(&p, "a", "k1")->outcome.result == RESULT_BLOCKED &&
			job_of(&p, "b", "k1")->outcome.result == RESULT_BLOCKED &&
			job_of(&p, "behind", "k1")->outcome.result == RESULT_BLOCKED,
		"modules in a circle are blocked, and so are those that need them");
	ok(job_of(&p, "a", "k1")->outcome.error.status == 11 ||
			job_of(&p, "b", "k1")->outcome.error.status == 11,
		"the error says that there is a circle");
	is(log_text.data, "free k1, +free k1, depmod k1, +depmod k1",
		"other modules are built");
	plan_done(&p);
}

/* The fourth module has the most source files. */
static void test_order(void)
{
	static const struct script all[] = {{.name = "one"}, {.name = "two", .needs = "one"},
		{.name = "three"}, {.name = "four"}};
	struct cost cost = {20000, 1};
	struct plan p;

	settings.limits.slots = 1;
	make_tree(all, ARRAY_SIZE(all));
	run(&p, 1);
	is(log_text.data,
		"one k1, +one k1, four k1, +four k1, three k1, +three k1, two k1, +two "
		"k1, "
		"depmod k1, +depmod k1",
		"the longest path starts first: one and two together are longer "
		"than four");
	plan_done(&p);

	plan_init(&p, &loop, &settings);
	history_note(p.history, "two/1", "k1", &cost);
	cost.cpu_ms = 9000;
	history_note(p.history, "three/0.9", "k0", &cost);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		plan_add_job(&p, JOB_BUILD, plan_get_kernel(&p, "k1", "x86_64"),
			all[i].name, "1");
	str_done(&log_text);
	step = 0;
	is_int(plan_run(&p, NULL), 0, "run");
	is(log_text.data,
		"two k1, +two k1, three k1, +three k1, four k1, +four k1, one k1, +one k1",
		"known times count more than the size of the source");
	plan_done(&p);
}

static void test_memory(void)
{
	static const struct script all[] = {{.name = "small"}, {.name = "large"}};
	struct cost cost = {1000, 100 << 20};
	struct plan p;

	settings.limits.slots = 8;
	make_tree(all, ARRAY_SIZE(all));
	for (unsigned int mib = 50; mib <= 3200; mib *= 4) {
		settings.limits.max_memory_bytes = (uint64_t)mib << 20;
		plan_init(&p, &loop, &settings);
		cost.max_rss_bytes = 100 << 20;
		history_note(p.history, "small/1", "k1", &cost);
		cost.max_rss_bytes = 400 << 20;
		history_note(p.history, "large/1", "k1", &cost);
		for (int k = 0; k < 6; k++)
			plan_add_job(&p, JOB_BUILD, plan_get_kernel(&p, "k1", "x86_64"),
				k ? "small" : "large", "1");
		most_running = step = 0;
		is_int(plan_run(&p, NULL), 0, "run");
		is_int((long)most_running, mib < 800 ? 1 : mib == 800 ? 2 : 6,
			"as many as fit, and always one");
		plan_done(&p);
	}
	settings.limits.max_memory_bytes = 0;
}

/* Returns how many builds run at the same time if n_fit compilers fit into memory. */
static unsigned int at_once(unsigned int n_slots, unsigned int n_fit)
{
	struct plan p;

	settings.limits.slots = n_slots;
	settings.limits.max_memory_bytes = (uint64_t)n_fit * 160 << 20;
	plan_init(&p, &loop, &settings);
	for (unsigned int i = 0; i < n_slots + 3; i++)
		plan_add_job(
			&p, JOB_BUILD, plan_get_kernel(&p, "k1", "x86_64"), "small", "1");
	most_running = step = 0;
	plan_run(&p, NULL);
	plan_done(&p);
	settings.limits.max_memory_bytes = 0;
	return most_running;
}

/* Limits this process to n CPUs, so that the test does not depend on the machine. */
static void take_cpus(int n)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_COUNT(&set) > n)
			CPU_CLR(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* With as many slots as CPUs, one more job runs. */
static void test_spare(void)
{
	static const struct script all[] = {{.name = "small"}};

	sandbox_works = true;
	make_tree(all, ARRAY_SIZE(all));
	take_cpus(2);
	if (cpus_available() < 2) {
		ok(true, "one more job than CPUs # SKIP this machine has one CPU");
		return;
	}
	is_int(at_once(2, 100), 3, "one more job than slots runs");
	is_int(at_once(3, 100), 3,
		"no more jobs than slots if there are more slots than CPUs");
	is_int(at_once(2, 2), 2, "no more jobs than fit into memory");
	settings.limits.slots_exact = true;
	is_int(at_once(2, 100), 2, "no more jobs than -j allows");
	settings.limits.slots_exact = false;
	is_int(at_once(2, 1), 1, "less memory allows fewer jobs");
	take_cpus(1);
	is_int(at_once(1, 100), 1, "one CPU runs one job");
	is_int(at_once(2, 100), 2, "as many jobs as -j allows");
}

/* Without mount namespaces the builds of a version share a directory. */
static void test_directory(void)
{
	static const struct script all[] = {{.name = "a"}, {.name = "b"}};
	struct plan p;

	sandbox_works = false;
	make_tree(all, ARRAY_SIZE(all));
	run(&p, 3);
	ok(at("a k2") > at("+a k1") && at("a k3") > at("+a k2") && at("b k2") > at("+b k1"),
		"the kernels of a module are built one after the other");
	ok(at("b k1") < at("+a k3"), "different modules are built at the same time");
	is_int((long)p.warnings.n, 1, "there is a warning");
	plan_done(&p);
	sandbox_works = true;
	settings.distro = DISTRO_SUSE;
	run(&p, 3);
	ok(at("depmod k2") > at("+depmod k1") && at("depmod k3") > at("+depmod k2"),
		"depmods run one after the other where weak-modules runs");
	plan_done(&p);
	settings.distro = DISTRO_OTHER;
}

/* Makes headers in Debian's layout for each of these kernels, all of one version. */
static void make_headers(const char *const *releases)
{
	_cleanup_free_ char *common = path_join(root, "usr/src/linux-headers-common");
	_cleanup_free_ char *makefile = path_join(common, "Makefile");
	_cleanup_free_ char *kbuild = path_join(root, "usr/lib/linux-kbuild-6.1/scripts");
	_cleanup_free_ char *line = xasprintf("include %s\n", makefile);

	dir_make(common, NULL);
	dir_make(kbuild, NULL);
	file_write(makefile, "", 0, 0644, NULL);
	for (; *releases; releases++) {
		_cleanup_free_ char *headers =
			xasprintf("%s/usr/src/linux-headers-%s", root, *releases);
		_cleanup_free_ char *own = path_join(headers, "Makefile");
		_cleanup_free_ char *link = path_join(headers, "scripts");
		_cleanup_free_ char *dir = path_join(settings.trees.install, *releases);
		_cleanup_free_ char *build = path_join(dir, "build");

		dir_make(headers, NULL);
		dir_make(dir, NULL);
		file_write(own, line, strlen(line), 0644, NULL);
		if (symlink("../../lib/linux-kbuild-6.1/scripts", link) < 0 ||
			symlink(headers, build) < 0)
			ok(false, "headers of %s: %s", *releases, strerror(errno));
	}
}

/* Builds a for the kernels: what has begun before the first of them has ended. */
static void check_family_order(bool cached, bool force, const char *want, const char *what)
{
	static const char *const releases[] = {"k1", "other", "k2", "k3", NULL};
	_cleanup_free_ char *dir = path_join(root, "cache");
	struct cache *cache = cached ? cache_open(dir, 0, NULL) : NULL;
	_cleanup_(str_done) struct str got = {0};
	struct plan p;

	settings.limits.slots = 8;
	settings.switches.force = force;
	plan_init(&p, &loop, &settings);
	if (cache)
		plan_use_cache(&p, cache);
	for (size_t i = 0; releases[i]; i++)
		plan_add_job(&p, JOB_BUILD, plan_get_kernel(&p, releases[i], "x86_64"),
			"a", "1");
	step = 0;
	str_done(&log_text);
	is_int(plan_run(&p, NULL), 0, "run");
	for (size_t i = 0; releases[i]; i++) {
		_cleanup_free_ char *begun = xasprintf("a %s", releases[i]);

		if (at(begun) < at("+a k1"))
			str_addf(&got, "%s ", releases[i]);
	}
	is(got.data, want, what);
	ok(at("a k3") < at("+a k2"),
		"kernels that wait for the first one do not wait for each other");
	plan_done(&p);
	cache_close(cache);
	settings.switches.force = false;
}

static void test_family(void)
{
	static const struct script all[] = {{.name = "a"}};
	static const char *const releases[] = {"k1", "k2", "k3", NULL};

	sandbox_works = true;
	make_tree(all, ARRAY_SIZE(all));
	make_headers(releases);
	check_family_order(true, false, "k1 other ", "kernels of one family wait for the first, whose objects they may use");
	check_family_order(false, false, "k1 other k2 k3 ", "they do not wait without a cache");
	check_family_order(true, true, "k1 other k2 k3 ", "they do not wait when everything is built again");
}

int main(void)
{
	if (!mkdtemp(root))
		return 99;
	settings_init(&settings);
	free(settings.trees.dkms);
	free(settings.trees.source);
	free(settings.trees.install);
	settings.trees.dkms = path_join(root, "dkms");
	settings.trees.source = path_join(root, "src");
	settings.trees.install = path_join(root, "modules");
	uv_loop_init(&loop);
	test_spare(); /* must be last, since it leaves only one CPU */
	test_every_order();
	test_deferred();
	test_circle();
	test_order();
	test_memory();
	test_directory();
	test_family();
	uv_loop_close(&loop);
	strv_done(&deferred);
	strv_done(&broken);
	strv_done(&older);
	str_done(&log_text);
	settings_done(&settings);
	dir_remove(root, NULL);
	return done_testing();
}
