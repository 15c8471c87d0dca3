/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses what a dkms.conf says for one kernel: make command, patches, exclusion. */
#include "config.h"

#include "builder/host/version.h"
#include "builder/conf/for-kernel.h"

/* Returns whether the value of directive[index] matches the kernel: bash has matched it, as
 * evaluate.bash says, because a pattern can keep regcomp(3) busy for ever, or crash it. A bad
 * pattern matches nothing and is added to the problems. */
static bool matches(const struct evaluation *e, const char *directive, unsigned int index,
	struct problems *problems)
{
	_cleanup_free_ char *name = xasprintf("%s_STATUS", directive);
	const char *status = evaluation_value(e, name, index);

	if (status && streq(status, "0"))
		return true;
	if (!status || !streq(status, "1"))
		problems_add(problems, "%s[%u] is not a valid regular expression: %s",
			directive, index, evaluation_value(e, directive, index));
	return false;
}

const char *select_make(const struct evaluation *e, struct problems *problems)
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
			matches(e, "MAKE_MATCH", index, problems))
			make = array[i].value;
	}
	return make;
}

void select_patches(
	const struct evaluation *e, struct strv *ret, struct problems *problems)
{
	const struct variable *array;
	size_t n = evaluation_elements(e, "PATCH", &array);

	for (size_t i = 0; i < n; i++) {
		unsigned int index = array[i].index;
		const char *pattern = evaluation_value(e, "PATCH_MATCH", index);

		if (*array[i].value &&
			(!pattern || matches(e, "PATCH_MATCH", index, problems)))
			strv_push(ret, array[i].value);
	}
}

/* Appends a reason for each word of BUILD_EXCLUSIVE_CONFIG that the kernel's config does
 * not meet: "CONFIG_X" must be set, "!CONFIG_X" must not be. Without a config nothing is
 * appended; then the headers are missing too, and the build reports that. A config that cannot
 * be read is added to the problems. */
static void compare_config(const char *words, struct kernel *k, struct strv *reasons,
	struct problems *problems)
{
	_cleanup_(strv_done) struct strv options = {0};
	_cleanup_(error_done) struct error err = {0};

	if (!k->config_path)
		return;
	if (kernel_read_config(k, &err) < 0) {
		problems_add(problems, "BUILD_EXCLUSIVE_CONFIG is %s, and dkms %s", words,
			err.what);
		return;
	}
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
	char *text;

	if (pattern && !matches(e, "BUILD_EXCLUSIVE_KERNEL", index, problems))
		strv_pushf(&reasons, "needs a kernel that matches \"%s\"", pattern);
	if (min && version_compare(release, min) < 0)
		strv_pushf(&reasons, "needs kernel %s or newer", min);
	if (max && version_compare(release, max) > 0)
		strv_pushf(&reasons, "needs kernel %s or older", max);
	if (!max && obsolete_by && version_compare(release, obsolete_by) > 0)
		strv_pushf(&reasons, "obsolete since kernel %s", obsolete_by);
	if (arch && !matches(e, "BUILD_EXCLUSIVE_ARCH", index, problems))
		strv_pushf(&reasons, "needs an architecture that matches \"%s\"", arch);
	if (config)
		compare_config(config, k, &reasons, problems);
	if (!reasons.n)
		return NULL;
	text = strv_join(&reasons, ", ");
	text_mask_controls(text);
	return text;
}
