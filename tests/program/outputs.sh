#!/bin/bash
# Files that root writes to a path in a directory where other users can write. One of them has made a
# link of that name, or on the way to it, which leads to a file of root's.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

joe=4242
if [ -z "$private" ] || ! setpriv --reuid=$joe --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi
as_joe=(setpriv "--reuid=$joe" "--regid=$joe" --clear-groups)
machine
kernel $K
module mod 1.0
dkms_exits 0 "adds a module" add mod/1.0
root=$work/root
shared=$work/shared
mkdir "$root"
mkdir -m 1777 "$shared"
chmod 1777 "$shared"

commands=("mktarball mod/1.0 --source-only --archive" "build mod/1.0 -k $K --force --events" "build mod/1.0 -k $K --force --trace")
! command -v dpkg-deb >/dev/null || commands+=("mkdeb mod/1.0 --archive")
for mode in 1777 0777; do
	chmod $mode "$shared"
	for command in "${commands[@]}"; do
		what="${command%% *} ${command##* } in a directory of mode $mode"
		end=tar
		[[ $command != mkdeb* ]] || end=deb
		rm -rf "${shared:?}"/*
		echo root:x > "$root/passwd"

		"${as_joe[@]}" ln -s "$root/passwd" "$shared/out.$end"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/out.$end"
		is "$(cat "$root/passwd")" root:x "$what: root's file stays behind another user's link"
		ok "$what: it was written in place of the link, or refused" \
			eval '[[ $err == *"cannot write"* ]] || { [ ! -L "$shared/out.$end" ] && [ -s "$shared/out.$end" ]; }'
		is "$(ls -A "$root")" passwd "$what: nothing else was made there"

		rm -rf "${shared:?}"/*
		"${as_joe[@]}" ln -s "$root/missing" "$shared/out.$end"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/out.$end"
		is "$(ls -A "$root")" passwd "$what: no file is made behind another user's link"

		rm -rf "${shared:?}"/*
		"${as_joe[@]}" ln -s "$root" "$shared/dir"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/dir/passwd"
		like "$err" "cannot write $shared/dir/passwd" "$what: the error names the path"
		is "$(cat "$root/passwd")" root:x "$what: root's file stays in that directory"
		if [[ $command == mk* ]]; then
			# shellcheck disable=SC2086
			run_dkms $command "$shared/dir/more/out.$end"
			like "$err" "cannot write $shared/dir/" "$what: no directory is made behind it"
			is "$(ls -A "$root")" passwd "$what: there is none"
		fi

		rm -rf "${shared:?}"/*
		ln -s "$root/own" "$shared/out.$end"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/out.$end"
		is "$status" 0 "$what: a link of root's is followed"
		ok "$what: to where it leads" test -s "$root/own"
		ok "$what: and stays a link" test -L "$shared/out.$end"
		rm -f "$root/own"

		rm -rf "${shared:?}"/*
		mkdir "$shared/joe"
		chown $joe "$shared/joe"
		"${as_joe[@]}" ln -s "$shared/joe" "$shared/dir"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/dir/out.$end"
		is "$status" 0 "$what: a user's link to a directory of his own is followed"
		ok "$what: the file is there" test -s "$shared/joe/out.$end"
		# shellcheck disable=SC2086
		run_dkms $command "$shared/joe/out.$end"
		is "$status" 0 "$what: it is written again"
	done
done
chmod 1777 "$shared"
rm -rf "${shared:?}"/*
"${as_joe[@]}" touch "$shared/events"
run_dkms build mod/1.0 -k $K --force --events "$shared/events"
like "$err" "cannot write $shared/events: another user" "another user's file is not written to"
ok "it stays empty" test ! -s "$shared/events"
dkms_exits 0 "a pipe is" build mod/1.0 -k $K --force --events /dev/stdout
like "$out" '"event"' "it gets the events"
for path in /dev/stderr /dev/fd/2 /proc/self/fd/2; do
	dkms_exits 0 "$path is written to" build mod/1.0 -k $K --force --events $path
	like "$err" '"event"' "$path gets the events"
done
dkms_exits 0 "a device is written to" build mod/1.0 -k $K --force --events /dev/null
ok "it stays a device" test -c /dev/null

# /dev/shm is below /dev, but everybody writes there.
mount -t tmpfs -o mode=1777 shm /dev/shm
"${as_joe[@]}" mkdir /dev/shm/joe
"${as_joe[@]}" ln -s "$root/passwd" /dev/shm/events
"${as_joe[@]}" ln -s "$root/passwd" /dev/shm/joe/events
"${as_joe[@]}" ln -s "$root/missing" /dev/shm/joe/missing
"${as_joe[@]}" ln -s "$root" /dev/shm/joe/dir
for path in /dev/shm/{events,joe/events,joe/missing,joe/dir/passwd} /dev/fd/../shm/joe/events \
	/dev/../dev/shm/joe/events /proc/self/root/dev/shm/joe/events
do
	for option in events trace; do
		echo root:x > "$root/passwd"
		run_dkms build mod/1.0 -k $K --force --$option "$path"
		is "$(cat "$root/passwd")" root:x "--$option $path: root's file stays"
		is "$(ls -A "$root")" passwd "--$option $path: nothing else was made there"
	done
done
dkms_exits 0 "a new file in /dev/shm is written" build mod/1.0 -k $K --force --events /dev/shm/new
ok "it has the events" test -s /dev/shm/new
umount /dev/shm

mkdir "$work/joe"
ln "$root/passwd" "$work/joe/trace"
chown $joe "$work/joe"
run_dkms build mod/1.0 -k $K --force --trace "$work/joe/trace"
is "$(cat "$root/passwd")" root:x "another name of root's file in a user's directory is not written to"

finish
