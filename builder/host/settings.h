/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SETTINGS_H
#define BUILDER_HOST_SETTINGS_H

#include <stdint.h>

#include "base/error.h"
#include "base/source-date.h"
#include "base/strv.h"
#include "builder/host/distro.h"

enum sandbox_mode {
	SANDBOX_AUTO,	 /* use bubblewrap where namespaces are permitted */
	SANDBOX_REQUIRE, /* refuse to build without bubblewrap */
	SANDBOX_OFF,	 /* never use bubblewrap */
};

/* What the failure of a package means for the exit status of the hooks and of autoinstall. */
enum on_failure {
	ON_FAILURE_UNSET,
	ON_FAILURE_FAIL, /* the exit status says so; the default */
	ON_FAILURE_WARN, /* it does not */
};

/* Whether builds make debug information that strip(1) would throw away. */
enum debug_info {
	DEBUG_INFO_UNSET,
	DEBUG_INFO_AUTO, /* not if nothing is known to read it; the default */
	DEBUG_INFO_KEEP, /* as the kernel is configured */
};

/* The settings of one run. They come from the defaults, from framework.conf and from the
 * command line; a later one of these wins. Nothing changes them once the run has begun.
 * All strings are owned by the struct; dkms-framework.conf(5) describes those that have a
 * key in framework.conf. */
struct settings {
	struct {
		char *dkms;    /* dkms_tree, default /var/lib/dkms */
		char *source;  /* source_tree, default /usr/src */
		char *install; /* install_tree, default /lib/modules */
	} trees;
	char *config_dir;     /* /etc/dkms */
	char *os_release;     /* /etc/os-release */
	char *force_list_dir; /* /usr/share/dkms/modules_to_force_install */
	char *tmp_location;   /* default $TMPDIR, otherwise /tmp */
	enum distro distro;   /* what distro_read() finds in os_release */

	/* Replacements for what kernel_new() finds. NULL: not given. */
	struct {
		char *source_dir; /* --kernelsourcedir, for INSTALLTREE/RELEASE/build */
		char *config;	  /* --config, for the configuration in the headers */
	} kernel;
	/* "NAME=VALUE" of each DKMS_DIRECTIVE* variable in order of their names, then of
	 * each --directive. */
	struct strv directives;
	char *build_environment; /* a shell file to source before each build, or NULL */
	enum debug_info debug_info; /* of packages that have no setting of their own */

	struct {
		char *dir;		 /* cache_dir; NULL: no cache */
		uint64_t max_size_bytes; /* cache_max_size; 0: no limit */
		bool disabled;		 /* --no-cache */
		bool ccache;		 /* run compilers through ccache(1) */
		bool no_compiler_memo;   /* compiler_memo=no */
	} cache;
	/* Results of other machines: builder/reuse/fleet.h. */
	struct {
		char *urls; /* remote or --remote, separated by blanks; NULL: none */
		char *keys; /* remote_keys: the directory of public keys */
		char *sign_key; /* remote_sign_key; NULL: nothing is written */
		unsigned int require; /* remote_require: how many signers must agree */
		unsigned int wait_s; /* remote_wait: for what nobody has built yet */
		bool only;     /* --remote-only: nothing is compiled */
		bool disabled; /* --no-remote */
	} remote;
	/* Lists are separated by blanks; NULL: empty. */
	struct {
		enum sandbox_mode mode;
		bool mode_given; /* --sandbox: it holds for all packages */
		char *network_modules; /* names of modules whose builds have a network */
		char *paths;	       /* further paths that builds can see */
		char *environment;     /* further variables that builds get */
		bool unfiltered;       /* builds may use all system calls */
	} sandbox;
	struct {
		/* -j or parallel_jobs; 0: no limit. The default is the number of CPUs
		 * that this process may use. */
		unsigned int slots;
		bool slots_exact; /* -j was given: no job runs in addition to the slots */
		uint64_t max_memory_bytes; /* for all builds; 0: what is available */
		unsigned int timeout_s;	   /* for each job; 0: none */
		/* for each script of a dkms.conf; 0: none */
		unsigned int script_timeout_s;
		uint64_t max_log_bytes; /* for the log of a build; 0: none */
		/* of each job that has a user of its own; 0: no limit */
		unsigned int max_processes;
		uint64_t max_build_memory_bytes; /* of each job; 0: no limit */
	} limits;
	/* Options for the compressors, in the syntax of gzip(1), xz(1) and zstd(1), or
	 * NULL. */
	struct {
		char *gzip_options, *xz_options, *zstd_options;
	} compression;
	/* NULL: not set. All but when may hold $kernelver: see
	 * settings_expand_kernelver(). */
	struct {
		char *program;	   /* sign_file */
		char *key;	   /* mok_signing_key: a PEM file or a pkcs11: URI */
		char *certificate; /* mok_certificate: a DER file */
		char *when; /* try_sign_modules: "true", "false" or "not_in_chroot" */
	} signing;

