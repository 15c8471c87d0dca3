#!/bin/bash
# Full disks, of every size from nothing to enough, and read-only trees: each failure names the file
# and the cause, and leaves the trees unchanged.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Runs dkms with 0 KiB of free space at DIR, then with more and more, until it succeeds. After each
# failure CHECK must print nothing.
fill_up() # DESCRIPTION DIR CHECK ARGUMENT...
{
	local what=$1 dir=$2 check=$3 room=0 why unsaid="" wrong="" free

	shift 3
	while [ "$room" -lt 200 ]; do
		rm -rf "$work/saved"
		cp -a "$dir" "$work/saved"
		mount -t tmpfs -o size=1m,mode=755 full "$dir"
		cp -a "$work/saved/." "$dir/"
		free=$(df -k --output=avail "$dir" | tail -n 1)
		fallocate -l "$((free - room))K" "$dir/filler"
		run_dkms "$@"
		if [ "$status" -eq 0 ]; then
			umount "$dir"
			break
		fi
		printf '%s\n' "$err" | grep -q 'No space left on device' ||
			unsaid+="with room for $room KiB: $status $err"$'\n'
		printf '%s\n' "$err" | grep -q "$machine\|depmod for $K" ||
			unsaid+="with room for $room KiB, no path: $err"$'\n'
		why=$($check) || wrong+="with room for $room KiB: $why $err"$'\n'
		umount "$dir"
		room=$((room + 4))
	done
	is "$status" 0 "$what: succeeds with room for $room KiB"
	ok "$what: fails with less" test "$room" -gt 0
	is "$unsaid" "" "$what: each failure names the cause and a file"
	is "$wrong" "" "$what: each failure leaves the trees unchanged"
}

# A snapshot without the marks of builder/tree/kernel-mark.h, which say that a change has failed.
without_marks() { snapshot "$machine" | grep -v '/[.]unfinished-'; }

tree_files() { snapshot "$installtree" | grep -v /filler || true; }

only_added() # prints what is wrong, if anything
{
	[ "$(state big 1.0 $K)" = added ] || { echo "is $(state big 1.0 $K)"; return 1; }
	[ "$(cd "$dkmstree" && find . \( -path '*/build' -o -name filler -o -name '.depmod-*' \) -prune -o -print | sort | paste -sd' ')" = \
		". ./big ./big/1.0 ./big/1.0/source" ] || { find "$dkmstree"; return 1; }
	[ "$(tree_files)" = "$files" ] || { tree_files; return 1; }
}

only_built()
{
	[ "$(state big 1.0 $K)" = built ] || { echo "is $(state big 1.0 $K)"; return 1; }
	[ "$(snapshot "$dkmstree" | grep -v '/filler\|/[.]depmod-')" = "$before" ] || { find "$dkmstree"; return 1; }
	[ "$(tree_files)" = "$files" ] || { tree_files; return 1; }
}

# Makes a machine with a package of two modules that is added (or built). The kernel has one of the
# modules itself.
big_machine() # [ACTION]
{
	machine
	kernel $K
	module big 1.0 'BUILT_MODULE_NAME=(big two)' 'DEST_MODULE_LOCATION=(/extra /extra)'
	write_sources "$sourcetree/big-1.0" 1.0 big two
	head -c 20000 /dev/zero | tr '\0' x > "$sourcetree/big-1.0/README"
	kernel_module $K kernel/big.ko 0.1 old
	dkms add big/1.0 > /dev/null
	[ $# -eq 0 ] || dkms "$1" big/1.0 -k $K > /dev/null
	files=$(tree_files)
	before=$(snapshot "$dkmstree")
}

# A build fills the disk for a moment while another one runs.
filled_meanwhile() # DESCRIPTION
{
	local dir

	if [ -z "$private" ]; then
		skip "needs a mount namespace" "a disk that is full for a moment"
		return
	fi
	machine
	kernel $K
	mount -t tmpfs -o size=8m,mode=755 small "$dkmstree"
	add victim 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/victim-1.0/pre.sh" 'touch started; until [ -e go ]; do sleep 0.05; done; exit 0'
	"${DKMS:?}" install victim/1.0 -k $K "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" &
	until compgen -G "$dkmstree/victim/1.0/.job-*/build/started" > /dev/null; do sleep 0.05; done
	head -c 20000000 /dev/zero > "$dkmstree/filler" 2> /dev/null || true
	sleep 0.5
	rm "$dkmstree/filler"
	for dir in "$dkmstree"/victim/1.0/.job-*/build; do touch "$dir/go"; done
	status=0
	wait $! || status=$?
	is "$status" 1 "a build fails if the disk was full meanwhile, $1"
	like "$(cat "$work/err")" "PRE_BUILD may have gone wrong: meanwhile, $dkmstree/victim/1.0 could not be written: No space left on device" "it says so"
	is "$(state victim 1.0 $K)" added "nothing is kept of it"
	umount "$dkmstree"
}

# What is built while there is hardly any room, or too little memory, is not given to other builds.
doubtful() # WHAT REASON [ENTRIES]
{
	local cached group

	machine
	kernel $K
	cached=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--cache-dir "$machine/cache")
	[ "$1" != room ] || mount -t tmpfs -o size=200m,mode=755 small "$dkmstree"
	add m 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/m-1.0/pre.sh" 'touch started; until [ -e go ]; do sleep 0.05; done; exit 0'
	cp /proc/vmstat "$work/vmstat"
	mount --bind "$work/vmstat" /proc/vmstat
	mount -t tmpfs groups /sys/fs/cgroup
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	mkdir -p "$group"
	case $1 in
	group|elsewhere) printf '%s\n' 'oom 7' 'oom_kill 7' > "$group/memory.events" ;;
	esac
	"${DKMS:?}" build m/1.0 -k $K "${cached[@]}" < /dev/null > "$work/out" 2> "$work/err" &
	until compgen -G "$dkmstree/m/1.0/.job-*/build/started" > /dev/null; do sleep 0.05; done
	case $1 in
	memory|elsewhere) echo 'oom_kill 4242' > "$work/vmstat" ;;
	group) printf '%s\n' 'oom 8' 'oom_kill 8' > "$group/memory.events" ;;
	esac
	for dir in "$dkmstree"/m/1.0/.job-*/build; do touch "$dir/go"; done
	status=0
	wait $! || status=$?
	is "$status" 0 "built, and what is short is: $1"
	is "$(cat "$work/out" "$work/err" | grep -o "not kept: $2")" "${2:+not kept: $2}" "it is told that it is not kept"
	umount /proc/vmstat /sys/fs/cgroup
	is "$("${DKMS:?}" cache stats --json "${cached[@]}" | grep -A1 '"modules"' | grep -c '"entries": [1-9]')" "${3:-0}" "the number of its entries in the cache"
	[ "$1" != room ] || umount "$dkmstree"
}

