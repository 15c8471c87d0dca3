#!/bin/bash
# The environment variables that builds, scripts and other commands get.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

usual=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Runs dkms with the given variables alone.
dkms_with() # VARIABLE... -- ARGUMENT...
{
	local variables=(LC_ALL=C)

	while [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	# The sanitizers of a debug build are configured by variables.
	env -i "${variables[@]}" ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} "$DKMS" "${@:2}" \
		"${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || note "$(cat "$work/err")"
}

# Builds e/1.0 with the given variables, and prints the environment of its PRE_BUILD.
build_environment() # VARIABLE... [-- OPTION...]
{
	local variables=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	dkms unbuild e/1.0 -k $K > /dev/null 2>&1 || true
	dkms_with "${variables[@]}" -- build e/1.0 -k $K "${@:2}"
	sed -n 's/^variable //p' "$dkmstree/e/1.0/$K/$arch/log/make.log"
}

value_of() { sed -n "s/^$1=//p" <<< "$2"; } # NAME ENVIRONMENT

new_module()
{
	machine
	kernel $K
	module e 1.0 PRE_BUILD=env.sh
	write_script "$sourcetree/e-1.0/env.sh" \
		'env | grep -v "^\(ASAN_OPTIONS\|_\|PWD\|SHLVL\|OLDPWD\)=" | sort | sed "s/^/variable /"'
	dkms add e/1.0 > /dev/null
}

# Each line is a place where dkms is started, with variables that are set there.
places()
{
	cat <<'END'
a terminal:USER=joe LOGNAME=joe SHELL=/bin/zsh TERM=xterm-256color COLORTERM=truecolor LANG=de_DE.UTF-8 DISPLAY=:0 XDG_RUNTIME_DIR=/run/user/1 VTE_VERSION=7 EDITOR=vi NO_COLOR=1
ssh and sudo:SSH_CLIENT=10.0.0.1 SSH_TTY=/dev/pts/0 SUDO_USER=joe SUDO_COMMAND=x SUDO_UID=1 MAIL=/var/mail/root USERNAME=root
apt:DPKG_MAINTSCRIPT_NAME=postinst DPKG_MAINTSCRIPT_PACKAGE=e-dkms DPKG_RUNNING_VERSION=1.21 DPKG_FRONTEND_LOCKED=true DPKG_NO_TSTP=1 DPKG_ROOT= DPKG_ADMINDIR=/var/lib/dpkg DEBIAN_FRONTEND=noninteractive DEBIAN_HAS_FRONTEND=1 DEBCONF_REDIR=1 PERL_DL_NONLAZY=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1 DEB_MAINT_PARAMS=configure NEEDRESTART_MODE=a
dnf and zypper:RPM_INSTALL_PREFIX0=/usr ZYPP_IS_RUNNING=1 YAST_IS_RUNNING=instsys TRANSACTIONAL_UPDATE=true PACKAGEKIT_CALLER_UID=0
kernel-install:KERNEL_INSTALL_VERBOSE=1 KERNEL_INSTALL_MACHINE_ID=1 KERNEL_INSTALL_LAYOUT=bls
a service:INVOCATION_ID=1 JOURNAL_STREAM=8:1 SYSTEMD_EXEC_PID=1 NOTIFY_SOCKET=/run/x MANAGERPID=1 MAINPID=1 LISTEN_FDS=1 LISTEN_PID=1 WATCHDOG_USEC=1 STATE_DIRECTORY=/var/lib/x MEMORY_PRESSURE_WATCH=/sys/x RUNLEVEL=3 RC_SVCNAME=dkms
cron:MAILTO=root MAILFROM=root CRON_TZ=UTC SHELL=/bin/sh LOGNAME=root
a container:container=podman container_uuid=1 HOSTNAME=0123456789ab KUBERNETES_PORT=tcp://10.0.0.1:443 TERM=xterm
continuous integration:CI=true CI_JOB_ID=1 GITHUB_ACTIONS=true GITLAB_CI=true RUNNER_OS=Linux JENKINS_URL=http://x AUTOPKGTEST_TMP=/tmp/x
a make:MAKELEVEL=1 MAKEFLAGS=-j7 MFLAGS=-j7 MAKEOVERRIDES=x MAKE_TERMOUT=/dev/pts/0
END
}

# A build has the same environment wherever dkms is started.
same_everywhere()
{
	local place variables plain

	plain=$(build_environment "PATH=$usual")
	is "$(value_of kernelver "$plain") $(value_of LC_ALL "$plain")" "$K C" "a build has the documented variables"
	while IFS=: read -r place variables; do
		# shellcheck disable=SC2086 # several words
		is "$(build_environment "PATH=$usual" $variables)" "$plain" "the environment of a build in $place is the plain one"
	done < <(places)
	for variables in KBUILD_KEPT KCFLAGS CROSS_COMPILE IGNORE_CC_MISMATCH NV_VERBOSE KERNEL_UNAME; do
		is "$(value_of $variables "$(build_environment "PATH=$usual" $variables=yes)")" yes "$variables reaches a build"
	done
	is "$(build_environment "PATH=$usual" KBUILD_KEPT=1 -- --sandbox=off | grep -c '^KBUILD_KEPT=1$')" 1 \
		"variables reach a build without a sandbox"
}

