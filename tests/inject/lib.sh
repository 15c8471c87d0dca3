# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of this directory share: scenarios, which are a machine and a command, and runs of
# dkms with the library that inject.c makes. A test sources this file after fixture.sh.

K7=4.19.0-7-amd64
${CC:-cc} -O1 -g -shared -fPIC -o "$work/inject.so" "$top_srcdir/tests/inject/inject.c" \
	-ldl -pthread > "$work/inject.log" 2>&1 || skip_all "inject.c cannot be compiled"
for tool in openssl depmod dpkg-deb; do
	command -v $tool > /dev/null || skip_all "$tool is not installed"
done
preload=$(ldd "$DKMS" | awk '/libasan/ { print $3 }')
preload="$preload${preload:+ }$work/inject.so"
export ASAN_OPTIONS=detect_leaks=0:exitcode=99 UBSAN_OPTIONS=exitcode=99

scenarios=(add load install full reinstall replace sign uninstall remove autoinstall restore store mkdeb doctor)
# The machine of this scenario has /etc/dkms, by a link; the others read nothing that it writes there.
! private_etc || scenarios+=(skip)
start_limit=120 # seconds; a run takes less than one on an idle machine

# Makes the machine of a scenario, and sets $command to the arguments of dkms that are tried on it.
# $machine is a directory of this worker.
scenario() # NAME
{
	local m

	also='' talk=''
	rm -rf "$machine" "$machine.cache"
	mkdir -p "$dkmstree" "$sourcetree" "$installtree"
	kernel $K
	module hello 1.0 'POST_INSTALL="post.sh installed"' 'POST_REMOVE="post.sh removed"' \
		'POST_ADD="post.sh added"'
	write_script "$sourcetree/hello-1.0/post.sh" "touch '$machine/'\"\$1\""
	kernel_module $K kernel/hello.ko 0.1 old
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" -j1)
	case $1 in
	restore|store|full|fetch|push) trees+=(--cache-dir "$machine/cache") ;;
	*) trees+=(--no-cache) ;;
	esac
	case $1 in
	add)
		mv "$sourcetree/hello-1.0" "$machine/hello"
		command=(add "$machine/hello") ;;
	load)
		dkms add hello/1.0
		dkms build hello/1.0 -k $K
		dkms mktarball hello/1.0 -k $K --archive "$machine/hello.tar"
		dkms remove hello/1.0 --all
		rm -r "$sourcetree/hello-1.0"
		command=(ldtarball "$machine/hello.tar") ;;
	install)
		command=(install hello/1.0 -k "$K") ;;
	full)
		make_full
		command=(install hello/1.0 -k "$K") ;;
	reinstall)
		dkms install hello/1.0 -k $K
		command=(install hello/1.0 -k "$K" --force) ;;
	replace)
		module hello 1.1
		dkms install hello/1.0 -k $K
		command=(install hello/1.1 -k "$K") ;;
	sign)
		make_full
		mv "$dkmstree"/mok.* "$machine"
		dkms install hello/1.0 -k $K
		mv "$machine"/mok.* "$dkmstree"
		command=(sign hello/1.0 -k "$K") ;;
	uninstall)
		dkms install hello/1.0 -k $K
		command=(uninstall hello/1.0 -k "$K") ;;
	remove)
		dkms install hello/1.0 -k $K
		command=(remove hello/1.0 --all) ;;
	autoinstall)
		kernel $K7
		module other 1.0 'BUILD_DEPENDS=hello'
		for m in hello other; do
			dkms add $m/1.0
		done
		command=(autoinstall -k "$K" -k "$K7") ;;
	store)
		command=(install hello/1.0 -k "$K") ;;
	restore)
		dkms install hello/1.0 -k $K
		dkms unbuild hello/1.0 -k $K
		command=(install hello/1.0 -k "$K") ;;
	fetch|push)
		mountpoint -q /etc || exit
		mkdir -p "$machine/etc/dkms/remote.d"
		rm -rf /etc/dkms
		ln -s "$machine/etc/dkms" /etc/dkms
		also=/etc/dkms talk=yes
		cp "$work/build1.pub" "$machine/etc/dkms/remote.d"
		echo "remote_sign_key=$work/build1.sec" > "$machine/etc/dkms/framework.conf"
		trees+=(--remote "$server/ok")
		if [ "$1" = fetch ]; then
			dkms install hello/1.0 -k $K
			dkms unbuild hello/1.0 -k $K
			rm -r "$machine/cache" "$machine/etc/dkms/framework.conf"
		fi
		command=(install hello/1.0 -k "$K") ;;
	broken)
		write_script "$machine/bin/depmod" 'exit 1'
		command=(install hello/1.0 -k "$K") ;;
	doctor)
		dkms install hello/1.0 -k $K
		kernel $K7
		dkms install hello/1.0 -k $K7
		rm "$installtree/$K/$dest/hello.ko"
		mkdir -p "$dkmstree/gone/1.0"
		touch "$dkmstree/.depmod-$K7"
		command=(doctor --fix) ;;
	skip)
		mountpoint -q /etc || exit
		mkdir -p "$machine/etc/dkms"
		rm -rf /etc/dkms
		ln -s "$machine/etc/dkms" /etc/dkms
		dkms skip other/1.0 --all
		also=/etc/dkms
		command=(skip nobody -k "$K") ;;
	mkdeb)
		dkms build hello/1.0 -k $K
		command=(mkdeb hello/1.0 -k "$K" --binaries-only) ;;
	esac > /dev/null
	depmod_all
	rm -rf "$machine.before"
	cp -a "$machine" "$machine.before"
}

