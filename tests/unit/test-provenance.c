/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/file.h"
#include "builder/build/build.h"
#include "builder/host/purl.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/provenance-predicate.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/reuse.h"
#include "builder/state-machine.h"
#include "tests/unit/tap.h"

static void test_names(void)
{
	static const struct {
		enum distro distro;
		const char *package, *want;
	} cases[] = {
		{DISTRO_DEBIAN, "gcc-12 12.2.0-14+deb12u1 amd64",
			"pkg:deb/debian/gcc-12@12.2.0-14%2Bdeb12u1?arch=amd64"},
		{DISTRO_UBUNTU, "libc6 1:2.35~a all",
			"pkg:deb/ubuntu/libc6@1:2.35~a?arch=all"},
		{DISTRO_FEDORA, "g++ 13.2-1.fc39 x86_64",
			"pkg:rpm/fedora/g%2B%2B@13.2-1.fc39?arch=x86_64"},
		{DISTRO_RHEL, "x 2:1.0-1 noarch",
			"pkg:rpm/redhat/x@1.0-1?arch=noarch&epoch=2"},
		{DISTRO_SUSE, "x 1.0", "pkg:rpm/opensuse/x@1.0"},
		{DISTRO_DEBIAN, "x", "pkg:deb/debian/x"},
	};
	char *got;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		got = purl_new(cases[i].distro, cases[i].package);
		is(got, cases[i].want, cases[i].package);
		free(got);
	}
	got = file_uri_new("/usr/a b/%#\xc3\xa4");
	is(got, "file:///usr/a%20b/%25%23%C3%A4", "the URI of a path");
	free(got);
}

/* Returns a job that has built m/1.0. */
static struct job *make_job(struct job_shared *shared, struct kernel *kernel)
{
	struct job *job = job_new(JOB_BUILD, shared, kernel, "m", "1.0");

	job->conf = xcalloc(1, sizeof(*job->conf));
	job->conf->make = xstrdup("make -j8 all");
	job->build = build_new(job);
	job->build->sandbox = SANDBOX_KIND_USERNS;
	job->reuse = reuse_new();
	return job;
}

