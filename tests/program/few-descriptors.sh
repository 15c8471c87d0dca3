#!/bin/bash
# No command of a module runs with less of a sandbox because dkms has no descriptors left.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

if [ -z "$private" ] || ! setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi

# From the call on whose number is in a file, memfd_create() fails for files of that name.
cat > "$work/memfd.c" <<'END'
	#define _GNU_SOURCE
	#include <errno.h>
	#include <stdlib.h>
	#include <string.h>
	#include <sys/syscall.h>
	#include <unistd.h>

	int memfd_create(const char *name, unsigned int flags)
	{
		static int calls;
		const char *fails = getenv("FAILS"), *from = getenv("FROM");

		if (fails && from && strcmp(name, fails) == 0 && ++calls >= atoi(from)) {
			errno = EMFILE;
			return -1;
		}
		return syscall(SYS_memfd_create, name, flags);
	}
END
${CC:-cc} -shared -fPIC -o "$work/memfd.so" "$work/memfd.c" 2> "$work/err" || skip_all "no library can be made here"

with_failure() # NAME NUMBER ARGUMENT...
{
	status=0
	FAILS=$1 FROM=$2 LD_PRELOAD=$work/memfd.so ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
		"$DKMS" "${@:3}" "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	seen=$(cat "$work/err" "$dkmstree"/m/1.0/build/*/make.log "$dkmstree/m/1.0/$K/$arch/log/make.log" 2> /dev/null || true)
}

# Each command of a build prints whether it has a filter.
filter()
{
	local n failed=0

	# shellcheck disable=SC2016
	module m 1.0 PRE_BUILD=pre.sh 'echo "evaluation: $(grep ^Seccomp: /proc/self/status)" >&2'
	write_script "$sourcetree/m-1.0/pre.sh" 'echo "build: $(grep ^Seccomp: /proc/self/status)"'
	dkms add m/1.0 > /dev/null 2>&1
	for n in {1..20}; do
		with_failure seccomp $n build m/1.0 -k $K --force
		ok "descriptors for $((n - 1)) filters: no command runs without" test "${seen/Seccomp:?0}" = "$seen"
		[ "$status" -ne 0 ] || break
		like "$seen" "filter of system calls cannot be made: Too many open files" "it says why"
		failed=$n
	done
	is "$status" 0 "with enough descriptors it builds"
	like "$seen" "build: Seccomp:.2" "with the filter"
	ok "there were failures" test "$failed" -ge 2
	echo sandbox_all_system_calls=yes > "$etc/framework.conf"
	with_failure seccomp 1 build m/1.0 -k $K --force
	is "$status" 0 "sandbox_all_system_calls: no filter is needed"
	rm "$etc/framework.conf"
}

# An override file that only root can read changes what is built. It must not be left out.
data()
{
	dkms remove m/1.0 --all > /dev/null 2>&1
	echo 'BUILD_EXCLUSIVE_KERNEL="^0"' > "$etc/m.conf"
	chmod 0600 "$etc/m.conf"
	with_failure data 1 build m/1.0 -k $K
	like "$seen" "cannot show .*/m.conf in the sandbox: Too many open files" "a configuration file that cannot be handed over: it says so"
	ok "and nothing is built" test "$status" -ne 0 -a ! -e "$dkmstree/m/1.0/$K"
	rm "$etc/m.conf"
}

machine
kernel $K
chmod 0755 "$work"
private_etc
filter
data
finish
