#!/bin/bash
# What dkms says about a build that failed because of its sandbox: which paths it does not see, and
# what it may not do.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
[ -n "$private" ] || skip_all "needs a mount namespace"
bwrap --ro-bind / / --unshare-all true 2>/dev/null || skip_all "needs bubblewrap"

# Builds m/1.0 with a PRE_BUILD of these lines.
build() # LINE...
{
	write_script "$sourcetree/m-1.0/pre.sh" "$@"
	run_dkms build m/1.0 -k $K
}

# Checks the advice for a PRE_BUILD of these lines.
advises() # REGEX DESCRIPTION LINE...
{
	build "${@:3}"
	like "$err" "$1" "$2"
}

# Checks that a PRE_BUILD of these lines fails without advice.
says_nothing() # DESCRIPTION LINE...
{
	build "${@:2}"
	is "$(grep -c 'builds \|sandbox_' "$work/err")" 0 "$1"
	ok "$1: it failed" test "$status" -ne 0
}

paths()
{
	local line='builds do not see'

	mkdir -p /home/kit/lib /home/kit/sdk-1.2/include /srv/keys "$work/vendor/include"
	touch /home/kit/lib/version /home/kit/sdk-1.2/include/sdk.h /srv/keys/pub "$work/vendor/include/v.h"
	advises "$line /home/kit/lib/version; sandbox_paths=\"/home/kit/lib\"" "a file" \
		'cat /home/kit/lib/version'
	advises "$line /home/kit/lib/version, /srv/keys/pub; sandbox_paths=\"/home/kit/lib /srv/keys\" in .* shows them" \
		"two files" 'cat /home/kit/lib/version; cat /srv/keys/pub'
	advises "$line /home/kit/sdk-\*; sandbox_paths=\"/home/kit\"" "a pattern" 'ls -d /home/kit/sdk-*'
	advises "$line /home/kit/sdk-\*/include; sandbox_paths=\"/home/kit\"" "a pattern with more behind it" \
		'ls /home/kit/sdk-*/include'
	# shellcheck disable=SC2016
	advises "$line /home/kit/lib; sandbox_paths=\"/home/kit\"" "a message of its own" \
		'[ -d /home/kit/lib ] || { echo "the SDK in /home/kit/lib is missing"; exit 3; }'
	says_nothing "a pattern that matches nothing" 'ls /home/kit/nothing-*'
	# Root's dkms looks for what a hostile build names.
	for pattern in '/*' '/**' '/h*/kit' '//*' '/[h]ome' '/*/*/*/*/*/*/*/*/*/*' '/home/*/l*' '/home/k?t/[l]ib' '/home/[k]it/*/version'; do
		says_nothing "the pattern $pattern" "echo \"cat: '$pattern': No such file or directory\"" 'exit 3'
	done
	# shellcheck disable=SC2016
	says_nothing "too many patterns" 'for i in $(seq 20); do echo "cat: /home/kit/none$i*: No such file or directory"; done' \
		'echo "cat: /home/kit/sdk-*: No such file or directory"' 'exit 3'
	says_nothing "a path that does not exist" 'cat /home/kit/none'

	# Links in the source.
	ln -s "$work/vendor/include" "$sourcetree/m-1.0/vendor"
	ln -s /home/kit/lib/version "$sourcetree/m-1.0/version"
	advises "$line $work/vendor/include/v.h; sandbox_paths=\"$work/vendor/include\"" "a link to a directory" \
		'cat vendor/v.h'
	advises "$line /home/kit/lib/version; " "a link to a file" 'cat ./version'
	# shellcheck disable=SC2016
	advises "$line /home/kit/lib/version; " "by its absolute path" 'cat $PWD/version'
	says_nothing "a file that is not there" 'cat vendor/w.h'
	rm "$sourcetree/m-1.0/vendor" "$sourcetree/m-1.0/version"

	private_etc
	echo 'sandbox_paths="/srv/keys"' > "$etc/framework.conf"
	advises "sandbox_paths=\"/srv/keys /home/kit/lib\"" "what is listed already stays" \
		'cat /home/kit/lib/version'
	rm "$etc/framework.conf"
}

# Make says nothing, and the module is not there.
silent_make()
{
	build :
	printf '%s\n' '-include /home/kit/lib/config.mk' 'all:' '	@[ -n "$(READY)" ] || true' > "$sourcetree/m-1.0/Makefile"
	echo READY=1 > /home/kit/lib/config.mk
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1 || true
	dkms_exits 7 "a makefile that does nothing" build m/1.0 -k $K
	like "$err" "builds do not see /home/kit/lib/config.mk; " "the advice has the file that it includes"
	write_sources "$sourcetree/m-1.0" 1.0 m
	sed -i 's/^obj-m.*/obj-m := other.o/' "$sourcetree/m-1.0/Makefile"
	echo > "$sourcetree/m-1.0/other.c"
	dkms_exits 7 "a makefile that builds something else" build m/1.0 -k $K
	is "$(grep -c 'builds do' "$work/err")" 0 "there is no advice"
	write_sources "$sourcetree/m-1.0" 1.0 m
}

refusals()
{
	local root="" user="can write only to the build directory and to /tmp"

	[ "$real_user" -ne 0 ] || root=yes
	advises "$user; POST_ADD" "a file of the system" 'mkdir /usr/lib/firmware-of-m || exit 3; echo 1; echo 2; echo 3'
	like "$err" "mkdir: .*/usr/lib/firmware-of-m.*: (Read-only file system|Permission denied)" "the error has the cause"
	advises "$user" "a device" 'mknod /tmp/device c 1 3 || exit 3'
	advises "$user" "a directory that is not seen" 'mkdir /home/kit/lib/new || exit 3'
	advises "$user" "the same, with the one above it" 'mkdir -p /srv/keys/new || exit 3'
	is "$(grep -c sandbox_paths "$work/err")" 0 "to see it would not help"
	advises "$user" "a file in a directory that is not seen" 'tee /home/kit/lib/new < /dev/null || exit 3'
	advises "$user" "a shell that writes there" 'echo > /home/kit/lib/new || exit 3'
	advises "$user" "a file that is there" 'echo x >> /usr/bin/env || exit 3'
	says_nothing "a script of its own that cannot be executed" 'touch script' './script'
	[ -n "$root" ] || return 0
	for text in "This script must be run as root." "Please run as root" "Error: You need to be root" \
		"sudo: effective user ID is not 0" "root privileges are required"
	do
		advises "builds do not run as root; POST_ADD, PRE_INSTALL and POST_INSTALL run as root" "$text" \
			"[ \$(id -u) -eq 0 ] || { echo '$text'; exit 3; }"
	done
}

machine
kernel $K
module m 1.0 'PRE_BUILD=pre.sh'
write_script "$sourcetree/m-1.0/pre.sh" :
dkms add m/1.0 > /dev/null
mkdir -p /home /srv
mount -t tmpfs -o mode=0755 home /home
mount -t tmpfs -o mode=0755 srv /srv
paths
silent_make
refusals
finish
