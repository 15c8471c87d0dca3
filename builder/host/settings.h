/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SETTINGS_H
#define BUILDER_HOST_SETTINGS_H

#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "builder/host/distro.h"

enum sandbox_mode {
	SANDBOX_AUTO,	 /* bubblewrap where namespaces are permitted, else none */
	SANDBOX_REQUIRE, /* no build without it */
	SANDBOX_OFF,
};

/* What holds for the whole run: places and policy, from the defaults, framework.conf
 * and the command line, the later winning. Read-only once a run has begun. */
struct settings {
	char *dkms_tree;	 /* /var/lib/dkms */
	char *source_tree;	 /* /usr/src */
	char *install_tree;	 /* /lib/modules */
	char *config_dir;	 /* /etc/dkms */
	char *os_release;	 /* /etc/os-release */
	char *forced_dir;	 /* /usr/share/dkms/modules_to_force_install */
	enum distro distro;	 /* filled by distro_read(os_release) */
	char *cache_dir;	 /* /var/cache/dkms, a user's ~/.cache/dkms; NULL: none */
	uint64_t cache_max_size; /* bytes; 0: no limit */
	bool no_cache;
	bool ccache; /* compilers run by ccache(1) */
	char *tmp_location;	 /* $TMPDIR, else /tmp */
	char *kernel_source_dir; /* --kernelsourcedir; NULL: INSTALLTREE/KVER/build */
	char *kernel_config;	 /* --config; NULL: found in the headers */
	/* "NAME=VALUE" of DKMS_DIRECTIVE* and --directive, in order */
	struct strv directives;
	enum sandbox_mode sandbox;
	char *sandbox_network; /* names of modules whose builds have a network; or NULL */
	char *sandbox_paths;   /* directories that builds see besides; or NULL */
	/* -j, parallel_jobs: 0 means no limit; by default the CPUs we may use */
	unsigned int slots;
	bool slots_exact; /* -j: no job runs besides */
	uint64_t max_memory; /* bytes for all builds together; 0: what is available */
	bool force;
	bool force_version_override;
	bool no_depmod;
	bool keep_build;
	bool dry_run;   /* jobs find out what there is to do, and end */
	bool explain;   /* and then also what the cache would be asked for */
	bool fail_fast; /* when a job has failed, no other begins */
	unsigned int timeout_s; /* for each job; 0: none */
	bool rpm_safe_upgrade;
	bool verbose;
	/* From framework.conf; NULL or false when unset. */
	bool autoinstall_all_kernels;
	char *addon_modules_dir; /* ADDON_MODULES_DIR: instead of the distribution's */
	bool continue_on_error;
	bool modprobe_on_install;
	bool symlink_modules;
	char *build_environment;
	char *compress_gzip_opts;
	char *compress_xz_opts;
	char *compress_zstd_opts;
	char *post_transaction;
	/* May hold $kernelver: see settings_expand_kernelver(). */
	char *sign_file;
	char *mok_signing_key;
	char *mok_certificate;
	char *try_sign_modules;
};

/* Fills in the defaults that do not depend on any file. */
void settings_init(struct settings *s);
/* Makes relative paths absolute, since commands run elsewhere. */
void settings_resolve(struct settings *s);
void settings_done(struct settings *s);

/* "auto", "require" or "off". */
bool settings_parse_sandbox(const char *text, enum sandbox_mode *ret);
/* Bytes from "500M", "5G", "5 GiB" or "5368709120"; K, M, G and T are powers of 1024. */
bool settings_parse_size(const char *text, uint64_t *ret);
/* Replaces $kernelver and ${kernelver} in value by release; caller frees. */
char *settings_expand_kernelver(const char *value, const char *release);

#endif
