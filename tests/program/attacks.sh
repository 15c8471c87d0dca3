#!/bin/bash
# What a hostile package tries against root, against other users' files and against other packages
# while it is evaluated and built. Each test is an attack that must fail. tests/program/sandbox.sh has
# what a build can see and write.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

if [ -z "$private" ] || ! setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi
K7=4.19.0-7-amd64
stranger=(setpriv --reuid=4242 --regid=4242 --clear-groups env) # setpriv itself keeps capabilities
# The project may be in a directory that a sandbox hides.
cp "${DKMS:?}" "$work/bin/dkms"
DKMS=$work/bin/dkms

# Starts dkms in the background, with the state $started of its PRE_BUILD, which waits for $go.
begins() # ARGUMENT...
{
	rm -f "$work"/{out,err} "$dkmstree"/*/*/.job-*/build/started # a killed dkms has left it
	"$DKMS" "$@" "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" &
	dkms=$!
	# Without namespaces, the build directory is moved to its usual place.
	until started=$(compgen -G "$dkmstree/*/*/.job-*/build/started" || compgen -G "$dkmstree/*/*/build/started") || ! kill -0 $dkms 2>/dev/null; do
		sleep 0.05
	done
	started=${started%%$'\n'*}
}

# Lets the builds go on and waits for dkms.
ends()
{
	local dir

	for dir in "$dkmstree"/*/*/.job-*/build "$dkmstree"/*/*/build; do
		[ ! -e "$dir/started" ] || touch "$dir/go"
	done
	status=0
	wait $dkms || status=$?
	err=$(cat "$work/err")
}

waiting='touch started; until [ -e go ]; do sleep 0.02; done'

new_machine()
{
	machine
	kernel $K
	kernel $K7
	chmod 0755 "$work"
}

