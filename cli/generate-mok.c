/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms generate_mok do? It creates the key pair that signs modules. */
#include "config.h"

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
	bool made = false;

	keypair_choose(&args->settings,
		args->kernels.n ? args->kernels.items[0] : running, &pair);
	if (keypair_ensure(&pair, &made, &err) < 0)
		print_error(&err);
	else if (!args->quiet && made)
		printf("made the key %s and its certificate %s\n"
		       "to enroll it: mokutil --import %s\n",
			pair.key, pair.certificate, pair.certificate);
	else if (!args->quiet)
		printf("the key %s and its certificate %s already exist\n", pair.key,
			pair.certificate);
	keypair_done(&pair);
	return err.status;
}
