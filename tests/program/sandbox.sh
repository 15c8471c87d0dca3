#!/bin/bash
# What a module's commands can do to the machine: as root in trees that everybody can read and in
# trees that only root can read, as a user, without a sandbox, and where a sandbox is not possible.
# The module here tries many things and writes the results to its log.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# The project may be in a directory that is hidden below, such as a home directory.
cp "$DKMS" "$work/bin/dkms"
DKMS=$work/bin/dkms

# The job slots are an inherited pipe, or for make 4.4 and later a named pipe in /tmp.
descriptors="0 1 2 3 4"
named=0
case $(make --version) in
"GNU Make 4."[0-3]|"GNU Make 4."[0-3][!0-9]*) ;;
*) descriptors="0 1 2" named=1 ;;
esac

# Writes a module whose build prints lines KEY=VALUE about what it can see and do. Files of the host
# are named to it.
probe() # FILE
{
	cat > "$1" <<'END'
#!/bin/bash
may() { ("$@") > /dev/null 2>&1 && echo yes || echo no; }
echo "uid=$(id -u)"
echo "net=$(readlink /proc/self/ns/net)"
echo "interfaces=$(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' \n')"
echo "sees-sleep=$(may grep -q sleep-of-the-host /proc/[0-9]*/cmdline)"
echo "kills=$(may kill -0 "$KBUILD_SLEEP_PID")"
echo "caps=$(sed -n 's/^CapEff:\t//p' /proc/self/status)"
echo "no-new-privs=$(sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)"
for secret in $KBUILD_SECRETS; do
	echo "reads-$(dirname "$secret")=$(may grep -q hidden "$secret")"
done
for dir in $KBUILD_PLACES; do
	echo "writes-$dir=$(may touch "$dir/left-by-the-module")"
done
echo "writes-build=$(may touch here)"
echo "device=$(may test -b /dev/vda -o -b /dev/sda -o -e /dev/mem -o -e /dev/kmsg)"
echo "mounts=$(may mount -t tmpfs none /mnt)"
echo "remounts=$(may mount -o remount,rw,bind "$KBUILD_WORK" && may touch "$KBUILD_WORK/left-by-the-module")"
echo "hostname=$(may hostname "$(hostname)")"
temporary=$(mktemp) && echo content > "$temporary"
echo "temporary=$(cat "$temporary" 2>/dev/null)"
echo "tmp=$(ls -A /tmp | wc -l)"
echo "stdin=$(readlink /proc/self/fd/0)"
echo "descriptors=$(sh -c 'ls -l /proc/$$/fd' | sed -n 's/.* \([0-9]*\) ->.*/\1/p' | sort -n | paste -sd' ')"
END
	chmod +x "$1"
}

# Prints a value that the module has printed.
told() # KEY
{
	sed -n "s|^$1=||p" "$log"
}

# Puts a file into each directory that builds must not see. Directories that are not private to this
# test are left alone.
hide_secrets()
{
	local dir

	secrets=
	for dir in "$TMPDIR" /root /home /run; do
		if [ "$dir" != "$TMPDIR" ]; then
			[ -n "$private" ] || continue
			mount -t tmpfs -o mode=755 secrets "$dir" 2>/dev/null || continue
		fi
		echo hidden > "$dir/secret"
		secrets+=" $dir/secret"
	done
}

new_machine()
{
	machine
	kernel $K
	kernel $K7
	module probe 1.0 'PRE_BUILD=probe.sh'
	probe "$sourcetree/probe-1.0/probe.sh"
	export KBUILD_SECRETS=$secrets KBUILD_SLEEP_PID=$sleep_pid KBUILD_WORK=$work
	export KBUILD_PLACES="$machine $sourcetree $sourcetree/probe-1.0 $dkmstree $dkmstree/probe $dkmstree/probe/1.0
		$dkmstree/probe/1.0/source $installtree $installtree/$K $installtree/$K/build /etc /usr/src /var/lib"
	log=$dkmstree/probe/1.0/$K/$arch/log/make.log
}