# Writes the files of depmod for each kernel, so that all of them are as dkms leaves them.
depmod_all()
{
	local dir

	mkdir -p "$machine/base/lib"
	ln -sfn "$installtree" "$machine/base/lib/modules"
	for dir in "$installtree"/*; do
		depmod -b "$machine/base" "${dir##*/}"
	done
	rm -r "$machine/base"
}

# Makes hello a module that needs everything that dkms can do for a build and an install, on a kernel
# with signed, compressed modules.
make_full()
{
	local one

	echo 'CONFIG_MODULE_SIG_HASH="sha256"' | tee -a "$installtree/$K/build/.config" \
		>> "$installtree/$K/build/include/config/auto.conf"
	gzip "$installtree/$K/kernel/fs/ext9.ko" "$installtree/$K/kernel/hello.ko"
	mkdir "$sourcetree/hello-1.0/patches"
	printf '%s\n' '--- a/hello.c' '+++ b/hello.c' '@@ -1,1 +1,2 @@' \
		"$(sed -n '1s/^/ /p' "$sourcetree/hello-1.0/hello.c")" '+MODULE_INFO(patched, "yes");' \
		> "$sourcetree/hello-1.0/patches/one.patch"
	for one in PRE_BUILD POST_BUILD PRE_INSTALL; do
		echo "$one=true.sh" >> "$sourcetree/hello-1.0/dkms.conf"
	done
	write_script "$sourcetree/hello-1.0/true.sh" true
	# Only bash can read the second line.
	# shellcheck disable=SC2016
	printf '%s\n' 'PATCH=one.patch' ': "$(true)"' >> "$sourcetree/hello-1.0/dkms.conf"
	[ -e "$machine.key" ] || openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=test -outform DER \
		-keyout "$machine.key" -out "$machine.pub" 2> /dev/null
	# A signature of 8 bytes that depends on the key, its length and the marker, as struct
	# module_signature of the kernel.
	write_script "$installtree/$K/build/scripts/sign-file" 'printf "%.8s" "$(sha256sum < "$2")" >> "$4"' \
		'printf "\\000\\000\\002\\000\\000\\000\\000\\000\\000\\000\\000\\010" >> "$4"' \
		'printf "~Module signature appended~\n" >> "$4"'
	cp "$machine.key" "$dkmstree/mok.key"
	cp "$machine.pub" "$dkmstree/mok.pub"
}

# Makes the machine as it was before the command.
restore_machine()
{
	rm -rf "$machine"
	cp -a "$machine.before" "$machine"
}

