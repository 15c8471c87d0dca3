#!/bin/bash
# One dkms.conf is read for several kernels: plain lists of assignments without bash, and whatever
# another one leaves behind, it leaves nothing for the next kernel. On kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
K5=5.10.0-8-amd64

# Prints the plan for a module, without its name, one line for each kernel.
plan_of() # NAME
{
	dkms autoinstall -k $K -k $K5 -k $K7 --dry-run 2>&1 | sed -n "s/^.*$1\/1.0 for //p" | sort
}

every_kernel="$K7: build, install
$K5: build, install
$K: build, install"

# Prints how many evaluations needed bash, of a run that builds for all kernels.
count_bash() # NAME
{
	dkms build "$1/1.0" -k $K -k $K5 -k $K7 --json > "$work/json"
	jq '[.jobs[] | .phases[] | select(.phase == "conf")] | length' "$work/json"
}

plain()
{
	add plain 1.0 'MAKE="make -C $kernel_source_dir M=$dkms_tree/plain/1.0/build"' \
		'BUILD_EXCLUSIVE_KERNEL="^[4-6]\."'
	add other 1.0 ':'
	is "$(count_bash plain)" 0 "a list of assignments needs no bash"
	is "$(count_bash other)" 3 "another dkms.conf is evaluated for each kernel"
	is "$(state plain 1.0 $K) $(state plain 1.0 $K7)" "built built" "both are built"

	dkms unbuild plain/1.0 -k $K -k $K5 -k $K7 > /dev/null
	chmod 0600 "$sourcetree/plain-1.0/dkms.conf"
	if [ "$real_user" -eq 0 ]; then
		is "$(count_bash plain)" 3 "root does not read what only its owner may read"
	else
		skip "needs root" "root does not read what only its owner may read"
	fi
}

overrides()
{
	if ! private_etc; then
		skip "needs a mount namespace" "override files"
		return
	fi
	add over 1.0
	echo 'BUILD_EXCLUSIVE_ARCH="none"' > "$etc/over-1.0-$K7.conf"
	is "$(plan_of over)" "$(sed "1s/:.*/: excluded/" <<< "$every_kernel" | sort)" \
		"an override file for one kernel changes nothing for others"
	echo 'MAKE="make V=$PACKAGE_VERSION-$unknown"' > "$etc/over.conf"
	is "$(plan_of over)" "$(sed "1s/:.*/: excluded/" <<< "$every_kernel" | sort)" \
		"the same with one that needs bash"
	rm "$etc/over"*
}

# shellcheck disable=SC2016
leaks()
{
	add leaks 1.0 'leak() { BUILD_EXCLUSIVE_KERNEL=$1; }' \
		'[ -z "${seen-}" ] || leak variable' 'export seen=1' \
		'! declare -F helper > /dev/null || leak function' 'helper() { :; }' \
		'[ -z "$(trap -p EXIT USR1)" ] || leak trap' 'trap : EXIT USR1' \
		'[ "$PWD" -ef "${BASH_SOURCE%/*}" ] || leak directory' 'cd /' \
		'[ ! -e /tmp/mark ] || leak file' ': > /tmp/mark' \
		'[ "$(umask)" != 0123 ] || leak umask' 'umask 0123' \
		'! grep -qs "^sleep" /proc/[0-9]*/comm || leak process' 'sleep 60 > /dev/null 2>&1 &' \
		'[ ! -e /proc/self/fd/9 ] || leak descriptor' 'exec 9> /tmp/nine 0< /dev/zero' \
		'[ "$(set +o | grep -c "set -o noglob")" = 0 ] || leak option' 'set -f'
	is "$(plan_of leaks)" "$(sort <<< "$every_kernel")" "one kernel sees nothing of another"
	is "$(leftover_processes)" "" "no process is left"
}

# shellcheck disable=SC2016
ends()
{
	local line

	for line in 'exit 3' 'kill -9 $$' 'kill -9 $PPID; kill -9 $$' 'exec true'; do
		add ends 1.0 "[ \$kernelver != $K ] || { $line; }"
		is "$(plan_of ends | grep -v "^$K:")" "$(grep -v "^$K:" <<< "$every_kernel" | sort)" \
			"'$line' for one kernel leaves the others alone"
		like "$(plan_of ends)" "$K: FAILED: " "'$line': it fails for that kernel"
		dkms remove ends/1.0 --all > /dev/null 2>&1
		rm -rf "$sourcetree/ends-1.0"
	done
}

machine
kernel $K
kernel $K5
kernel $K7
plain
overrides
leaks
ends
finish