# A build makes a program with the set-user-ID bit, and another user of the machine runs it.
set_user_id() # DESCRIPTION [OPTION...]
{
	local shell

	begins build evil/1.0 -k $K "${@:2}"
	ok "$1: the build has begun" test -n "$started"
	shell=${started%/*}/sb
	ok "$1: it has a program with the set-user-ID bit" test -u "$shell"
	ok "$1: that is not root's" test "$(stat -c %u "$shell")" -ne 0
	ok "$1: another user cannot run it" refused "${stranger[@]}" "$shell" -p -c true
	ok "$1: nor look into the directory of the build" refused "${stranger[@]}" ls "${started%/*}"
	ok "$1: the user nobody cannot change it" refused setpriv --reuid=65534 --regid=65534 --clear-groups env touch "${started%/*}/x"
	ok "$1: no process of the build runs as root" test "$(cat "${started%/*}/id")" -ne 0
	ends
	is "$(find "$machine" -perm /6000)" "" "$1: nothing with such a bit is left"
}

refused() { ! "$@" 2>/dev/null; }

root()
{
	local kind options

	new_machine
	module evil 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/evil-1.0/pre.sh" 'id -u > id; cp /bin/bash sb; chmod 6755 sb' "$waiting"
	dkms add evil/1.0 > /dev/null
	set_user_id "trees that everybody can read"
	chmod 0700 "$dkmstree/evil/1.0"
	set_user_id "a version that only root can enter" --force
	chmod 0755 "$dkmstree/evil/1.0"
	chmod 0700 "$work"
	set_user_id "trees that only root can enter" --force
	chmod 0755 "$work"
	private_etc
	mkdir -p /root/kit
	mount -t tmpfs -o mode=0700 kit /root
	mkdir /root/kit
	echo 'sandbox_paths=/root/kit' > "$etc/framework.conf"
	set_user_id "sandbox_paths that only root can enter" --force
	rm "$etc/framework.conf"
	# Where bubblewrap does not work, or root may not mount.
	write_script "$work/bin/bwrap" 'exit 1'
	set_user_id "without bubblewrap" --force
	write_script "$work/bin/bwrap" 'case " $* " in *" --unshare-user "*) exec /usr/bin/bwrap "$@" ;; esac; exit 1'
	set_user_id "with a user namespace" --force
	rm "$work/bin/bwrap"
	echo 'chmod 0777 .; exit 3' >> "$sourcetree/evil-1.0/pre.sh"
	begins build evil/1.0 -k $K --force --keep-build
	ends
	is "$(stat -c '%u %a' "$dkmstree/evil/1.0/build/$K-$arch")" "0 700" "--keep-build: only root can enter what is kept"
	ok "--keep-build: another user cannot run what is kept" refused "${stranger[@]}" "$dkmstree/evil/1.0/build/$K-$arch/sb" -p -c true
	for kind in headers paths; do
		[ $kind = headers ] || echo 'sandbox_paths=/root' > "$etc/framework.conf"
		[ $kind = paths ] || { mkdir "$work/headers"; cp -a "$installtree/$K/build/." "$work/headers"; chmod 0700 "$work/headers"; }
		options=(-k "$K7")
		[ $kind = paths ] || options+=(--kernelsourcedir "$work/headers")
		run_dkms build evil/1.0 "${options[@]}"
		is "$status" 1 "$kind whose content only root can read: an error"
		like "$err" "can be read only by its owner, and builds do not run as root" "$kind whose content only root can read: it says so"
	done
	rm -f "$etc/framework.conf"
	umount /root
}

# Root adds the directory of a user, who has put a program with the set-user-ID bit there.
added()
{
	local copy

	new_machine
	module joes 1.0
	mv "$sourcetree/joes-1.0" "$work/joes"
	cp /bin/bash "$work/joes/sb"
	mkdir "$work/joes/dir"
	chown -R 4242:4242 "$work/joes"
	chmod 6755 "$work/joes/sb"
	chmod 0666 "$work/joes/joes.c"
	chmod 7777 "$work/joes/dir"
	dkms_exits 0 "a directory of another user is added" add "$work/joes"
	copy=$sourcetree/joes-1.0
	is "$(find "$copy" ! -type l -perm /7002)" "" "root's copy has no set-user-ID bit, and nothing that all may write"
	is "$("${stranger[@]}" "$copy/sb" -p -c 'echo $EUID')" 4242 "a program in it gives nobody another user"
	rm -rf "$work/joes"
}

# An expression that takes the C library longer than anybody waits does not stop dkms itself.
expressions()
{
	new_machine
	module slow 1.0 "BUILD_EXCLUSIVE_KERNEL='(($(printf '%0100d' 0 | tr 0 '|')){2})+'"
	status=0
	timeout -s KILL 200 "$DKMS" add slow/1.0 "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	is "$status" 8 "a regular expression without end: an error"
	like "$(cat "$work/err")" "slow-1.0/dkms.conf: ran longer than" "a regular expression without end: it says so"
}

# Another user can make the machine slow, so that the sandbox takes too long to be tried.
slow()
{
	write_script "$work/bin/bwrap" 'exec sleep 30'
	run_dkms build evil/1.0 -k $K7
	rm "$work/bin/bwrap"
	is "$status" 1 "a sandbox that cannot be tried in time: an error"
	like "$err" "cannot try the sandbox for builds: bwrap ran longer than" "and not less of a sandbox"
	rm -r "$dkmstree/evil"
}

# Jobs that run at the same time are different users.
own_users()
{
	local ids

	new_machine
	module pair 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/pair-1.0/pre.sh" 'id -u > id' "$waiting"
	begins build pair/1.0 -k $K -k $K7 -j2
	until [ "$(compgen -G "$dkmstree/pair/1.0/.job-*/build/started" | wc -l)" -eq 2 ]; do sleep 0.05; done
	ids=$(sort -u "$dkmstree"/pair/1.0/.job-*/build/id)
	is "$(wc -l <<< "$ids")" 2 "two jobs are two users"
	is "$(awk '$1 < 61184 || $1 > 65519' <<< "$ids")" "" "of the range that no account has"
	ends
	is "$status" 0 "both are built"
}

# No mount of a sandbox has set-user-ID programs, and only those of device files have devices.
mounts()
{
	new_machine
	module mounts 1.0 PRE_BUILD=pre.sh
	# shellcheck disable=SC2016
	write_script "$sourcetree/mounts-1.0/pre.sh" 'sed "s/^/mount: /" /proc/self/mounts'
	mkdir "$installtree/$K/extra"
	mount -t tmpfs -o suid,dev more "$installtree/$K/extra"
	dkms_exits 0 "a build that lists its mounts" build mounts/1.0 -k $K
	sed -n 's/^mount: //p' "$dkmstree/mounts/1.0/$K/$arch/log/make.log" > "$work/mounts"
	ok "there are some" test "$(wc -l < "$work/mounts")" -gt 10
	# A mount that a later one covers cannot be reached.
	is "$(awk '{ line[NR] = $0; place[NR] = $2; options[NR] = "," $4 "," }
		END {
			for (i = 1; i <= NR; i++) {
				covered = 0
				for (j = i + 1; j <= NR; j++)
					covered = covered || place[i] == place[j] || index(place[i], place[j] "/") == 1
				if (!covered && (options[i] !~ /,nosuid,/ || (place[i] !~ "^/dev/" && options[i] !~ /,nodev,/)))
					print line[i]
			}
		}' "$work/mounts")" "" \
		"all are nosuid, and nodev except for those in /dev"
	umount "$installtree/$K/extra"
}