/* Checks the value at the end of a path of keys and indexes: "a/0/b". */
static void has(json_t *j, const char *path, const char *want)
{
	char *copy = xstrdup(path), *rest = copy, *key;

	while ((key = strsep(&rest, "/")))
		j = json_is_array(j) ? json_array_get(j, strtoul(key, NULL, 10))
				     : json_object_get(j, key);
	is(json_string_value(j), want, path);
	free(copy);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DEPENDENCY "buildDefinition/resolvedDependencies/"
#define INTERNAL "buildDefinition/internalParameters/"

static void test_traced(const struct job *job)
{
	struct manifest m = {0};
	json_t *p;

	manifest_add(&m, MANIFEST_FILE, "/nowhere/cc 1", DIGEST);
	manifest_add(&m, MANIFEST_DIR, "/nowhere", DIGEST);
	manifest_add(&m, MANIFEST_INPUT, "/nowhere/\xff", DIGEST);
	manifest_add(&m, MANIFEST_PROGRAM, "gcc", "/nowhere/gcc-12");
	manifest_add(&m, MANIFEST_LINK, "/nowhere/link", "/nowhere/target");
	manifest_add(&m, MANIFEST_FACT, "processor", "x");
	manifest_sort(&m);
	p = provenance_predicate(job, &m);
	ok(json_is_true(
		   json_object_get(json_object_get(json_object_get(p, "buildDefinition"),
					   "internalParameters"),
			   "complete")),
		"a build with a manifest is complete");
	has(p, DEPENDENCY "0/uri", "file:///nowhere");
	has(p, DEPENDENCY "0/digest/dkms-listing", DIGEST);
	has(p, DEPENDENCY "0/annotations/kind", "directory");
	has(p, DEPENDENCY "1/name", "/nowhere/cc 1");
	has(p, DEPENDENCY "1/uri", "file:///nowhere/cc%201");
	has(p, DEPENDENCY "1/digest/sha256", DIGEST);
	has(p, DEPENDENCY "1/annotations/kind", "file");
	has(p, DEPENDENCY "2/name", "/nowhere/\xef\xbf\xbd");
	has(p, DEPENDENCY "2/uri", "file:///nowhere/%FF");
	has(p, DEPENDENCY "2/annotations/kind", "input");
	has(p, DEPENDENCY "3/name", NULL);
	has(p, INTERNAL "program/gcc", "/nowhere/gcc-12");
	has(p, INTERNAL "sandbox", "own-user");
	has(p, "buildDefinition/externalParameters/make", "make KERNELRELEASE=1.0-x all");
	has(p, "runDetails/builder/id", "urn:dkms:builder:own-user");
	has(p, "runDetails/metadata/finishedOn", "1970-01-02T00:00:00Z");
	has(p, "runDetails/metadata/startedOn", "1970-01-01T23:59:58Z");
	has(p, "runDetails/byproducts/0/name", "m.ko");
	json_decref(p);
	manifest_done(&m);
}

static void test_untraced(const struct job *job)
{
	const struct manifest none = {0};
	json_t *p;

	key_add(&job->reuse->key, "source", "x", 1);
	p = provenance_predicate(job, &none);
	ok(json_is_false(
		   json_object_get(json_object_get(json_object_get(p, "buildDefinition"),
					   "internalParameters"),
			   "complete")),
		"a build without a manifest is not complete");
	has(p, DEPENDENCY "0/name", "source");
	has(p, DEPENDENCY "0/annotations/kind", "key-part");
	has(p, DEPENDENCY "0/uri", NULL);
	json_decref(p);
}

/* What another machine has signed is one value, whatever its text is. */
static void test_signers(struct job *job)
{
	static const char *const hostile[] = {
		"{},\"subject\":[],\"predicateType\":\"evil\",\"dkms_signers\":[\"evil\"]",
		"{\"dkms_signers\":[\"evil\"]}",
		"{\"x\":{},\"dkms_signers\":[1],\"dkms_signers\":[\"evil\"]}",
		"[]", "{",
	};
	char dir[] = "/tmp/dkms-test.XXXXXX";
	_cleanup_free_ char *path = NULL;

	ok(mkdtemp(dir) != NULL, "a directory can be made");
	path = path_join(dir, PROVENANCE_FILE);
	job->reuse->signers = xstrdup("build1, build2");
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		json_t *j;

		str_done(&job->reuse->predicate);
		str_add(&job->reuse->predicate, hostile[i]);
		is_int(provenance_write(job, dir, NULL), 0, "it is written");
		j = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		has(j, "predicateType", "https://slsa.dev/provenance/v1");
		has(j, "predicate/dkms_signers/0", "build1");
		has(j, "predicate/dkms_signers/1", "build2");
		json_decref(j);
	}
	dir_remove(dir, NULL);
}

int main(void)
{
	struct settings settings;
	struct job_shared shared = {.settings = &settings};
	struct digest digest;
	struct kernel *kernel;
	struct job *job;

	settings_init(&settings);
	settings.source_date.given = false;
	kernel = kernel_new(&settings, "1.0-x", "x86_64");
	job = make_job(&shared, kernel);
	shared.purls = purl_cache_new(DISTRO_OTHER);
	digest_bytes("x", 1, &digest);
	job->reuse->entry.made_s = 86400;
	job->reuse->entry.cost_ms = 2999;
	entry_add_file(&job->reuse->entry, "make.log", &digest, 1);
	entry_add_file(&job->reuse->entry, "module/m.ko", &digest, 1);
	test_names();
	test_traced(job);
	test_untraced(job);
	test_signers(job);
	job_free(job);
	kernel_free(kernel);
	purl_cache_free(shared.purls);
	settings_done(&settings);
	return done_testing();
}