# Runs the command with the variables of inject.c, and sets $status; $machine.hit has the calls that
# were hit, and $machine.out what dkms has printed.
inject() # VARIABLE=VALUE...
{
	status=0
	: > "$machine.hit"
	timeout -k 5 $start_limit env "$@" TMPDIR="$machine" PATH="$machine/bin:$PATH" INJECT_ROOT="$machine" \
		INJECT_ALSO="$also" ${talk:+INJECT_TALK=1} INJECT_LOG="$machine.hit" LD_PRELOAD="$preload" "$DKMS" "${command[@]}" "${more[@]}" "${trees[@]}" \
		< /dev/null > "$machine.out" 2>&1 || status=$?
}

# Runs the command as it is, and sets $status.
run_again() # OPTION...
{
	status=0
	TMPDIR=$machine PATH=$machine/bin:$PATH timeout -k 5 $start_limit "$DKMS" "${command[@]}" "$@" "${trees[@]}" \
		< /dev/null > "$machine.again" 2>&1 || status=$?
}

# Prints what there is: the type, the mode and the target of each file, and the content of those that
# are the same in each run. The cache is left out, and what the administrator may delete, and the record
# by which autoinstall notices later changes: a build goes on where it cannot be made.
picture()
{
	(
		cd "$machine" || exit
		find . -path ./cache -prune -o -path '*/log/provenance.json' -printf '%p %y\n' -o -path '*/log/inputs' -o -path '*/log/signers' -prune -o -name '.[!.]*' -prune -o -name 'dkms-*' -prune -o -path '*/build/*' -prune -o \
			${lossy:+-path '*/log/*' -prune -o -path ./installed -prune -o} \
			${lossy:+-path ./removed -prune -o -path ./added -prune -o} -printf '%p %y %m %l\n'
		[ ! -e etc/dkms ] || cksum etc/dkms/*
		find lib/modules var/lib/dkms -name '.?*' -prune -o -path '*/log/*' -prune -o \
			-name 'modules.*.bin' -prune -o -name '*.deb' -prune -o -type f -exec cksum {} +
	) | sort
}

# Compares the picture with $done. Prints nothing if there are only more empty directories.
more_than_directories()
{
	picture | diff <(echo "$done") - | grep '^[<>]' | grep -v '^> [^ ]* d ' || true
}

# Prints the temporary files of dkms that are there.
leftovers()
{
	(
		cd "$machine" || exit
		find . -path './cache/v1/tmp/*' -print -o -path './usr/src/linux-*' -prune -o \
			-path ./var/lib/dkms/.locks -prune -o \
			-name '.?*' ! -name '.installed-*' -print -o -name 'dkms-*' -print
	)
	stray_records
}

# Prints the lines of callers of the last hit, for people.
callers()
{
	local address

	head -n 1 "$machine.hit" | tr ' ' '\n' | grep '^0x' | while read -r address; do
		addr2line -f -s -e "$DKMS" "$address" | paste -sd ' '
	done | grep -v '??' | head -n 6 | paste -sd ',' | sed 's/,/, /g'
}

# Calls FUNCTION for each of the scenarios, in a machine of its own. $findings is the file for what it
# finds.
worker() # NUMBER FUNCTION SCENARIO...
{
	local one

	machine=$work/worker$1
	dkmstree=$machine/var/lib/dkms
	sourcetree=$machine/usr/src
	installtree=$machine/lib/modules
	for one in "${@:3}"; do
		findings=$work/findings.$one
		: > "$findings"
		"$2" "$one"
	done
}

# Does so for two lists of scenarios at the same time, and for each calls REPORT in the end.
in_two_machines() # FUNCTION REPORT LIST LIST
{
	local -n list0=$3 list1=$4
	local one workers

	worker 0 "$1" "${list0[@]}" 2> "$work/worker0.err" &
	workers=($!)
	worker 1 "$1" "${list1[@]}" 2> "$work/worker1.err" &
	workers+=($!)
	wait "${workers[@]}" # and not for a server
	for one in "${scenarios[@]}"; do
		"$2" "$one"
	done
}

# Sets the arrays half0 and half1: every second one of the scenarios.
halve_scenarios()
{
	local i

	half0=() half1=()
	for ((i = 0; i < ${#scenarios[@]}; i += 2)); do half0+=("${scenarios[i]}"); done
	for ((i = 1; i < ${#scenarios[@]}; i += 2)); do half1+=("${scenarios[i]}"); done
}