	/* How dkms and the servers of a remote cache know each other. Files, which only root
	 * need be able to read, or NULL. */
	struct {
		char *ca;            /* remote_ca: certificates in PEM */
		char *certificate;   /* remote_cert, in PEM */
		char *key;           /* remote_key, in PEM */
		char *password_file; /* remote_password_file: "USER:PASSWORD" */
		char *sigv4; /* remote_aws_signing: no file, but "aws:amz:REGION:s3" */
	} remote_access;

	struct source_date source_date; /* the variable of that name, if it is valid */
	char *history; /* a path, or "no"; NULL: the usual one, see settings_history_path() */
	bool verbose;
	bool autoinstall_all_kernels;
	bool continue_on_error;
	bool keep_stale; /* rebuild_stale=no */
	enum on_failure on_failure; /* of packages that have no setting of their own */
	bool modprobe_on_install;
	bool symlink_modules;
	char *addon_modules_dir; /* ADDON_MODULES_DIR, which replaces the distribution's
				  * module directory, or NULL */
	char *post_transaction;	 /* a shell command, may hold $kernelver, or NULL */

	/* Switches of this command line; no file sets them. */
	struct {
		bool force;
		bool verbose; /* verbose of framework.conf does not change status */
		bool force_version_override;
		bool no_depmod;
		bool keep_build;
		bool allow_post_add; /* runs POST_ADD of an archive, too */
		bool dry_run;	/* jobs find out what they would do, and stop there */
		bool explain;	/* a dry run also looks up what the cache holds */
		bool fail_fast; /* after a failed job, no other job starts */
		bool rpm_safe_upgrade;
	} switches;
};

/* Fills in the defaults that do not depend on any file. settings_done() frees. */
void settings_init(struct settings *s);
/* Makes relative paths absolute, because dkms runs commands in other directories. */
void settings_resolve(struct settings *s);
/* Returns the file that gets a line about each run, which belongs to s. NULL: none does. Runs on a
 * private dkms tree, and those that make an image by SOURCE_DATE_EPOCH, get into no history but
 * the one that the setting history names. */
const char *settings_history_path(const struct settings *s);
/* Tells whether modules are installed where this machine loads them from, /lib/modules, and not
 * into a private tree. */
bool settings_are_of_machine(const struct settings *s);
void settings_done(struct settings *s);

/* Reads "auto", "require" or "off". Returns false for any other text. */
bool settings_parse_sandbox(const char *text, enum sandbox_mode *ret);
/* Reads "fail" or "warn". Returns false for any other text. */
bool settings_parse_on_failure(const char *text, enum on_failure *ret);
/* Reads "auto" or "keep". Returns false for any other text. */
bool settings_parse_debug_info(const char *text, enum debug_info *ret);
/* Reads a number of bytes such as "500M", "5G", "5 GiB" or "5368709120". K, M, G and T
 * are powers of 1024. Returns false if text is not a size or does not fit. */
bool settings_parse_size(const char *text, uint64_t *ret);
/* Returns value with each $kernelver and ${kernelver} replaced by release; the caller
 * frees. */
char *settings_expand_kernelver(const char *value, const char *release);

#endif
