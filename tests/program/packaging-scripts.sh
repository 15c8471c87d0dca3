#!/bin/bash
# The scripts that make install installs beside the program: common.postinst, dkms_autoinstaller and
# the hooks of kernel packages. Descriptions name the section of the contract (compat) that they
# test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
C5=5.10.0-1-cloud-amd64
running=$(uname -r)

inst=$work/inst

# Installs the files below $inst, with --prefix=$inst --sysconfdir=$inst/etc.
install_files()
{
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "${top_builddir:?}" install-data-local \
		prefix="$inst" sysconfdir="$inst/etc" "$@"
}

places()
{
	ok "make install" install_files DESTDIR="$work/dest"
	is "$(cd "$work/dest$inst" && find . -type f -printf '%p %m\n' | sort)" "./etc/dkms/framework.conf 644
./etc/kernel/header_postinst.d/dkms 755
./etc/kernel/postinst.d/dkms 755
./etc/kernel/preinst.d/dkms 755
./etc/kernel/prerm.d/dkms 755
./lib/dkms/common.postinst 755
./lib/dkms/dkms_autoinstaller 755
./lib/kernel/install.d/40-dkms.install 755
./lib/systemd/system/dkms.service 644
./share/bash-completion/completions/dkms 644
./share/fish/vendor_completions.d/dkms.fish 644
./share/zsh/site-functions/_dkms 644" "compat 1, 10: every file is in its directory below DESTDIR"
	ok "compat 1: framework.conf.d is there" test -d "$work/dest$inst/etc/dkms/framework.conf.d"
	echo mine > "$work/dest$inst/etc/dkms/framework.conf"
	ok "make install again" install_files DESTDIR="$work/dest"
	is "$(cat "$work/dest$inst/etc/dkms/framework.conf")" mine "an existing framework.conf is kept"
	is "$(grep -rlE 'wt/|DESTDIR' "$work/dest" | wc -l)" 0 "no file has a path of the build"
	ok "make install to the final directory" install_files
	sed 's/^#\([a-z_]*=\)/\1/' "$inst/etc/dkms/framework.conf" > "$work/all.conf"
	ok "bash can read framework.conf and its examples" bash -n "$work/all.conf"
	is "$(sed -n 's/^#\([a-z_]*\)=.*/\1/p' "$inst/etc/dkms/framework.conf" | sort)" \
		"$(sed -n 's/^\.It Va //p' "$top_srcdir/cli/man/dkms-framework.conf.5" | tr -d ',' | tr -s ' ' '\n' |
			grep -vE '^(|ADDON_MODULES_DIR|continue_on_error)$' | sort)" \
		"framework.conf shows every setting of its manual page"
	if command -v systemd-analyze > /dev/null; then
		# It writes a file there.
		[ -z "$private" ] || [ ! -d /run/systemd ] || mount -t tmpfs dkms-test /run/systemd
		is "$(systemd-analyze verify "$inst/lib/systemd/system/dkms.service" 2>&1 |
			grep -c 'dkms.service:[0-9]')" 0 "dkms.service is valid"
	fi
	like "$(cat "$inst/lib/systemd/system/dkms.service")" "^ExecStart=$inst/lib/dkms/dkms_autoinstaller start$" \
		"compat 10: dkms.service runs autoinstall"
}

# Makes a new machine whose trees are set in framework.conf, since the scripts take no options.
# LINEs are added to framework.conf.
described() # LINE...
{
	machine
	printf '%s\n' "dkms_tree='$dkmstree'" "source_tree='$sourcetree'" "install_tree='$installtree'" \
		"$@" > /etc/dkms/framework.conf
	rm -rf "$inst/etc/dkms"
	ln -s /etc/dkms "$inst/etc/dkms"
}

# Runs an installed file and sets $status, $out and $err.
call() # PATH ARGUMENT...
{
	local path=$inst/$1

	shift
	status=0
	"$path" "$@" < /dev/null > "$work/out" 2> "$work/err" || status=$?
	out=$(cat "$work/out")
	err=$(cat "$work/err")
}