# A dkms.conf that only root can read is evaluated, but not by root, and sees no more than a build.
private_conf()
{
	local look

	# shellcheck disable=SC2016
	look='echo "uid=$(id -u) shadow=$(cat /etc/shadow 2>/dev/null | wc -l) home=$(find /root /home -mindepth 1 2>/dev/null | wc -l) var=$(ls /var/log 2>/dev/null | wc -l)" >&2'
	new_machine
	private_etc
	echo root:secret:1:::::: > /etc/shadow
	chmod 0600 /etc/shadow
	module look 1.0
	echo "$look" >> "$sourcetree/look-1.0/dkms.conf"
	evaluates "a dkms.conf that everybody can read"
	chmod 0600 "$sourcetree/look-1.0/dkms.conf"
	evaluates "a dkms.conf of mode 0600"
	chmod 0700 "$sourcetree/look-1.0"
	evaluates "in a directory of mode 0700"
	chmod 0700 "$work"
	evaluates "below a directory of mode 0700"
	chmod 0755 "$work" "$sourcetree/look-1.0"
	echo "$look" > "$etc/look.conf"
	chmod 0600 "$etc/look.conf" "$sourcetree/look-1.0/dkms.conf"
	evaluates "and an override file of mode 0600"
	rm "$etc/look.conf"
	# A link must not make root hand over another file.
	mv "$sourcetree/look-1.0/dkms.conf" "$work/elsewhere"
	ln -s /etc/shadow "$sourcetree/look-1.0/dkms.conf"
	dkms remove look/1.0 --all > /dev/null 2>&1 || true
	run_dkms add look/1.0
	is "$status" 1 "a dkms.conf that is a link to /etc/shadow: an error"
	like "$err" "look-1.0/dkms.conf can be read only by its owner, and is not evaluated as root" "a link to /etc/shadow: it says why"
	ok "a link to /etc/shadow: nothing of it is printed" test "${err/secret/}" = "$err"
}

evaluates() # DESCRIPTION
{
	dkms remove look/1.0 --all > /dev/null 2>&1 || true
	run_dkms add look/1.0
	is "$status" 0 "$1: it is evaluated"
	like "$err" "uid=6[1-5][0-9]{3} shadow=0 home=0 var=0" "$1: not by root, and without seeing more than a build"
	ok "$1: never by root" test "${err/uid=0 /}" = "$err"
}