# Prints "own" for a user whom a job has for itself.
kind_of() # UID
{
	if [ "$1" -ge 61184 ] && [ "$1" -le 65519 ]; then echo own; else echo "$1"; fi
}

# Checks what holds in every sandbox.
confined() # DESCRIPTION
{
	local place secret

	is "$status" 0 "$1: the module is built"
	[ "$status" -eq 0 ] || note "$err"
	is "$(kind_of "$(told uid)")" "$uid" "$1: the user of the build"
	ok "$1: the build has its own network" test "$(told net)" != "$(readlink /proc/self/ns/net)"
	is "$(told interfaces)" lo "$1: that network has only lo"
	is "$(told sees-sleep) $(told kills)" "no no" "$1: processes of others are hidden"
	is "$(told caps) $(told no-new-privs)" "0000000000000000 1" "$1: the build has no privileges and cannot get any"
	for secret in $secrets; do
		is "$(told "reads-${secret%/*}")" no "$1: a file in ${secret%/*} is hidden"
	done
	for place in $KBUILD_PLACES; do
		is "$(told "writes-$place")" no "$1: ${place/$machine/machine} cannot be written"
	done
	is "$(told writes-build)" yes "$1: the build directory can be written"
	is "$(told device) $(told mounts) $(told remounts) $(told hostname)" "no no no no" "$1: no devices, no mounts, and the host name cannot be changed"
	is "$(told temporary)" content "$1: the build has a /tmp"
	is "$(told stdin)" /dev/null "$1: standard input is empty"
	is "$(told descriptors)" "$descriptors" "$1: only the descriptors of the job slots are open"
	is "$(find "$machine" "$TMPDIR" -name 'left-by-the-module' -o -name 'tmp.*')" "" "$1: no file is left"
	is "$(hostname)" "$host" "$1: the machine keeps its host name"
}

can_unshare=
! bwrap --ro-bind / / --unshare-all true 2>/dev/null || can_unshare=yes
can_change_user=
[ "$(id -u)" -ne 0 ] || ! setpriv --reuid=65534 --clear-groups true 2>/dev/null || can_change_user=yes
host=$(hostname)
hide_secrets
bash -c 'exec -a sleep-of-the-host sleep 1000' &
disown -a
sleep_pid=$!

# /var/tmp is hidden below /var, which is hidden itself.
below_var_tmp()
{
	local work=/var/tmp/dkms-test TMPDIR=$TMPDIR

	[ "$TMPDIR" != /var/tmp ] || return 0 # the trees of all other cases are there
	if [ -z "$private" ] || [ -z "$can_unshare" ]; then
		skip "needs namespaces" "trees in /var/tmp"
		return
	fi
	TMPDIR=/var/tmp
	uid=$(id -u)
	[ -z "$can_change_user" ] || uid=own
	mount -t tmpfs -o mode=1777 dkms-test /var/tmp
	mkdir $work
	new_machine
	chmod 0700 $work
	run_dkms build probe/1.0 -k $K --sandbox=require
	confined "trees in /var/tmp that only their owner can read"
	umount /var/tmp
}

sandboxes()
{
	[ -n "$can_unshare" ] || {
		skip "namespaces are not permitted here" "what a module can do in a sandbox"
		return
	}
	new_machine
	chmod 0755 "$work"
	uid=$(id -u)
	[ -z "$can_change_user" ] || uid=own
	run_dkms build probe/1.0 -k $K --sandbox=require
	confined "trees that everybody can read"
	is "$err" "" "there is no warning"
	chmod 0700 "$work"
	run_dkms build probe/1.0 -k $K --force --sandbox=require
	confined "trees that only their owner can read"
	chmod 0755 "$work"
	run_dkms build probe/1.0 -k $K --force
	is "$err" "" "--sandbox=auto: there is no warning where a sandbox works"
	ok "--sandbox=auto: the build has its own network" test "$(told net)" != "$(readlink /proc/self/ns/net)"
	like "$(told tmp)" "^[$((1 + named))$((2 + named))]$" "each build has a new /tmp"

	if [ -z "$can_change_user" ]; then
		skip "not root" "a user's build"
		return
	fi
	new_machine
	chown -R 65534 "$dkmstree"
	status=0
	setpriv --reuid=65534 --regid=65534 --clear-groups "$work/bin/dkms" build probe/1.0 -k $K \
		"${trees[@]}" --sandbox=require > "$work/out" 2> "$work/err" || status=$?
	err=$(cat "$work/err")
	uid=65534
	confined "a user's build"
}

confs()
{
	[ -n "$can_unshare" ] || {
		skip "namespaces are not permitted here" "a dkms.conf in a sandbox"
		return
	}
	new_machine
	printf '%s\n' 'echo "uid $(id -u), interfaces $(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d " \n")" >&2' \
		'for dir in $KBUILD_PLACES .; do touch "$dir/left-by-the-module" 2>/dev/null && echo "wrote $dir" >&2; done' \
		'[ ! -e '"$TMPDIR"'/secret ] || echo "sees the secret" >&2' \
		'grep -q sleep-of-the-host /proc/[0-9]*/cmdline && echo "sees the sleep" >&2' \
		>> "$sourcetree/probe-1.0/dkms.conf"
	dkms_exits 0 "a dkms.conf that looks around" add probe/1.0
	like "$(printf '%s\n' "$err" | sed 's/.*: //' | sort -u)" \
		"^uid $([ -n "$can_change_user" ] && echo '6[1-5][0-9]{3}' || id -u), interfaces lo\$" "a dkms.conf runs in a sandbox as well"
	module linked 1.0 BUILT_MODULE_NAME=ext9 BUILT_MODULE_LOCATION=sub STRIP=no PRE_BUILD=pre.sh
	write_script "$sourcetree/linked-1.0/pre.sh" "ln -s $installtree/$K/kernel/fs sub"
	dkms_exits 7 "a module behind a link that leads outside" build linked/1.0 -k $K
	echo BUILT_MODULE_LOCATION=../../../../../../lib/modules/$K/kernel/fs >> "$sourcetree/linked-1.0/dkms.conf"
	dkms_exits 7 "a module in a directory outside of the build" build linked/1.0 -k $K
	module private 1.0
	chmod 0600 "$sourcetree/private-1.0"/*
	dkms_exits 0 "a source that only its owner can read" build private/1.0 -k $K
	module patched 1.0 'PATCH=evil.patch' 'STRIP=yes'
	mkdir "$sourcetree/patched-1.0/patches"
	printf '%s\n' '--- /dev/null' '+++ b/../../../left-by-the-module' '@@ -0,0 +1 @@' '+left' \
		> "$sourcetree/patched-1.0/patches/evil.patch"
	run_dkms build patched/1.0 -k $K
	is "$(find "$machine" -name left-by-the-module)" "" "a patch cannot change a file outside of the build"
}

off()
{
	new_machine
	KBUILD_PLACES=$machine # otherwise it would write to all places
	dkms_exits 0 "--sandbox=off" build probe/1.0 -k $K --sandbox=off
	is "$(told net)" "$(readlink /proc/self/ns/net)" "--sandbox=off: the build has the host's network"
	is "$err" "" "--sandbox=off: there is no warning"
	is "$(told uid)" "$(id -u)" "--sandbox=off: the build runs as the user of dkms"
	is "$(told stdin) $(told descriptors)" "/dev/null $descriptors" "--sandbox=off: only the descriptors of the job slots are open"
}

# dkms says what a build lacks, and the administrator can allow it.
granted()
{
	local state

	if [ -z "$private" ] || [ -z "$can_unshare" ]; then
		skip "needs namespaces" "settings that the administrator can make"
		return
	fi
	machine
	kernel $K
	private_etc
	state=$dkmstree/wants/1.0
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--cache-dir "$machine/cache")
	module wants 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/wants-1.0/pre.sh" 'readlink /proc/self/ns/net' \
		'. /home/kit/lib/version && echo "MODULE_INFO(kit, \"$version\");" >> wants.c || exit 3'
	mkdir -p /home/kit/lib
	echo version=one > /home/kit/lib/version
	dkms_exits 2 "a build that reads a file in /home" build wants/1.0 -k $K
	like "$err" "builds do not see /home/kit/lib/version; sandbox_paths=\"/home/kit/lib\" in $etc/framework.conf shows it" \
		"dkms prints the line for framework.conf that allows it"
	echo 'sandbox_paths="/home/nobody/has-this /usr/share /home/kit/lib"' > "$etc/framework.conf"
	dkms_exits 0 "the build with sandbox_paths" build wants/1.0 -k $K
	is "$(module_field kit "$state/$K/$arch/module/wants.ko")" one "the build can read the file"
	ok "the build has no network of the host" test "$(sed -n '/^net:/p' "$state/$K/$arch/log/make.log")" != "$(readlink /proc/self/ns/net)"
	dkms unbuild wants/1.0 -k $K > /dev/null
	like "$(dkms build wants/1.0 -k $K)" "wants/1.0 for $K: built from the cache" "its module is restored from the cache"
	echo version=two > /home/kit/lib/version
	dkms unbuild wants/1.0 -k $K > /dev/null
	dkms_exits 0 "the file changes" build wants/1.0 -k $K
	is "$(module_field kit "$state/$K/$arch/module/wants.ko")" two "the module is built again"
	echo 'sandbox_paths=/home/kit/lib/version' > "$etc/framework.conf"
	chmod 0600 /home/kit/lib/version
	dkms_exits 0 "sandbox_paths with a file that only root can read" build wants/1.0 -k $K --force
	echo version=three > /home/kit/lib/version
	dkms unbuild wants/1.0 -k $K > /dev/null
	dkms_exits 0 "that file changes" build wants/1.0 -k $K
	is "$(module_field kit "$state/$K/$arch/module/wants.ko")" three "its content is part of the key"

	echo 'echo "fetch: Could not resolve host: example.org"; exit 4' >> "$sourcetree/wants-1.0/pre.sh"
	dkms_exits 4 "a build that needs a network" build wants/1.0 -k $K --force
	like "$err" "builds have no network; sandbox_network=\"wants\" in $etc/framework.conf gives it one" \
		"dkms prints the line for framework.conf that gives it a network"
	sed -i '$d' "$sourcetree/wants-1.0/pre.sh"
	echo 'sandbox_network="others wants"' >> "$etc/framework.conf"
	dkms_exits 0 "the build with sandbox_network" build wants/1.0 -k $K --force
	is "$(sed -n '/^net:/p' "$state/$K/$arch/log/make.log")" "$(readlink /proc/self/ns/net)" "the build has the host's network"
	like "$(dkms cache why wants/1.0 -k $K)" "not cached: sandbox_network allows its builds to use the network" \
		"a build with a network is not cached"
	echo 'sandbox_network="wants2 want"' >> "$etc/framework.conf"
	dkms_exits 0 "sandbox_network with names of other modules" build wants/1.0 -k $K --force
	ok "the build has no network of the host" test "$(sed -n '/^net:/p' "$state/$K/$arch/log/make.log")" != "$(readlink /proc/self/ns/net)"

	echo 'sandbox=off' > "$etc/framework.conf"
	dkms_exits 0 "sandbox=off in framework.conf" build wants/1.0 -k $K --force
	is "$(sed -n '/^net:/p' "$state/$K/$arch/log/make.log")" "$(readlink /proc/self/ns/net)" "there is no sandbox"
	dkms_exits 2 "the option overrides framework.conf" build wants/1.0 -k $K --force --sandbox=require
	echo 'sandbox=none' > "$etc/framework.conf"
	dkms_exits 8 "a bad value for sandbox" build wants/1.0 -k $K
	like "$err" "sandbox is \"none\", but must be auto, require or off" "the error has the valid values"
	echo 'sandbox_paths="/home/kit kit"' > "$etc/framework.conf"
	dkms_exits 8 "a relative path in sandbox_paths" build wants/1.0 -k $K
	like "$err" "sandbox_paths has \"kit\", but must have absolute paths" "the error has the path"
	rm "$etc/framework.conf"
	rm -r /home/kit
}

# Two builds for two kernels run at the same time, each in the same path.
both_kernels() # DESCRIPTION OPTION...
{
	local what=$1 k log overlap=no

	shift
	machine
	kernel $K
	kernel $K7
	module both 1.0 'PRE_BUILD=pre.sh' \
		'MAKE="cat $dkms_tree/both/1.0/build/mine && make -C $kernel_source_dir M=$dkms_tree/both/1.0/build"' 'POST_BUILD=post.sh'
	write_script "$sourcetree/both-1.0/post.sh" 'bash -c "echo end \$EPOCHREALTIME"'
	write_script "$sourcetree/both-1.0/pre.sh" '[ ! -e mine ] || echo "another was here: $(cat mine)"' \
		'echo "mine is $kernelver" > mine' "sed -i 's/1\\.0/for-'\$kernelver'/' both.c" \
		'bash -c "echo start \$EPOCHREALTIME"' 'sleep 0.5'
	dkms_exits 0 "$what: two kernels" build both/1.0 -k $K -k $K7 -j 4 "$@"
	for k in $K $K7; do
		log=$dkmstree/both/1.0/$k/$arch/log/make.log
		is "$(grep '^mine\|^another' "$log")" "mine is $k" "$what: $k sees its own build directory"
		is "$(module_field version "$dkmstree/both/1.0/$k/$arch/module/both.ko")" "for-$k" "$what: $k has its own module"
	done
	# The last build starts before the first one ends.
	overlap=$(sed -n 's/^\(start\|end\) //p' "$dkmstree"/both/1.0/*/"$arch"/log/make.log |
		sort -n | sed -n 2p)
	grep -q "^start $overlap" "$dkmstree"/both/1.0/*/"$arch"/log/make.log && overlap=yes || overlap=no
	is "$(ls -A "$dkmstree/both/1.0")" "$(printf '%s\n' $K $K7 build source)" "$what: no other file is left"
	is "$(ls -A "$dkmstree/both/1.0/build")" "" "$what: the build directory is empty"
	together=$overlap
}

# Prints a command that prints what a process may do.
tries()
{
	# shellcheck disable=SC2016 # the build expands it
	echo 'echo "no-new-privs=$(sed -n "s/^NoNewPrivs:\t//p" /proc/self/status) filter=$(sed -n "s/^Seccomp:\t//p" /proc/self/status) namespace=$(unshare --user true 2> /dev/null && echo yes || echo no) room=$(fallocate -l 1M room 2> /dev/null && echo yes || echo no)"'
	echo 'perl reserve.pl || true'
}

# Checks a machine without namespaces: builds work, with exactly one warning.
none() # DESCRIPTION
{
	both_kernels "$1"
	is "$(printf '%s\n' "$err" | grep -c 'warning.*sandbox')" 1 "$1: exactly one warning"
	is "$(printf '%s\n' "$err" | grep -vc 'warning.*sandbox')" 0 "$1: nothing else is printed on stderr"
	is "$together" no "$1: the kernels are built one after the other"
	module more 1.0
	dkms_exits 0 "$1: autoinstall of two modules for two kernels" autoinstall -k $K -k $K7
	dkms_exits 0 "$1: add" add more/1.0
	dkms_exits 0 "$1: autoinstall" autoinstall -k $K -k $K7
	is "$(printf '%s\n' "$err" | grep -c 'warning.*sandbox')" 1 "$1: exactly one warning of autoinstall"
	module last 1.0
	before=$(snapshot "$dkmstree" "$installtree")
	dkms_exits 1 "$1: --sandbox=require is an error" install last/1.0 -k $K --sandbox=require
	like "$err" "sandbox" "$1: the error names the sandbox"
	is "$(snapshot "$dkmstree" "$installtree")" "$before" "$1: no file has changed"
	# What it has instead: a filter, under which no namespace can be made.
	module seen 1.0 PRE_BUILD=tries
	write_script "$sourcetree/seen-1.0/tries" "$(tries)"
	# With struct space_resv of the kernel's linux/falloc.h, for FS_IOC_RESVSP of x86_64.
	# shellcheck disable=SC2016
	echo 'open F, ">", "reserved"; $s = pack("ssx4qqx24", 0, 0, 0, 1 << 20);
		print "reserve=", ioctl(F, 0x40305828, $s) ? "yes" : "no", "\n"' > "$sourcetree/seen-1.0/reserve.pl"
	dkms_exits 0 "$1: a build that looks at its privileges" build seen/1.0 -k $K
	is "$(grep -c '^no-new-privs=1 filter=2 namespace=no room=no$' "$dkmstree/seen/1.0/$K/$arch/log/make.log")" 1 \
		"$1: it cannot get any, and is under a filter"
	if [ "$arch" = x86_64 ] && command -v perl > /dev/null; then
		is "$(grep ^reserve= "$dkmstree/seen/1.0/$K/$arch/log/make.log")" reserve=no "$1: it cannot take room by ioctl(2), either"
	fi
	dkms_exits 0 "$1: --sandbox=off of the same" build seen/1.0 -k $K --force --sandbox=off
	like "$(grep '^no-new-privs' "$dkmstree/seen/1.0/$K/$arch/log/make.log")" '^no-new-privs=0 filter=[0-9]' \
		"$1: it has all of root's"
	dkms_exits 0 "$1: --sandbox=off" install last/1.0 -k $K --sandbox=off
	is "$err" "" "$1: there is no warning with --sandbox=off"
	module fails 1.0
	echo '#error "no such thing"' >> "$sourcetree/fails-1.0/fails.c"
	dkms_exits 10 "$1: a build that fails for two kernels" build fails/1.0 -k $K -k $K7
	is "$(ls -A "$dkmstree/fails/1.0")" "$(printf '%s\n' build source)" "$1: no other file is left"
	is "$(ls "$dkmstree/fails/1.0/build")" "$(printf '%s\n' "$K-$arch" "$K7-$arch" make.log)" \
		"$1: but a log for each"
}

impossible()
{
	write_script "$work/bin/bwrap" 'echo "bwrap: No permissions to create a new namespace" >&2' 'exit 1'
	none "bwrap is not permitted"
	rm "$work/bin/bwrap"
	if [ -z "$private" ]; then
		skip "needs a mount namespace" "without bwrap"
		skip "needs a mount namespace" "in a chroot"
		return
	fi
	touch "$work/no-bwrap"
	mount --bind "$work/no-bwrap" "$(readlink -f "$(command -v bwrap)")"
	none "bwrap cannot be run"
	umount "$(readlink -f "$(command -v bwrap)")"

	# Builders of images run dkms like this.
	mkdir "$work/chroot"
	for dir in /*; do
		if [ -L "$dir" ]; then
			cp -P "$dir" "$work/chroot"
		elif [ -d "$dir" ]; then
			mkdir "$work/chroot$dir"
			mount --rbind "$dir" "$work/chroot$dir"
		fi
	done
	eval "plain_$(declare -f dkms)"
	dkms() { chroot "$work/chroot" "${DKMS:?}" "$@" "${trees[@]}" </dev/null; }
	none "a plain chroot"
	eval "$(declare -f plain_dkms | sed 's/^plain_//')"
	for dir in "$work"/chroot/*; do
		[ -L "$dir" ] || umount -l "$dir"
	done
}

sandboxes
below_var_tmp
confs
off
granted
if [ -n "$can_unshare" ]; then
	both_kernels "in a sandbox" --sandbox=require
	is "$together" yes "in a sandbox: both kernels at the same time"
else
	skip "namespaces are not permitted here" "two kernels at the same time"
fi
both_kernels "without a sandbox" --sandbox=off
impossible
kill "$sleep_pid"
finish
