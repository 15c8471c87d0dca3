#!/bin/bash
# Builds without namespaces leave processes. dkms ends them before it looks at what was built, even if
# it can start no process, and no service of systemd gets their user meanwhile.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

if [ -z "$private" ] || ! setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi

# While a file exists, dkms can start no process, or cannot change its user.
cat > "$work/fails.c" <<'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <errno.h>
	#include <stdarg.h>
	#include <sys/syscall.h>
	#include <unistd.h>

	pid_t fork(void)
	{
		pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

		errno = EAGAIN;
		return access(WORK "/no-fork", F_OK) == 0 ? -1 : real();
	}

	long syscall(long number, ...)
	{
		long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
		va_list args;
		long a[6];

		va_start(args, number);
		for (int i = 0; i < 6; i++)
			a[i] = va_arg(args, long);
		va_end(args);
		errno = EPERM;
		if (number == SYS_setresuid && access(WORK "/no-user", F_OK) == 0)
			return -1;
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
END
${CC:-cc} -shared -fPIC "-DWORK=\"$work\"" -o "$work/fails.so" "$work/fails.c" -ldl 2> "$work/err" || skip_all "no library can be made here"

# Builds a module that leaves a process behind, which makes the file in the build directory that must
# not be there while root looks.
build_with() # NAME-OF-FAILURE
{
	rm -rf "$dkmstree/m" "$work/shared"
	mkdir -m 1777 "$work/shared"
	status=0
	LD_PRELOAD=$work/fails.so ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
		"$DKMS" build m/1.0 -k $K "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" &
	pid=$!
	until [ -e "$work/shared/left" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.05; done
	user=$(stat -c %u "$work/shared/left")
	service=free
	flock -n "/run/systemd/dynamic-uid/$user" true || service=locked
	[ -z "$1" ] || touch "$work/$1"
	touch "$work/shared/go"
	wait $pid || status=$?
	err=$(cat "$work/err")
	[ -z "$1" ] || rm "$work/$1"
	left=$(pgrep -f the-build-of-m || true)
	pkill -KILL -f the-build-of-m || true
}

machine
kernel $K
chmod 0755 "$work"
private_etc
mount -t tmpfs run /run
mkdir -p /run/systemd/dynamic-uid
module m 1.0 POST_BUILD=post.sh
write_script "$sourcetree/m-1.0/post.sh" 'setsid bash -c "exec -a the-build-of-m sleep 1000" > /dev/null 2>&1 &' \
	"touch '$work/shared/left'; until [ -e '$work/shared/go' ]; do sleep 0.05; done"
write_script "$work/bin/bwrap" 'exit 1'

build_with ""
is "$status" 0 "a build that leaves a process"
is "$left" "" "dkms ends it"
is "$service" locked "no service of systemd can take the user of the build meanwhile"
ok "its lock goes with the build" test ! -e "/run/systemd/dynamic-uid/$user"

build_with no-fork
is "$left" "" "dkms can start no process: it ends what is left all the same"

build_with no-user
ok "dkms cannot end it: an error" test "$status" -ne 0
like "$err" "cannot end the processes that the build has left" "dkms cannot end it: it says so"
ok "dkms cannot end it: nothing is taken from the build" test ! -e "$dkmstree/m/1.0/$K"

# Services have all users but one of the range; a file without a lock is nobody's.
(
	exec 9> /run/systemd/dynamic-uid/64000
	flock 9
	touch "$work/locked"
	sleep 1000
) &
service_pid=$!
until [ -e "$work/locked" ]; do sleep 0.05; done
seq 61184 65519 | grep -vxE '64000|64001' | sed 's/.*/joe&:x:&:&::\/:\/bin\/sh/' >> /etc/passwd
touch /run/systemd/dynamic-uid/64001
build_with ""
is "$status $user" "0 64001" "a user of a service is not taken, and one of an ended service is"
kill $service_pid
sed -i '/^joe6/d' /etc/passwd
finish