# Calls that no build needs, in Perl, which has them by number.
calls()
{
	local name number line log

	if [ "$arch" != x86_64 ]; then
		skip "numbers of system calls are known for x86_64 only" "system calls"
		return
	fi
	new_machine
	private_etc
	module calls 1.0 PRE_BUILD=calls.pl
	cat > "$sourcetree/calls-1.0/calls.pl" <<'END'
#!/usr/bin/perl
my $page = "\0" x 4096;
my %calls = (keyctl => [250, 0, -3, 0], add_key => [248, "user", "x", "x", 1, -3], request_key => [249, "user", "x", 0, -3],
	bpf => [321, 0, $page, 128], perf_event_open => [298, $page, 0, -1, -1, 0], userfaultfd => [323, 1],
	ptrace => [101, 0, 0, 0, 0], mount => [165, "none", "/tmp", "tmpfs", 0, 0], unshare_user => [272, 0x10000000],
	unshare_mount => [272, 0x20000], io_uring_setup => [425, 1, $page], open_by_handle_at => [304, 5, $page, 0],
	process_vm_readv => [310, $$, 0, 0, 0, 0, 0], syslog => [103, 10, 0, 0], vsock => [41, 40, 1, 0], alg => [41, 38, 5, 0],
	packet => [41, 17, 3, 0], unix => [41, 1, 1, 0], clone3 => [435, 0, 0], setns => [308, 0, 0]);
for (sort keys %calls) {
	my @call = @{$calls{$_}};
	my $r = syscall($call[0], @call[1 .. $#call]);
	print "call $_=", $r < 0 ? $! + 0 : "works", "\n";
}
END
	chmod 0755 "$sourcetree/calls-1.0/calls.pl"
	dkms_exits 0 "a build that tries system calls" build calls/1.0 -k $K
	log=$dkmstree/calls/1.0/$K/$arch/log/make.log
	while read -r name number; do
		line=$(sed -n "s/^call $name=//p" "$log")
		is "$line" "$number" "$name"
	done <<-END
		add_key 1
		alg 97
		bpf 1
		clone3 38
		io_uring_setup 38
		keyctl 1
		mount 1
		open_by_handle_at 1
		packet 97
		perf_event_open 1
		process_vm_readv 1
		ptrace 1
		request_key 1
		setns 1
		syslog 1
		unix works
		unshare_mount 1
		unshare_user 1
		userfaultfd 1
		vsock 97
	END
	echo 'sandbox_all_system_calls=yes' > "$etc/framework.conf"
	dkms_exits 0 "sandbox_all_system_calls" build calls/1.0 -k $K --force
	is "$(sed -n 's/^call ptrace=//p' "$log")" works "sandbox_all_system_calls permits them"
	rm "$etc/framework.conf"
}

# kill -9 of dkms, or of bubblewrap, ends the build.
killed() # DESCRIPTION VICTIM [OPTION...]
{
	local n pid

	begins build stays/1.0 -k $K --force "${@:3}"
	pid=$dkms
	[ "$2" = dkms ] || pid=$(pgrep -P $dkms bwrap | head -1)
	ok "$1: the build runs" pgrep -f the-build-of-stays
	kill -KILL "$pid"
	wait $dkms 2>/dev/null || true
	for ((n = 0; n < 200; n++)); do
		pgrep -f the-build-of-stays > /dev/null || break
		sleep 0.05
	done
	ok "$1: no process of the build is left" refused pgrep -f the-build-of-stays
	pkill -KILL -f the-build-of-stays || true
}

kills()
{
	new_machine
	module stays 1.0 PRE_BUILD=pre.sh
	write_script "$sourcetree/stays-1.0/pre.sh" 'setsid bash -c "exec -a the-build-of-stays sleep 1000" & bash -c "exec -a the-build-of-stays sleep 1000" &' \
		"sleep 0.3; $waiting"
	write_script "$sourcetree/stays-1.0/daemon.sh" 'setsid bash -c "exec -a the-build-of-stays sleep 1000" > /dev/null 2>&1 &'
	dkms add stays/1.0 > /dev/null
	killed "kill -9 of dkms" dkms
	killed "kill -9 of bubblewrap" bwrap
	trees=("${trees[@]/--no-cache/--cache-dir=$machine/cache}")
	killed "kill -9 of dkms, traced" dkms
	write_script "$work/bin/bwrap" 'case " $* " in *" --unshare-user "*) exec /usr/bin/bwrap "$@" ;; esac; exit 1'
	killed "kill -9 of dkms, with a user namespace" dkms
	write_script "$work/bin/bwrap" 'exit 1'
	run_dkms build stays/1.0 -k $K7 --directive PRE_BUILD=daemon.sh
	is "$status" 0 "a build without namespaces leaves processes behind"
	ok "dkms ends them" refused pgrep -f the-build-of-stays
	rm "$work/bin/bwrap"
	run_dkms build stays/1.0 -k $K7 --force --timeout 2s
	ok "--timeout ends all processes" refused pgrep -f the-build-of-stays
}

# The name of a package in BUILD_DEPENDS is a path that bubblewrap, as root, would follow out of the
# sandbox, where it makes directories and links.
dependencies()
{
	local deep=a/a/a/a ups=../../../.. top name

	new_machine
	mkdir -m 0700 "$work/roots"
	top=/oldroot$work/roots/etc
	"${stranger[@]}" mkdir -p "/tmp/joe/$deep" "/tmp/joe$top/1.0/$K/$arch/module"
	"${stranger[@]}" ln -s $deep /tmp/joe/l
	"${stranger[@]}" ln -s "1.0/$K/$arch" "/tmp/joe$top/kernel-$K-$arch"
	name=$(realpath -m --relative-to="$dkmstree" /tmp/joe)/l/$ups$top
	module climbs 1.0 "BUILD_DEPENDS='$name'"
	run_dkms build climbs/1.0 -k $K
	is "$status" 8 "a path in BUILD_DEPENDS: an error"
	like "$err" 'BUILD_DEPENDS has "../../.*", but must have names of packages, without' "a path in BUILD_DEPENDS: it says so"
	is "$(ls "$work/roots")" "" "a path in BUILD_DEPENDS: nothing is made outside of the sandbox"
	rm -rf /tmp/joe "$work/roots"
}

# Users who are accounts, or who run something, are not taken for builds.
accounts()
{
	local free=64321 busy=64322

	new_machine
	private_etc
	seq 61184 65519 | grep -vxE "$free|$busy" | sed 's/.*/joe&:x:&:&::\/:\/bin\/sh/' >> /etc/passwd
	setpriv --reuid=$busy --regid=$busy --clear-groups sleep 1000 &
	until [ "$(ps -o uid= -p $!)" -eq $busy ]; do sleep 0.05; done
	module user 1.0 "MAKE[0]='echo user=\$(id -u) && make -C \$kernel_source_dir M=\$dkms_tree/user/1.0/build'"
	dkms_exits 0 "all users of the range but one are in use" build user/1.0 -k $K
	is "$(sed -n 's/^user=//p' "$dkmstree/user/1.0/$K/$arch/log/make.log")" $free "the build is the one who is left"
	kill $!
	wait $! 2>/dev/null || true
	sed -i '/^joe6/d' /etc/passwd
}

# Runs a command with $work/r as its root directory: an overlay of the machine's, in which this test may
# make directories.
in_root() # COMMAND...
{
	# shellcheck disable=SC2016
	unshare --mount --propagation private "$BASH" -c 'cd "$0" && pivot_root . old && cd / && "$@"' "$work/r" "$@"
}

# A make command that names a directory in / does not make it visible.
mentioned()
{
	local dir

	new_machine
	mkdir "$work"/{r,layer}
	mount -t tmpfs layer "$work/layer"
	mkdir "$work/layer"/{upper,work}
	if ! mount -t overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$work/r" 2>/dev/null; then
		skip "no overlay on /" "a directory in /"
		return
	fi
	mkdir "$work/r"/{old,zz-people}
	echo secret > "$work/r/zz-people/diary"
	for dir in /proc /dev /sys "$TMPDIR"; do mount --rbind $dir "$work/r$dir"; done
	module reads 1.0 "MAKE[0]='cat /zz-people/diary; make -C \$kernel_source_dir M=\$dkms_tree/reads/1.0/build'"
	in_root "$DKMS" build reads/1.0 -k $K "${trees[@]}" > "$work/out" 2>&1 || true
	ok "the build has tried to read it" grep -rq "/zz-people/diary: No such file" "$dkmstree/reads/1.0" --include=make.log
	ok "the make command of a package shows no directory in /" refused grep -rq secret "$dkmstree/reads/1.0" --include=make.log
	in_root "$DKMS" build reads/1.0 -k $K --force "${trees[@]}" \
		--directive "MAKE=cat /zz-people/diary && make -C $installtree/$K/build M=$dkmstree/reads/1.0/build" > "$work/out" 2>&1 || true
	ok "one that the administrator gives does" grep -rq secret "$dkmstree/reads/1.0" --include=make.log
	umount -R "$work/r"
	umount "$work/layer"
}

# A package leaves a wrong result in ccache for the genuine package of the same name.
ccache_of_others()
{
	local version

	new_machine
	private_etc
	if ! command -v ccache > /dev/null || ! command -v objdump > /dev/null; then
		skip "needs ccache and objdump" "results in ccache"
		return
	fi
	trees=("${trees[@]/--no-cache/--cache-dir=$machine/cache}")
	echo 'ccache=yes' > "$etc/framework.conf"
	for version in 1.0 2.0; do
		module good $version
		echo 'int answer(void) { return 42; }' > "$sourcetree/good-$version/real.c"
		# shellcheck disable=SC2016
		echo 'MAKE="gcc -O2 -c real.c -o real.o && strings -a real.o > /dev/null; objdump -s -j .text real.o; make -C $kernel_source_dir M=$dkms_tree/good/'$version'/build"' \
			>> "$sourcetree/good-$version/dkms.conf"
	done
	echo PRE_BUILD=evil.sh >> "$sourcetree/good-1.0/dkms.conf"
	# shellcheck disable=SC2016
	write_script "$sourcetree/good-1.0/evil.sh" 'echo "int answer(void) { return 666; }" > bad.c' \
		'results() { find "$CCACHE_DIR" -type f -name "*R" | sort; }' \
		'gcc -O2 -c real.c -o r.o; results > before; gcc -O2 -c bad.c -o b.o; results > after' \
		'cp -f "$(comm -13 before after | head -n 1)" "$(head -n 1 before)"'
	dkms_exits 0 "ccache: a package replaces a result" build good/1.0 -k $K
	answers 9a02 "ccache: it has spoilt its own build"
	dkms remove good/1.0 --all > /dev/null
	dkms_exits 0 "ccache: the genuine package of that name is built" build good/2.0 -k $K
	answers 2a00 "ccache: with its own code"
	rm "$etc/framework.conf"
}

# Another user has objects in a directory that everybody may write to, and that root has named for ccache.
ccache_storages()
{
	local kind storage

	new_machine
	private_etc
	if ! command -v ccache > /dev/null; then
		skip "needs ccache" "storages of ccache"
		return
	fi
	trees=("${trees[@]/--no-cache/--cache-dir=$machine/cache}")
	echo 'ccache=yes' > "$etc/framework.conf"
	module good 1.0
	echo 'int answer(void) { return 42; }' > "$sourcetree/good-1.0/real.c"
	# shellcheck disable=SC2016
	write_script "$sourcetree/good-1.0/show" 'echo "storage=$CCACHE_REMOTE_STORAGE."'
	# shellcheck disable=SC2016
	echo 'MAKE="./show; gcc -O2 -c real.c -o real.o; make -C $kernel_source_dir M=$dkms_tree/good/1.0/build"' \
		>> "$sourcetree/good-1.0/dkms.conf"
	for kind in everybody sticky group owner below above link; do
		storage=$machine/$kind/storage
		mkdir -p "$storage/ab"
		case $kind in
		everybody) chmod 777 "$storage" ;;
		sticky) chmod 1777 "$storage" ;;
		group) chmod 775 "$storage" ;;
		owner) chown 4242 "$storage" ;;
		below) chmod 777 "$storage/ab" ;;
		above) chmod 777 "$machine/$kind" ;;
		link) mkdir -m 777 "$machine/for-all"; mv "$storage" "$machine/for-all/"; ln -s "$machine/for-all/storage" "$storage" ;;
		esac
		CCACHE_REMOTE_STORAGE="file://$storage file:$storage" run_dkms build good/1.0 -k $K --force
		is "$status" 0 "ccache: $kind: the package is built"
		like "$err" "CCACHE_REMOTE_STORAGE is not used: users other than root may" "ccache: $kind: the storage is not used"
		is "$(grep storage= "$dkmstree/good/1.0/$K/$arch/log/make.log" | tail -n 1)" "storage=." "ccache: $kind: the build does not see it"
		is "$(find "$storage/" -type f)" "" "ccache: $kind: nothing is written to it"
	done
	storage=$machine/safe
	mkdir -m 755 "$storage"
	CCACHE_REMOTE_STORAGE="file:$storage" run_dkms build good/1.0 -k $K --force
	is "$err" "" "ccache: a storage of root's is used"
	is "$(grep storage= "$dkmstree/good/1.0/$K/$arch/log/make.log" | tail -n 1 | grep -c '|read-only\.$')" 1 "ccache: for reading only"
	is "$(find "$storage/" -type f)" "" "ccache: nothing is written to it"
	CCACHE_REMOTE_STORAGE="file://host/x" run_dkms build good/1.0 -k $K --force
	like "$err" "CCACHE_REMOTE_STORAGE is not used: file://host/x is no file:///DIRECTORY" "ccache: another URL of a file is not used"
	rm "$etc/framework.conf"
}

# The constant in the code of answer(), as the log shows it; only x86_64 has it there.
answers() # BYTES DESCRIPTION
{
	if [ "$arch" = x86_64 ]; then
		ok "$2" grep -Eqs "^ 0000 .*b8 ?$1" "$dkmstree"/good/*/"$K/$arch/log/make.log"
	else
		skip "not x86_64" "$2"
	fi
}

root
slow
added
expressions
own_users
mounts
private_conf
calls
kills
dependencies
accounts
mentioned
ccache_of_others
ccache_storages
finish