full_disks()
{
	if [ -z "$private" ]; then
		skip "needs a mount namespace" "a full disk"
		return
	fi
	big_machine
	fill_up "a full disk at the dkms tree, building" "$dkmstree" only_added build big/1.0 -k $K
	big_machine build
	fill_up "a full disk at the install tree" "$installtree/$K" only_built install big/1.0 -k $K
	big_machine build
	fill_up "a full disk at the dkms tree, installing" "$dkmstree" only_built install big/1.0 -k $K
	big_machine

	mv "$sourcetree/big-1.0" "$machine/big"
	sed -i s/1.0/2.0/ "$machine/big/dkms.conf"
	mkdir "$machine/small"
	mount -t tmpfs -o size=16k small "$machine/small"
	exits 1 "a full disk at the source tree" "$DKMS" add "$machine/big" "${trees[@]}" --sourcetree "$machine/small"
	like "$(cat "$work/tap.out")" "$machine/small.*No space left" "the error names the tree and the cause"
	is "$(ls -A "$machine/small") $(ls "$dkmstree/big")" " 1.0" "no file is left"
	umount "$machine/small"
	exits 1 "the disk behind standard output is full" sh -c '"$1" --help > /dev/full' - "$DKMS"
}

read_only()
{
	local dir

	if [ -z "$private" ]; then
		skip "needs a mount namespace" "a read-only tree"
		return
	fi
	machine
	kernel $K
	module hello 1.0
	module built 1.0
	dkms build built/1.0 -k $K > /dev/null
	dkms add hello/1.0 > /dev/null
	before=$(snapshot "$machine")
	for dir in "$dkmstree" "$dkmstree/hello/1.0" "$dkmstree/hello"; do
		mount --bind "$dir" "$dir"
		mount -o remount,bind,ro "$dir"
		dkms_exits 1 "compat 9: ${dir#"$machine"/} is read-only: build" build hello/1.0 -k $K
		like "$err" "$dir.*Read-only file system" "the error names the file and the cause"
		umount "$dir"
		is "$(snapshot "$machine")" "$before" "no file has changed"
	done
	mount --bind "$installtree" "$installtree"
	mount -o remount,bind,ro "$installtree"
	dkms_exits 1 "compat 9: the install tree is read-only" install built/1.0 -k $K
	like "$err" "$installtree.*Read-only file system" "the error names the install tree and the cause"
	umount "$installtree"
	is "$(snapshot "$machine")" "$before" "no file has changed"
	mount --bind "$installtree/$K" "$installtree/$K"
	mount -o remount,bind,ro "$installtree/$K"
	dkms_exits 1 "the kernel's directory is read-only" install built/1.0 -k $K
	like "$err" "$installtree/$K.*Read-only file system" "the error names the kernel's directory and the cause"
	umount "$installtree/$K"
	is "$(snapshot "$machine")" "$before" "no file has changed"
	dkms install built/1.0 -k $K > /dev/null
	before=$(without_marks)
	mount --bind "$installtree/$K" "$installtree/$K"
	mount -o remount,bind,ro "$installtree/$K"
	for action in uninstall unbuild remove; do
		dkms_exits 1 "the kernel's directory is read-only: $action" $action built/1.0 -k $K
		like "$err" "$installtree/$K.*Read-only file system" "the error names the file and the cause"
		is "$(without_marks)" "$before" "no file has changed but the mark of the kernel"
	done
	umount "$installtree/$K"
}

full_disks
filled_meanwhile "with a limit for logs"
if private_etc; then
	mkdir -p /etc/dkms
	echo max_log=0 > /etc/dkms/framework.conf
	filled_meanwhile "without one"
	rm /etc/dkms/framework.conf
else
	skip "needs a mount namespace" "without a limit for logs"
fi
if [ -n "$private" ]; then
	doubtful nothing "" 1
	doubtful room "there was so little room"
	doubtful memory "meanwhile the kernel ended a process"
	doubtful group "meanwhile the kernel ended a process"
	doubtful elsewhere "" 1
else
	skip "needs a mount namespace" "too little room or memory"
fi
read_only
finish
