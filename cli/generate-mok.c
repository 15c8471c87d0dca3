/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms generate_mok do? It creates the key pair that signs modules. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "builder/host/kernel.h"
#include "builder/host/keypair.h"
#include "cli/generate-mok.h"
#include "cli/print.h"

/* The first build that is signed would otherwise create the same key pair. */
int command_generate_mok(struct arguments *args)
{
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_(error_done) struct error err = {0};
	struct keypair pair;
	/* Another dkms makes the pair. */
	static const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	enum keypair_made made = KEYPAIR_MADE_NOTHING;
	int r;

	keypair_choose(&args->settings,
		args->kernels.n ? args->kernels.items[0] : running, &pair);
	do
		r = keypair_ensure(&pair, args->settings.trees.dkms, &made, &err);
	while (r == -EAGAIN && !err.what && nanosleep(&pause, NULL) == 0);
	if (r < 0)
		print_error(&err);
	else if (!args->quiet && made == KEYPAIR_MADE_CERTIFICATE)
		printf("made the certificate %s of the key %s, which exists\n",
			pair.certificate, pair.key);
	else if (!args->quiet && made == KEYPAIR_MADE_BOTH)
		printf("made the key %s and its certificate %s\n", pair.key,
			pair.certificate);
	else if (!args->quiet)
		printf("the key %s and its certificate %s already exist\n", pair.key,
			pair.certificate);
	if (r == 0 && !args->quiet && made != KEYPAIR_MADE_NOTHING &&
		settings_are_of_machine(&args->settings))
		printf("to enroll it: mokutil --import %s\n", pair.certificate);
	keypair_done(&pair);
	return err.status;
}