calls() # STATUS DESCRIPTION PATH ARGUMENT...
{
	local want=$1 description=$2

	shift 2
	call "$@"
	is "$status" "$want" "$description"
	[ "$status" = "$want" ] || note "$*"$'\n'"$out"$'\n'"$err"
}

states() # NAME VERSION RELEASE...
{
	local name=$1 version=$2 release

	shift 2
	for release; do
		state "$name" "$version" "$release"
	done | paste -sd' '
}

postinst()
{
	local p=lib/dkms/common.postinst

	described
	calls 1 "compat 10: common.postinst without arguments" $p
	calls 1 "compat 10: common.postinst without a version" $p one
	kernel $K
	kernel "$running"
	kernel 99.0-1
	kernel 100.0-headers
	rm -r "$installtree/100.0-headers/build"
	module one 1.0
	calls 0 "compat 10: common.postinst" $p one 1.0
	is "$(states one 1.0 $K "$running" 99.0-1)" "added installed added" "compat 10: it is installed for the running kernel"
	like "$out" "100.0-headers, whose headers are not installed" "compat 10: the newest kernel needs headers"
	rm -r "$installtree/100.0-headers"
	inode=$(stat -c %i "$dkmstree/one/1.0/$running/$arch")
	calls 0 "compat 10: common.postinst again" $p one 1.0 "" "" 0.9
	is "$(states one 1.0 $K "$running" 99.0-1)" "added installed installed" "compat 10: it is installed for the running and the newest kernel"
	ok "compat 10: the same version is removed first" \
		test "$(stat -c %i "$dkmstree/one/1.0/$running/$arch")" != "$inode"
	module two 1.0 'AUTOINSTALL='
	calls 0 "common.postinst without AUTOINSTALL" $p two 1.0
	is "$(states two 1.0 "$running")" added "the module is only added"
	read -r _ _ _ _ _ session _ < /proc/$$/stat
	module who 1.0 'read -r _ _ _ _ _ session _ < /proc/$$/stat' \
		"{ id -u; [ ! -r /etc/shadow ] || echo shadow; echo \"\$SECRET\"; [ \$session != $session ] || echo session; } >> '$work/open/who' 2> /dev/null"
	mkdir -m 0777 "$work/open"
	chmod 0755 "$work"
	SECRET=secret calls 0 "common.postinst of a package whose dkms.conf runs commands" $p who 1.0
	is "$(state who 1.0 "$running")" installed "the module is installed"
	if setpriv --reuid=65534 --regid=65534 --clear-groups true 2> /dev/null; then
		is "$(paste -sd, "$work/open/who")" "65534," "its dkms.conf is not run by root, without the environment and in another session"
	else
		skip "needs several users" "who runs dkms.conf"
	fi
	# A process that it leaves behind, in a session of its own, holds what it has inherited.
	module stays 1.0 '(trap "" HUP; exec setsid sleep 1000) <&0 &' '(exec setsid sleep 1000) 4>&4 &' \
		"$(printf '#%01000d\n' {1..100})"
	status=0
	[ -n "$private" ] || rm "$sourcetree/stays-1.0/dkms.conf" # they would stay after the test
	timeout 100 "$inst/$p" stays 1.0 < /dev/null > "$work/out" 2> "$work/err" || status=$?
	is "$status" 0 "common.postinst does not wait for processes that a dkms.conf leaves behind"
	is "$(state stays 1.0 "$running")" installed "the module is installed"
	# Without another user to become, root does not run the dkms.conf.
	write_script "$work/bin/setpriv" "case \"\$*\" in *65534*) exit 1 ;; *) exec $(command -v setpriv) \"\$@\" ;; esac"
	hash -r
	rm -f "$work/open/who"
	calls 0 "common.postinst where setpriv(1) does not work" $p who 1.0
	is "$(state who 1.0 "$running")" installed "the module is installed"
	is "$(grep -xs 0 "$work/open/who" || true)" "" "root has not run the dkms.conf"
	calls 0 "a package without AUTOINSTALL, where setpriv(1) does not work" $p two 1.0
	is "$(state two 1.0 "$running")" added "it is only added"
	rm "$work/bin/setpriv"
	hash -r
	module never 1.0 'BUILD_EXCLUSIVE_KERNEL=^1$'
	calls 0 "compat 10: common.postinst of a package that is excluded" $p never 1.0
	is "$(states never 1.0 "$running")" added "an excluded module is no failure"
	module bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	calls 10 "compat 10: common.postinst, a build fails" $p bad 1.0
	calls 0 "common.postinst of what has no source" $p nothing 1.0
	like "$err" "nothing/1.0 is not built: there is no .*/nothing/1.0/source/dkms.conf" "it does not speak of AUTOINSTALL"
	is "$(grep -c AUTOINSTALL "$work/out")" 0 "neither on standard output"
	# The link to the source was lost.
	module lost 1.0
	dkms install lost/1.0 -k $K > /dev/null
	rm "$dkmstree/lost/1.0/source"
	calls 0 "common.postinst of a broken version" $p lost 1.0
	is "$(states lost 1.0 "$running")" installed "it is added again and installed"
	mkdir -p "$dkmstree/leftover/1.0/build"
	module leftover 1.0
	calls 0 "common.postinst over a leftover" $p leftover 1.0
	is "$(states leftover 1.0 "$running")" installed "it is installed"
	PATH=$work/bin:/usr/bin:/bin calls 0 "common.postinst with a short PATH" $p one 1.0
	touch /etc/dkms/no-autoinstall
	module off 1.0
	calls 0 "compat 1: no-autoinstall" $p off 1.0
	is "$(state off 1.0)" absent "compat 1: no module is added"
	rm /etc/dkms/no-autoinstall

	described
	module one 1.0
	calls 0 "common.postinst without any kernel" $p one 1.0
	like "$err" "^dkms: warning: one/1\.0 is not built: no kernel has its headers installed in $installtree" "there is a warning"
	kernel 99.0-1
	rm -r "$installtree/99.0-1/build"
	calls 0 "common.postinst without any headers" $p one 1.0
	like "$err" "^dkms: warning: one/1\.0 is not built: no kernel has its headers" "there is a warning"

	described
	kernel $K
	module one 1.0
	# The sanitizers of dkms need /proc; surroundings.sh tests dkms without it.
	write_script "$work/no-proc/dkms" "exec unshare --mount --propagation private sh -c \\
		'umount /proc && exec \"\$0\" \"\$@\"' '$DKMS' \"\$@\""
	write_script "$inst/no-proc" "PATH=$work/no-proc:\$PATH exec unshare --mount --propagation private sh -c \\
		'mount -t tmpfs dkms-test /proc && exec \"\$@\"' sh '$inst/$p' \"\$@\""
	calls 0 "common.postinst without /proc" no-proc one 1.0
	is "$(states one 1.0 $K)" installed "it is installed"
	rm "$inst/no-proc"

	described autoinstall_all_kernels=yes
	kernel $K
	kernel "$running"
	kernel $C5
	module one 1.0
	calls 0 "compat 10: autoinstall_all_kernels" $p one 1.0 "" "" 0.9
	is "$(states one 1.0 $K "$running" $C5)" "installed installed installed" "compat 10: it is installed for all kernels"

	described
	kernel $K
	kernel $C5
	module one 1.0
	calls 0 "compat 10: the running kernel is not installed here" $p one 1.0
	is "$(states one 1.0 $K $C5)" "installed installed" "compat 10: it is installed for all kernels with headers"
	calls 0 "compat 10: and it is an upgrade" $p one 1.0 "" "" 0.9
	is "$(states one 1.0 $K $C5)" "added installed" "compat 10: it is installed for the newest kernel only"
	calls 0 "compat 10: an architecture" $p one 1.0 "" sparc 0.9
	ok "compat 10: the architecture is passed on" test -d "$dkmstree/one/1.0/$C5/sparc/module"
	rm -rf "${installtree:?}"/*
	calls 0 "compat 10: no kernels at all" $p one 1.0
	is "$(state one 1.0)" added "the module is added"
}

autoinstaller()
{
	local a=lib/dkms/dkms_autoinstaller

	described
	kernel $K
	kernel "$running"
	mkdir -p "$installtree/$K7/kernel"
	module one 1.0
	dkms add one/1.0 > /dev/null
	calls 2 "compat 10: dkms_autoinstaller without a word" $a
	calls 0 "dkms_autoinstaller stop" $a stop
	calls 0 "compat 10: dkms_autoinstaller start" $a start
	is "$(states one 1.0 "$running" $K)" "installed added" "compat 10: it is for the running kernel"
	calls 0 "compat 10: dkms_autoinstaller start KVER" $a start $K
	is "$(states one 1.0 $K)" installed "compat 10: it is for the given kernel"
	calls 0 "compat 11.7: a kernel without headers" $a start $K7
	like "$out" "$K7, whose headers" "compat 11.7: missing headers are reported, but are no failure"
	module bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	dkms add bad/1.0 > /dev/null
	calls 1 "compat 11.7: every failure is 1" $a start $K
}

# A build that hangs does not keep the network away from a machine that starts.
boot()
{
	local unit=$inst/lib/systemd/system/dkms.service limit

	is "$(sed -n 's/^Environment=//p' "$unit")" DKMS_BOOT_TIMEOUT=1800 "dkms.service limits each job"
	is "$(sed -n 's/^TimeoutStartSec=//p' "$unit")" 2h "dkms.service limits all of them"
	described
	kernel "$running"
	module hangs 1.0 'PRE_BUILD=hang'
	write_script "$sourcetree/hangs-1.0/hang" 'sleep 60'
	module network 1.0
	dkms add hangs/1.0 > /dev/null
	dkms add network/1.0 > /dev/null
	limit=$SECONDS
	DKMS_BOOT_TIMEOUT=4 calls 1 "a build hangs at boot" lib/dkms/dkms_autoinstaller start
	ok "it does not hang for long" test $((SECONDS - limit)) -lt 40
	like "$out$err" "ran longer than [34] s" "it is told"
	is "$(state network 1.0 "$running")" installed "the other package is installed"
	described build_timeout=3
	kernel "$running"
	module hangs 1.0 'PRE_BUILD=hang'
	write_script "$sourcetree/hangs-1.0/hang" 'sleep 60'
	dkms add hangs/1.0 > /dev/null
	DKMS_BOOT_TIMEOUT=3000 calls 1 "framework.conf has a limit" lib/dkms/dkms_autoinstaller start
	like "$out$err" "ran longer than [23] s" "it counts"
}

hooks()
{
	described
	kernel $K
	kernel $K7
	module one 1.0
	module manual 1.0 'AUTOINSTALL=no'
	dkms add one/1.0 > /dev/null
	dkms install manual/1.0 -k $K > /dev/null
	for hook in postinst.d header_postinst.d; do
		calls 0 "compat 10: $hook/dkms" etc/kernel/$hook/dkms $K
		is "$(states one 1.0 $K $K7)" "installed added" "compat 10: the modules are installed for that kernel"
		calls 0 "compat 10: preinst.d/dkms" etc/kernel/preinst.d/dkms $K
		is "$(states one 1.0 $K) $(states manual 1.0 $K)" "added installed" \
			"compat 10: modules that the new kernel gets again are unbuilt"
	done
	calls 0 "compat 10: 40-dkms.install add" lib/kernel/install.d/40-dkms.install add $K /boot/x
	is "$(states one 1.0 $K)" installed "compat 10: the modules are installed"
	calls 0 "another verb" lib/kernel/install.d/40-dkms.install inspect $K
	calls 0 "compat 10: 40-dkms.install remove" lib/kernel/install.d/40-dkms.install remove $K
	is "$(states one 1.0 $K) $(states manual 1.0 $K)" "added added" "compat 10: all modules are unbuilt"
	dkms install one/1.0 -k $K7 > /dev/null
	calls 0 "compat 10: prerm.d/dkms" etc/kernel/prerm.d/dkms $K7
	is "$(states one 1.0 $K7)" added "compat 10: the module is unbuilt"
	module bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	dkms add bad/1.0 > /dev/null
	calls 1 "compat 11.7: postinst.d/dkms, a build fails" etc/kernel/postinst.d/dkms $K
	dkms install one/1.0 -k $K --force > /dev/null
	rm -r "$sourcetree/one-1.0"
	calls 0 "prerm.d/dkms, something fails: the kernel can go" etc/kernel/prerm.d/dkms $K
	like "$err" "one/1.0" "the failure is reported"
	module fails 1.0
	echo '#error "no such thing"' >> "$sourcetree/fails-1.0/fails.c"
	dkms add fails/1.0 > /dev/null
	calls 0 "40-dkms.install add, a build fails: kernel-install goes on" lib/kernel/install.d/40-dkms.install add $K
	like "$err" "^dkms: warning: not all modules could be installed for $K" "it says so"
	calls 0 "40-dkms.install remove, something fails" lib/kernel/install.d/40-dkms.install remove $K
	calls 0 "40-dkms.install with another verb" lib/kernel/install.d/40-dkms.install inspect $K
	rm "$inst/lib/dkms/dkms_autoinstaller"
	calls 0 "postinst.d/dkms after dkms itself has gone" etc/kernel/postinst.d/dkms $K
}

# A maintainer script that uses debconf has the answers on its standard input and writes to debconf
# by descriptor 3. Package managers also start scripts with closed descriptors.
descriptors()
{
	local script speak='{ echo speaks >&3; } 2> /dev/null; read line' closed

	described
	kernel $K
	kernel "$running"
	module loud 1.0 POST_ADD=speak PRE_BUILD=speak POST_BUILD=speak POST_INSTALL=speak POST_REMOVE=speak \
		"$speak"
	write_script "$sourcetree/loud-1.0/speak" "$speak; echo \"\$line\" >> '$work/heard'; exit 0"
	echo "an answer" > "$work/answers"
	for script in "lib/dkms/common.postinst loud 1.0" "lib/dkms/dkms_autoinstaller start $running" \
		"etc/kernel/postinst.d/dkms $K" "etc/kernel/prerm.d/dkms $K" "etc/kernel/preinst.d/dkms $running"
	do
		: > "$work/debconf"
		# shellcheck disable=SC2086 # words
		is "$({ "$inst"/$script > "$work/out" 2>&1; echo $?; cat; } < "$work/answers" 3> "$work/debconf" |
			paste -sd' ')$(cat "$work/debconf")" "0 an answer" "${script%% *}: nothing speaks to debconf or hears its answers"
	done
	ok "scripts of the module were called" test -s "$work/heard"
	is "$(grep . "$work/heard")" "" "they could not read the answers"
	is "$(states loud 1.0 $K "$running")" "added added" "the module is uninstalled"
	for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&- 2>&-'; do
		dkms unbuild loud/1.0 -k "$running" > /dev/null
		eval "'$inst/lib/dkms/common.postinst' loud 1.0 $closed" > /dev/null 2>&1 || note "exit status $?"
		is "$(states loud 1.0 "$running")" installed "common.postinst $closed"
		eval "'$inst/etc/kernel/prerm.d/dkms' $running $closed" > /dev/null 2>&1 || note "exit status $?"
		is "$(states loud 1.0 "$running")" added "prerm.d/dkms $closed"
		eval "'$inst/etc/kernel/postinst.d/dkms' $running $closed" > /dev/null 2>&1 || note "exit status $?"
		is "$(states loud 1.0 "$running")" installed "postinst.d/dkms $closed"
	done
}

places
if private_etc; then
	sed -i "s,$inst/etc/dkms,/etc/dkms,g" "$inst"/lib/dkms/*
	ln -s "$DKMS" "$work/bin/dkms"
	postinst
	autoinstaller
	boot
	descriptors
	hooks
else
	skip "needs a mount namespace" "compat 10: scripts on private trees"
fi
finish
