/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses what a dkms.conf says for one kernel: make command, patches, exclusion. */
#include "config.h"

#include <regex.h>

#include "builder/host/version.h"
#include "builder/conf/for-kernel.h"

/* Limits that keep regcomp() from using up all memory or stack: the length of a pattern,
 * and the product of the repeat counts in its braces. */
#define PATTERN_MAX 1024
#define REPEATS_MAX 4096

static bool is_within_limits(const char *pattern)
{
	unsigned long product = 1;

	if (strlen(pattern) > PATTERN_MAX)
		return false;
	for (const char *at = strchr(pattern, '{'); at; at = strchr(at + 1, '{')) {
		unsigned long most = strtoul(at + 1, NULL, 10);
		const char *comma = at + 1 + strspn(at + 1, "0123456789");

		if (*comma == ',' && strtoul(comma + 1, NULL, 10) > most)
			most = strtoul(comma + 1, NULL, 10);
		if (most > REPEATS_MAX)
			return false;
		product *= most ? most : 1;
		if (product > REPEATS_MAX)
			return false;
	}
	return true;
}

/* Returns whether pattern, the value of directive[index], matches text. A bad pattern
 * matches nothing and is added to the problems. */
static bool matches(const char *pattern, const char *text, const char *directive,
	unsigned int index, struct problems *problems)
{
	char reason[256] = "it is too long or repeats too much";
	regex_t regex;
	bool matched;
	int r = REG_ESPACE;

	if (is_within_limits(pattern)) {
		r = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
		if (r)
			regerror(r, &regex, reason, sizeof(reason));
	}
	if (r) {
		problems_add(problems, "%s[%u] is not a valid regular expression: %s: %s",
			directive, index, reason, pattern);
		return false;
	}
	matched = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matched;
}

const char *select_make(
	const struct evaluation *e, const char *release, struct problems *problems)
{
	const struct variable *array;
	size_t n = evaluation_elements(e, "MAKE", &array);
	const char *make = NULL;

	if (!evaluation_value(e, "MAKE_MATCH", 0))
		make = evaluation_value(e, "MAKE", 0);
	for (size_t i = 0; i < n; i++) {
		unsigned int index = array[i].index;
		const char *pattern = evaluation_value(e, "MAKE_MATCH", index);

		if (*array[i].value && pattern &&
			matches(pattern, release, "MAKE_MATCH", index, problems))
			make = array[i].value;
	}
	return make;
}

void select_patches(const struct evaluation *e, const char *release, struct strv *ret,
	struct problems *problems)
{
	const struct variable *array;
	size_t n = evaluation_elements(e, "PATCH", &array);

	for (size_t i = 0; i < n; i++) {
		unsigned int index = array[i].index;
		const char *pattern = evaluation_value(e, "PATCH_MATCH", index);

		if (*array[i].value &&
			(!pattern || matches(pattern, release, "PATCH_MATCH", index,
					     problems)))
			strv_push(ret, array[i].value);
	}
}

/* Appends a reason for each word of BUILD_EXCLUSIVE_CONFIG that the kernel's config does
 * not meet: "CONFIG_X" must be set, "!CONFIG_X" must not be. Without a config nothing is
 * appended; then the headers are missing too, and the build reports that. */
static void compare_config(const char *words, struct kernel *k, struct strv *reasons)
{
	_cleanup_(strv_done) struct strv options = {0};

	if (!k->config_path)
		return;
	strv_split(&options, words);
	for (size_t i = 0; i < options.n; i++) {
		bool unwanted = options.items[i][0] == '!';
		const char *option = options.items[i] + unwanted;
		const char *value = kernel_config(k, option);
		bool set = value && (*value == 'y' || *value == 'm');

		if (set == unwanted)
			strv_pushf(reasons, "%s is %sset", option, set ? "" : "not ");
	}
}

char *explain_exclusion(const struct evaluation *e, struct kernel *k, unsigned int index,
	const char *obsolete_by, struct problems *problems)
{
	const char *pattern = evaluation_value(e, "BUILD_EXCLUSIVE_KERNEL", index);
	const char *min = evaluation_value(e, "BUILD_EXCLUSIVE_KERNEL_MIN", index);
	const char *max = evaluation_value(e, "BUILD_EXCLUSIVE_KERNEL_MAX", index);
	const char *arch = evaluation_value(e, "BUILD_EXCLUSIVE_ARCH", index);
	const char *config = evaluation_value(e, "BUILD_EXCLUSIVE_CONFIG", index);
	_cleanup_(strv_done) struct strv reasons = {0};
	const char *release = k->release;

	if (pattern &&
		!matches(pattern, release, "BUILD_EXCLUSIVE_KERNEL", index, problems))
		strv_pushf(&reasons, "needs a kernel that matches \"%s\"", pattern);
	if (min && version_compare(release, min) < 0)
		strv_pushf(&reasons, "needs kernel %s or newer", min);
	if (max && version_compare(release, max) > 0)
		strv_pushf(&reasons, "needs kernel %s or older", max);
	if (!max && obsolete_by && version_compare(release, obsolete_by) > 0)
		strv_pushf(&reasons, "obsolete since kernel %s", obsolete_by);
	if (arch && !matches(arch, k->arch, "BUILD_EXCLUSIVE_ARCH", index, problems))
		strv_pushf(&reasons, "needs an architecture that matches \"%s\"", arch);
	if (config)
		compare_config(config, k, &reasons);
	return reasons.n ? strv_join(&reasons, ", ") : NULL;
}