# Variables with secrets, and those that make a program read or run something.
kept_out()
{
	local option variable plain

	for option in auto off; do
		plain=$(build_environment "PATH=$usual" -- --sandbox=$option | grep -v '^\(HOME\|TMPDIR\)=')
		for variable in AWS_SECRET_ACCESS_KEY=s GITHUB_TOKEN=s "BASH_ENV=$work/evil" "ENV=$work/evil" "LD_PRELOAD=$work/evil.so" \
			"LD_LIBRARY_PATH=$work" GNUMAKEFLAGS=--eval=x MAKEFLAGS=--eval=x MAKEFILES=$work/evil "PERL5OPT=-Mx" "GCC_EXEC_PREFIX=$work/" \
			"COMPILER_PATH=$work" "CPATH=$work" "C_INCLUDE_PATH=$work" PYTHONPATH=$work GIT_DIR=x SHELLOPTS=xtrace; do
			[ "$option" = auto ] || [ "${variable%%=*}" != SHELLOPTS ] || continue
			is "$(build_environment "PATH=$usual" "$variable" -- --sandbox=$option | grep -v '^\(HOME\|TMPDIR\)=')" "$plain" \
				"--sandbox=$option: ${variable%%=*} does not reach a build"
		done
	done
}

# MAKEFLAGS of root's environment must not reach a make that runs as root.
own_make()
{
	rm -f "$work/ran"
	dkms unbuild e/1.0 -k $K > /dev/null 2>&1 || true
	dkms_with "PATH=$usual" "MAKEFLAGS=--eval=\$(shell touch $work/ran)" "GNUMAKEFLAGS=--eval=\$(shell touch $work/ran)" -- build e/1.0 -k $K
	ok "MAKEFLAGS is not evaluated" test ! -e "$work/ran"
	is "$(cat "$work/err")" "" "MAKEFLAGS is not evaluated: no warning"
}

# The administrator can let further variables through.
let_through()
{
	if ! private_etc; then
		skip "needs a mount namespace" "sandbox_environment"
		return
	fi
	echo 'sandbox_environment="LICENSE_* GREETING"' > "$etc/framework.conf"
	is "$(build_environment "PATH=$usual" LICENSE_SERVER=a GREETING=b OTHER=c GREETINGS=d | grep '^LICENSE\|^GREET\|^OTHER' | paste -sd' ')" \
		"GREETING=b LICENSE_SERVER=a" "sandbox_environment lets variables through"
	rm "$etc/framework.conf"
}

# PATH and the variables of proxies, which only matter without a sandbox.
in_a_sandbox()
{
	local path plain

	plain=$(value_of PATH "$(build_environment "PATH=$usual")")
	if [ "$(value_of HOME "$(build_environment "PATH=$usual" HOME=/root)")" != /tmp ]; then
		skip "no sandbox" "PATH in a sandbox"
		return
	fi
	for path in "$usual:/usr/bin" "$usual:/no/such/dir" "/root:$usual" "relative::$usual" "//usr/local/sbin/:$usual"; do
		is "$(value_of PATH "$(build_environment "PATH=$path")")" "$plain" "in a sandbox, PATH=$path is simplified"
	done
	path=/usr/bin:/usr/local/bin
	is "$(value_of PATH "$(build_environment PATH=$path)")" $path:/usr/local/sbin:/usr/sbin \
		"in a sandbox, the order in PATH stays, and the system's directories come after it"
	is "$(value_of PATH "$(build_environment PATH=/root:$usual -- --sandbox=off)")" /root:$usual \
		"without a sandbox, PATH stays as it is"
	is "$(build_environment "PATH=$usual" http_proxy=http://me:secret@x HTTPS_PROXY=y no_proxy=z |
		grep -i proxy)" "" "in a sandbox, a build does not see proxies"
	is "$(value_of http_proxy "$(build_environment "PATH=$usual" http_proxy=x -- --sandbox=off)")" x \
		"without a sandbox, a build sees them"
}

# What dkms sets for itself reaches no command, and what the user has set does.
own_variables()
{
	local seen=$work/seen

	rm -f "$seen"
	module h 1.0 POST_INSTALL=hook.sh
	write_script "$sourcetree/h-1.0/hook.sh" "env | sed 's/^/hook /' >> $seen"
	write_script "$work/bin/depmod" "env | sed 's/^/depmod /' >> $seen"
	for size in "" 3; do
		rm -f "$seen"
		dkms_with "PATH=$work/bin:$usual" ${size:+UV_THREADPOOL_SIZE=$size} -- install h/1.0 -k $K --force
		is "$(grep -c '^hook kernelver=' "$seen") $(grep -c '^depmod PATH=' "$seen")" "1 1" "a script and depmod have run"
		is "$(sed -n 's/ UV_THREADPOOL_SIZE=/ /p' "$seen" | sort -u)" "${size:+depmod $size
hook $size}" "they get UV_THREADPOOL_SIZE only from the user (${size:-not set})"
		is "$(value_of UV_THREADPOOL_SIZE "$(build_environment "PATH=$usual" ${size:+UV_THREADPOOL_SIZE=$size})")" "" \
			"a build does not get it (${size:-not set})"
		dkms uninstall h/1.0 -k $K > /dev/null
	done
}

# The commands that dkms starts do not see the jobserver of a make above.
jobserver_above()
{
	local seen=$work/seen

	rm -f "$seen"
	write_script "$work/bin/depmod" "env | grep -c '^MAKEFLAGS=\|^MFLAGS=' > $seen || :"
	printf '%s\n' 'all:' "	+PATH=$work/bin:$usual '$DKMS' install h/1.0 -k $K ${trees[*]}" > "$work/Makefile"
	ok "a make runs dkms" make -j3 -f "$work/Makefile"
	is "$(cat "$seen")" 0 "depmod does not see the jobserver of the make that runs dkms"
}

new_module
same_everywhere
kept_out
own_make
let_through
in_a_sandbox
own_variables
jobserver_above
finish
