#!/bin/bash
# Who can block dkms, and does it stop when it waits for a lock?
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Prints the lock file of PATH.
lock_file() # PATH
{
	local real

	mkdir -p "$dkmstree/.locks"
	chmod 700 "$dkmstree/.locks"
	real=$(realpath -m "$1")
	echo "$dkmstree/.locks/${real//\//%2F}"
}

# Locks each file and directory below the machine that it may open, again and again.
write_attacker()
{
	write_script "$work/attacker" "cd '$machine' || exit
		while :; do
			find . ! -type l 2> /dev/null | while read -r path; do
				flock -n \"\$path\" -c \"echo \\\"\$path\\\" >> $work/locked; exec sleep 1000\" 2> /dev/null &
			done
			sleep 0.2
		done"
}

# Another user locks whatever he can open. Without a second user, the locks of this one must not
# matter, either.
others_cannot_block()
{
	local as=(setpriv --reuid 4242 --regid 4242 --clear-groups) attacker

	machine
	trees=("${trees[@]/--no-cache/--cache-dir=$machine/var/cache/dkms}")
	kernel $K
	kernel $K7
	module hello 1.0
	module from 1.0
	mv "$sourcetree/from-1.0" "$machine/from"
	dkms build hello/1.0 -k $K > /dev/null
	dkms cache gc > /dev/null
	"${as[@]}" true 2> /dev/null || as=()
	: > "$work/locked"
	chmod 666 "$work/locked"
	write_attacker
	set -m
	"${as[@]}" "$work/attacker" > /dev/null 2>&1 &
	attacker=$!
	set +m
	until_line "lib/modules/$K\$" "$work/locked" && until_line "usr/src\$" "$work/locked" || true
	ok "(directories of the kernel and of sources are locked)" grep -qx ./lib/modules/$K "$work/locked"
	DKMS="timeout -k 1 100 $DKMS"
	dkms() { $DKMS "$@" "${trees[@]}" < /dev/null; }
	dkms_exits 0 "a locked kernel: install" install hello/1.0 -k $K -k $K7
	dkms_exits 0 "a locked source tree: add DIRECTORY" add "$machine/from"
	dkms_exits 0 "install what was added" install from/1.0 -k $K
	dkms_exits 0 "a locked cache: build" build hello/1.0 -k $K --force
	dkms_exits 0 "a locked cache: gc" cache gc 1K
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	dkms_exits 0 "remove" remove hello/1.0 --all
	is "$(grep -E '/(\.locks/|lock$|counters\.lock$)' "$work/locked")" "" "nobody can lock what dkms locks"
	kill -KILL -- "-$attacker"
	wait "$attacker" 2> /dev/null || true
	DKMS=${DKMS#timeout -k 1 100 }
	dkms() { "${DKMS:?}" "$@" "${trees[@]}" < /dev/null; }
}

# Starts dkms, which waits for the lock of PATH, and sends it SIGNAL.
cancelled_by() # SIGNAL STATUS PATH ARGUMENT...
{
	local signal=$1 want=$2 file lock pid i status=0

	file=$(lock_file "$3")
	shift 3
	exec {lock}> "$file"
	flock "$lock"
	echo 4711 >&"$lock"
	set -m
	"$DKMS" "$@" "${trees[@]}" < /dev/null > "$work/waits" 2>&1 {lock}>&- &
	pid=$!
	set +m
	ok "$1: it says for whom it waits" until_line ": waiting for another dkms \(process 4711\)" "$work/waits"
	kill -"$signal" $pid || note "$(cat "$work/waits")"
	for ((i = 0; i < 300; i++)); do
		kill -0 $pid 2> /dev/null || break
		sleep 0.1
	done
	kill -KILL $pid 2> /dev/null || true
	wait $pid || status=$?
	is "$status" "$want" "$1: $signal ends it although the lock is held"
	exec {lock}>&-
}

cancelling()
{
	machine
	kernel $K
	module hello 1.0
	module from 1.0
	mv "$sourcetree/from-1.0" "$machine/from"
	dkms build hello/1.0 -k $K > /dev/null
	cancelled_by TERM 143 "$installtree/$K" install hello/1.0 -k $K
	cancelled_by INT 130 "$sourcetree" add "$machine/from"
	cancelled_by HUP 129 "$dkmstree/hello/1.0/.job-$K-$arch" build hello/1.0 -k $K --force
	cancelled_by TERM 143 "$dkmstree/hello/1.0" build hello/1.0 -k $K --force --sandbox=off
	check_trees "the trees are as they were"
	dkms_exits 0 "the next install" install hello/1.0 -k $K
	check_trees "the module is installed"
}

# A lock that is held for ever costs nothing but the job that needs it.
timeout_and_slots()
{
	local lock file

	machine
	kernel $K
	kernel $K7
	module hello 1.0
	dkms add hello/1.0 > /dev/null
	file=$(lock_file "$installtree/$K")
	exec {lock}> "$file"
	flock "$lock"
	run_dkms install hello/1.0 -k $K -k $K7 -j 1 --timeout 3 {lock}>&-
	is "$status" 1 "a lock that is held longer than --timeout"
	like "$err" "waited 3 s for another dkms" "the error says why"
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "built installed" "the job for another kernel is done meanwhile, with the only slot"
	exec {lock}>&-
	dkms_exits 0 "again without the lock" install hello/1.0 -k $K
	run_dkms install hello/1.0 -k $K --force --events "$work/events"
	is "$status" 0 "a lock file that nobody has locked"
}

# What another dkms does to the kernel while this one builds counts when this one installs.
list_of_modules()
{
	local saved

	machine
	kernel $K
	kernel_module $K kernel/hello.ko 0.1 old
	module hello 1.0 'PRE_INSTALL=pre.sh'
	# The kernel's own module moves when the list of modules has been made already.
	write_script "$sourcetree/hello-1.0/pre.sh" \
		"[ -e '$installtree/$K/kernel/hello.ko' ] || exit 0" \
		"mkdir '$installtree/$K/kernel/moved'" \
		"mv '$installtree/$K/kernel/hello.ko' '$installtree/$K/kernel/moved/hello.ko'"
	dkms_exits 0 "install" install hello/1.0 -k $K
	saved=$dkmstree/hello/original_module/$K/$arch
	is "$(cat "$saved/hello.ko.origin")" "$installtree/$K/kernel/moved/hello.ko" "the kernel's own module is kept from where it was last"
	dkms_exits 0 "uninstall" uninstall hello/1.0 -k $K
	ok "it is restored there" test -e "$installtree/$K/kernel/moved/hello.ko"
}

others_cannot_block
cancelling
timeout_and_slots
list_of_modules
finish
