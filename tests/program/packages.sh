#!/bin/bash
# mkdeb and mkrpm: the contents of the packages that they make, and that dpkg and rpm can install,
# upgrade and remove them.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
export DEBFULLNAME="Some One" DEBEMAIL=someone@example.org
unset SOURCE_DATE_EPOCH
export HOME=$work/home # rpm has a database of packages there
mkdir "$HOME"

[ -n "$private" ] || skip_all "needs a mount namespace"

# Runs a command with a PATH that has all tools except TOOL.
without() # TOOL COMMAND...
{
	local tool=$1 path=$work/without dir

	shift
	mkdir -p "$path"
	for dir in /usr/bin /bin; do
		find "$dir/" -maxdepth 1 ! -type d ! -name "$tool" -exec ln -sf -t "$path" {} +
	done
	rm -f "$path/$tool"
	PATH=$path "$@"
}

stages() { find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'dkms-package-*'; }

names()
{
	local stem

	machine
	kernel $K
	kernel $K7
	module Some_Mod 1.0-rc1
	module plain-dkms v2:1_0-
	dkms install Some_Mod/1.0-rc1 -k $K -k $K7 > /dev/null
	dkms add plain-dkms/v2:1_0- > /dev/null
	$make_deb || return 0
	# shellcheck disable=SC2016 # the script expands it
	write_script "$work/bin/dpkg-deb" "stat -c %a ${TMPDIR:-/tmp}/dkms-package-* > '$work/mode'" \
		"exec $(command -v dpkg-deb) \"\$@\""
	dkms_exits 0 "mkdeb" mkdeb Some_Mod/1.0-rc1
	rm "$work/bin/dpkg-deb"
	hash -r
	is "$(cat "$work/mode")" 700 "only root can look into the directory that the package is made in"
	deb=$dkmstree/Some_Mod/1.0-rc1/deb/some-mod-dkms_1.0-rc1_all.deb
	is "$out" "dkms: Some_Mod/1.0-rc1: packed into $deb" "mkdeb prints the path"
	is "$(dpkg-deb -f "$deb" Package Version Architecture Maintainer Depends)" "Package: some-mod-dkms
Version: 1.0-rc1
Architecture: all
Maintainer: Some One <someone@example.org>
Depends: dkms" "the fields of the package"
	is "$(dpkg-deb --fsys-tarfile "$deb" | tar -t | grep '[^/]$')" "./usr/share/doc/some-mod-dkms/changelog.Debian.gz
./usr/share/doc/some-mod-dkms/copyright
./usr/src/Some_Mod-1.0-rc1/Makefile
./usr/src/Some_Mod-1.0-rc1/Some_Mod.c
./usr/src/Some_Mod-1.0-rc1/dkms.conf" "the files of the package"
	dkms_exits 0 "mkdeb of another module" mkdeb -m plain-dkms -v v2:1_0- --source-only
	is "$(cd "$dkmstree/plain-dkms/v2:1_0-/deb" && echo *)" "plain-dkms_0~v2.1.0_all.deb" \
		"characters that a package's version cannot have are replaced"
	dkms_exits 0 "mkdeb --binaries-only" mkdeb Some_Mod/1.0-rc1 --binaries-only --all
	is "$(cd "${deb%/*}" && echo some-mod-modules-*)" \
		"some-mod-modules-${K}_1.0-rc1_$deb_arch.deb some-mod-modules-${K7}_1.0-rc1_$deb_arch.deb" \
		"a package for each kernel"
	built=${deb%/*}/some-mod-modules-${K}_1.0-rc1_$deb_arch.deb
	is "$(dpkg-deb -f "$built" Depends Conflicts)" "Depends: kmod, linux-image-$K | linux-image-$K-unsigned | linux-image-unsigned-$K
Conflicts: some-mod-dkms" "the package of modules depends on the kernel"
	like "$(dpkg-deb -c "$built")" "^-rw-r--r-- root/root .*/lib/modules/$K/$dest/Some_Mod.ko$" "it has the module"
	stem=$(dpkg-deb --fsys-tarfile "$built" | tar -xO --wildcards '*/Some_Mod.ko' | cksum)
	is "$stem" "$(cksum < "$dkmstree/Some_Mod/1.0-rc1/$K/$arch/module/Some_Mod.ko")" "the module is the built one"
	if command -v lintian > /dev/null; then
		ok "lintian finds no errors" lintian --allow-root --fail-on error "$deb" "$built"
	else
		skip "lintian is not installed" "lintian finds no errors"
	fi

	# The same files give the same package.
	cp "$deb" "$work/first.deb"
	find "$sourcetree/Some_Mod-1.0-rc1" -name Makefile -exec touch -d '2020-01-02 UTC' {} +
	dkms mkdeb Some_Mod/1.0-rc1 --archive "$work/second.deb" > /dev/null
	ok "the time of a file matters" test "$(cksum < "$deb")" != "$(cksum < "$work/second.deb")"
	(umask 077 && cp -a "$sourcetree/Some_Mod-1.0-rc1" "$work/again")
	chmod 0666 "$sourcetree/Some_Mod-1.0-rc1"/*
	touch "$sourcetree/Some_Mod-1.0-rc1"
	TMPDIR=$work dkms mkdeb Some_Mod/1.0-rc1 --archive "$work/third.deb" > /dev/null
	ok "modes, the path and the time of the build do not matter" cmp "$work/second.deb" "$work/third.deb"
	SOURCE_DATE_EPOCH=86400 dkms mkdeb Some_Mod/1.0-rc1 --archive epoch.deb > /dev/null
	is "$(TZ=UTC dpkg-deb -c "${deb%/*}/epoch.deb" | grep -v 1970-01-02)" "" "SOURCE_DATE_EPOCH is used"
	DEBFULLNAME='' DEBEMAIL='Other <other@example.org>' dkms mkdeb Some_Mod/1.0-rc1 --archive other.deb > /dev/null
	is "$(dpkg-deb -f "${deb%/*}/other.deb" Maintainer)" "Other <other@example.org>" "DEBEMAIL may have a name"
	is "$(stages)" "" "no temporary file is left"
}

errors()
{
	local tool word

	machine
	kernel $K
	module one 1.0
	module 'a@b' 1.0
	dkms add one/1.0 > /dev/null
	dkms add a@b/1.0 > /dev/null
	for word in mkdeb:dpkg-deb mkrpm:rpmbuild; do
		tool=${word#*:} word=${word%:*}
		dkms_exits 1 "compat 9: $word without a module" $word
		dkms_exits 3 "compat 9: $word of an unknown version" $word none/1.0
		dkms_exits 6 "compat 9: $word --binaries-only of a version that is not built" $word one/1.0 --binaries-only -k $K
		like "$err" "^ +dkms build one/1.0 -k $K" "$word: the error has a remedy"
		dkms_exits 3 "$word of a name that is not valid for a package" $word a@b/1.0
		dkms_exits 8 "compat 9: $word with --binaries-only and --source-only" $word one/1.0 --binaries-only --source-only
		dkms_exits 2 "$word --dry-run" $word one/1.0 --dry-run
		write_script "$work/bin/$tool" 'echo "no paper" >&2' 'exit 3'
		dkms_exits 9 "compat 9: $word: $tool fails" $word one/1.0
		like "$err" "cannot make one-dkms.*: $tool exited 3" "$word: the error has the exit status of the tool"
		like "$err" "no paper" "$word: the error has the message of $tool"
		is "$(ls -A "$dkmstree/one/1.0")" source "$word: no package is made"
		rm "$work/bin/$tool"
		without "$tool" dkms_exits 9 "compat 9: $word without $tool" $word one/1.0
		like "$err" "$tool could not be started" "$word: the error says that $tool could not be started"
		[ "$dest" = kernel/extra ] || like "$err" "^ +(apt|dnf|zypper|pacman) .*(dpkg|rpm)" "$word: and what helps"
	done
	if $make_deb; then
		dkms_exits 9 "compat 9: the destination cannot be written" mkdeb one/1.0 --archive /proc/none/x.deb
		mkfifo "$work/fifo"
		dkms_exits 9 "compat 9: the destination is a named pipe" mkdeb one/1.0 --archive "$work/fifo"
		ok "the named pipe is kept" test -p "$work/fifo"
		ln -s "$work/target.deb" "$work/link.deb"
		touch "$work/target.deb"
		dkms_exits 0 "the destination is a link" mkdeb one/1.0 --archive "$work/link.deb"
		ok "the target of the link is written" test -L "$work/link.deb" -a -s "$work/target.deb"
	fi
	is "$(stages)" "" "no temporary file is left"

	# The use of -k.
	$make_deb || return 0
	dkms_exits 0 "-k without --binaries-only" mkdeb one/1.0 -k $K
	like "$err" "mkdeb packs only the source" "there is a warning"
	dkms_exits 0 "-k with --source-only" mkdeb one/1.0 -k $K --source-only
	is "$err" "" "there is no warning"
	kernel $K7
	dkms build one/1.0 -k $K -k $K7 > /dev/null
	dkms_exits 2 "one name for two packages" mkdeb one/1.0 --binaries-only -k $K -k $K7 --archive x.deb
	mkdir "$sourcetree/one-1.0/one-dkms-mkdeb"
	dkms_exits 0 "a template of earlier versions" mkdeb one/1.0
	like "$err" "one-dkms-mkdeb is not used" "there is a warning that it is not used"
	is "$(dkms mkdeb one/1.0 --json 2> /dev/null | jq -r '.jobs[] | .kind + " " + .archive')" \
		"pack $dkmstree/one/1.0/deb/one-dkms_1.0_all.deb" "--json has the path"
}

# mkdeb is killed while its tool runs.
interrupted()
{
	local signal pid

	machine
	kernel $K
	module one 1.0
	dkms add one/1.0 > /dev/null
	for signal in TERM KILL; do
		rm -f "$work/began"
		write_script "$work/bin/dpkg-deb" "echo > '$work/began'" 'exec sleep 60'
		dkms mkdeb one/1.0 > "$work/out" 2>&1 &
		pid=$!
		while [ ! -s "$work/began" ]; do sleep 0.05; done
		is "$(stages | wc -l)" 1 "SIG$signal: the tool is running"
		# dkms is a function here; the program is a child of $pid.
		kill -$signal "$(pgrep -P $pid -x dkms || echo $pid)"
		wait $pid 2>/dev/null || true
		is "$(ls -A "$dkmstree/one/1.0")" source "SIG$signal: no package is made"
		[ $signal = KILL ] || is "$(stages)" "" "SIG$signal: nothing is left"
	done
	rm "$work/bin/dpkg-deb"
	is "$(stages | wc -l)" 1 "SIGKILL leaves a temporary directory"
	$make_deb || return 0
	dkms_exits 0 "the next mkdeb" mkdeb one/1.0
	is "$(stages)" "" "it removes the temporary directory"
}

# Covers the system with layers, and installs our dkms as the system's.
system()
{
	machine
	mount_layers /etc /usr /var/cache /var/lib || return 1
	forget_packages
	machine='' dkmstree=/var/lib/dkms sourcetree=/usr/src installtree=/usr/lib/modules
	trees=()
	rm -rf /etc/dkms
	mount_empty $dkmstree $sourcetree $installtree
	cp "$DKMS" /usr/sbin/dkms
	make -C "${top_builddir:?}" install-data-local prefix=/usr sysconfdir=/etc > /dev/null
	echo 'autoinstall_all_kernels=yes cache_dir=' > /etc/dkms/framework.conf.d/test.conf
	kernel $K
	kernel $K7
	depmod $K
	touch $installtree/$K/modules.builtin
}

# A kernel with the name of a Fedora kernel.
on_fedora()
{
	local k=6.11.4-301.fc41.x86_64

	sed 's/^ID=.*/ID=fedora/; /^ID_LIKE/d' /etc/os-release > "$work/os-release"
	rm /etc/os-release
	cp "$work/os-release" /etc/os-release
	kernel $k
	module three 3.0
	dkms build three/3.0 -k $k > /dev/null
	dkms mkrpm three/3.0 --binaries-only -k $k --archive "$work/three.rpm" > /dev/null
	like "$(rpm -qp --requires "$work/three.rpm")" "^kernel-uname-r = $k$" "the package requires a kernel of Fedora"
	like "$(rpm -qlp "$work/three.rpm")" "/lib/modules/$k/extra/three.ko$" "its modules are in Fedora's directory"
}

# Prints the module if depmod knows it.
placed() # NAME KERNEL
{
	grep -o "^$dest/$1\.ko" "$installtree/$2/modules.dep"
}

# Packs a source that does not build.
source_that_fails() # COMMAND
{
	module four 4.0
	echo '#error "no such thing"' >> "$sourcetree/four-4.0/four.c"
	dkms add four/4.0 > /dev/null
	dkms "$1" four/4.0 --archive "$work/four.${1#mk}" > /dev/null
	dkms remove four/4.0 --all > /dev/null
	rm -r "$sourcetree/four-4.0"
}

sources_of_two()
{
	module two 1.0
	module two 1.1-2
	for version in 1.0 1.1-2; do
		dkms add two/$version > /dev/null
		dkms "$1" two/$version --archive "$work/two-$version.${1#mk}" > /dev/null
		dkms remove two/$version --all > /dev/null
		rm -r "$sourcetree/two-$version"
	done
}

with_dpkg()
{
	local d="dpkg --force-unsafe-io --force-bad-path"

	empty_deb "$work/dkms.deb" dkms 4.0.0
	$d -i "$work/dkms.deb" > /dev/null
	sources_of_two mkdeb
	ok "dpkg installs the source" $d -i "$work/two-1.0.deb"
	is "$(state two 1.0 $K) $(state two 1.0 $K7)" "installed installed" "its modules are built and installed"
	ok "dpkg upgrades it" $d -i "$work/two-1.1-2.deb"
	is "$(state two 1.0) $(state two 1.1-2 $K) $(state two 1.1-2 $K7)" "absent installed installed" \
		"the new modules have replaced the old ones"
	is "$(module_field version "$installtree/$K/$dest/two.ko")" 1.1-2 "the kernel's tree has the new module"
	ok "dpkg installs the same again" $d -i "$work/two-1.1-2.deb"
	is "$(state two 1.1-2 $K)" installed "the modules are installed"
	ok "dkms makes a package of the installed version" dkms mkdeb two/1.1-2 --binaries-only -k $K --archive "$work/built.deb"
	ok "dpkg removes it" $d -r two-dkms
	is "$(find $dkmstree $sourcetree $installtree -name '*two*')" "" "no file is left"

	source_that_fails mkdeb
	exits 1 "dpkg -i of a source that does not build fails" $d -i "$work/four.deb"
	is "$(dpkg-query -W -f '${db:Status-Status}' four-dkms)" half-configured "the package is not configured"
	ok "dpkg removes it" $d -r four-dkms
	is "$(dkms status)" "" "no version is left"

	exits 1 "dpkg -i of the modules without their kernel fails" $d -i "$work/built.deb"
	is "$(placed two $K)" "" "the package is not configured"
	empty_deb "$work/image.deb" linux-image-$K 1
	$d -i "$work/image.deb" > /dev/null
	ok "dpkg configures the modules after the kernel" $d --configure two-modules-$K
	is "$(placed two $K)" "$dest/two.ko" "depmod knows the module"
	is "$(dkms status)" "" "dkms does not know the module"
	exits 1 "the source cannot be installed beside the modules" $d -i "$work/two-1.1-2.deb"
	$d --remove two-dkms > /dev/null 2>&1 || true
	ok "dpkg removes them" $d -r two-modules-$K
	is "$(placed two $K)$(find $installtree -name 'two.ko')" "" "the modules are removed, and depmod knows it"
	ok "the directory of the kernel is kept" test -e $installtree/$K/modules.dep
}

with_rpm()
{
	local r="rpm --dbpath $work/rpmdb --nodeps --ignoresize" file=$work/built.rpm

	sources_of_two mkrpm
	is "$(ls -A "$HOME")" "" "mkrpm leaves nothing in the home directory"
	is "$(rpm -qp --qf '%{name} %{version} %{release} %{arch}\n' "$work/two-1.1-2.rpm")" \
		"two-dkms 1.1_2 1 noarch" "mkrpm: name, version and release"
	like "$(rpm -qp --requires "$work/two-1.0.rpm")" "^dkms$" "the package requires dkms"
	ok "rpm installs the source" $r -i "$work/two-1.0.rpm"
	is "$(state two 1.0 $K) $(state two 1.0 $K7)" "installed installed" "its modules are built and installed"
	ok "rpm upgrades it" $r -U "$work/two-1.1-2.rpm"
	is "$(state two 1.0) $(state two 1.1-2 $K) $(state two 1.1-2 $K7)" "absent installed installed" \
		"the new modules have replaced the old ones"
	is "$(find $sourcetree -name 'two-1.0*')" "" "the old source is removed"
	ok "rpm installs the same again" $r -U --replacepkgs "$work/two-1.1-2.rpm"
	is "$(state two 1.1-2 $K)" installed "the modules are installed"
	dkms mkrpm two/1.1-2 --archive "$work/again.rpm" > /dev/null
	ok "the same files give the same package" cmp "$work/again.rpm" "$work/two-1.1-2.rpm"
	dkms mkrpm two/1.1-2 --binaries-only -k $K --archive "$file" > /dev/null
	is "$(rpm -qp --qf '%{name} %{arch}' "$file")" "kmod-two-$K $arch" "mkrpm --binaries-only: name and architecture"
	ok "rpm removes the source" $r -e two-dkms
	is "$(find $dkmstree $sourcetree $installtree -name '*two*')" "" "no file is left"
	add shipped 1.0
	cp /bin/true "$sourcetree/shipped-1.0/blob.o_shipped"
	dkms_exits 0 "mkrpm: a source with an object" mkrpm shipped/1.0 --archive "$work/shipped.rpm"
	ok "the package has the object" grep -q 'blob\.o_shipped$' <(rpm -qlp "$work/shipped.rpm")
	dkms remove shipped/1.0 --all > /dev/null
	source_that_fails mkrpm
	ok "rpm installs a source that does not build" $r -i "$work/four.rpm"
	like "$(cat "$work/tap.out")" "four/4.0 for $K: FAILED" "rpm prints the failure"
	is "$(state four 4.0 $K)" added "the version is added"
	ok "rpm removes it" $r -e four-dkms
	like "$(rpm -qp --requires "$file")" "^/(usr/)?lib/modules/$K/modules.builtin$" "the package of modules requires the kernel"
	ok "rpm installs the modules" $r -i "$file"
	is "$(placed two $K)" "$dest/two.ko" "depmod knows the module"
	ok "rpm removes them" $r -e kmod-two-$K
	is "$(placed two $K)$(find $installtree -name 'two.ko')" "" "the modules are removed, and depmod knows it"
	ok "the directory of the kernel is kept" test -e $installtree/$K/modules.dep
}

# A failed build is reported to apport by a hook of the package.
reports()
{
	local hook=/usr/share/apport/package-hooks/dkms_packages.py stubs=$work/stubs

	kernel 5.10.0-1-amd64
	module bad 2.0
	echo '#error "no such thing"' >> "$sourcetree/bad-2.0/bad.c"
	write_script $hook "echo \"\$*\" >> '$work/hooked'"
	rm -f /usr/share/apport/apport
	dkms_exits 10 "a build fails" build bad/2.0 -k 5.10.0-1-amd64
	ok "without apport there is no report" test ! -e "$work/hooked"
	write_script /usr/share/apport/apport
	dkms_exits 10 "a build fails and apport is installed" build bad/2.0 -k 5.10.0-1-amd64
	is "$(cat "$work/hooked")" "-m bad -v 2.0 -k 5.10.0-1-amd64" "the failure is reported"
	dkms_exits 21 "a build without headers" build bad/2.0 -k 5.10.0-2-amd64
	is "$(wc -l < "$work/hooked")" 1 "missing headers are not reported"

	mkdir -p "$stubs/apport"
	printf '%s\n' 'class Report(dict):' '    def __init__(self, kind):' '        self.kind = kind' \
		'    def write(self, file):' \
		'        file.write("".join(f"{k}: {v.splitlines()[0]}\n" for k, v in sorted(self.items())))' \
		> "$stubs/apport/__init__.py"
	printf '%s\n' 'def make_report_file(report):' "    return open('$work/report', 'w')" > "$stubs/apport/fileutils.py"
	printf '%s\n' 'def attach_file_if_exists(report, path, key):' '    report[key] = open(path).read()' \
		> "$stubs/apport/hookutils.py"
	printf '%s\n' 'def get_file_package(path):' '    return "bad-dkms" if path == "/usr/src/bad-2.0" else None' \
		'def get_version(package):' '    return "2.0-1"' 'def get_source(package):' '    return "bad"' \
		> "$stubs/apport/packaging.py"
	export PYTHONPATH=$stubs PYTHONDONTWRITEBYTECODE=1
	hook=$top_srcdir/packaging/debian/dkms_packages.py
	ok "the hook makes a report" python3 "$hook" -m bad -v 2.0 -k 5.10.0-1-amd64
	is "$(grep -v ^DKMSBuildLog "$work/report")" "DKMSKernelVersion: 5.10.0-1-amd64
DuplicateSignature: dkms:bad-dkms:2.0-1:$dkmstree/bad/2.0/build/bad.c:3:2: error: #error \"no such thing\"
Package: bad-dkms 2.0-1
PackageVersion: 2.0-1
SourcePackage: bad
Title: bad-dkms 2.0-1: bad kernel module failed to build" "the report has all fields"
	like "$(grep ^DKMSBuildLog "$work/report")" "^DKMSBuildLog: DKMS" "the report has the log"
	exits 1 "a source that belongs to no package" python3 "$hook" -m other -v 2.0
	unset PYTHONPATH
	dkms remove bad/2.0 --all > /dev/null
	rm -r "$sourcetree/bad-2.0"
}

make_deb=true
command -v dpkg-deb > /dev/null || make_deb=false
deb_arch=$(dpkg --print-architecture 2> /dev/null || true)
names
errors
interrupted
if ! system 2> "$work/system.log"; then
	skip "no overlays: $(tail -n 1 "$work/system.log")" "packages are installed"
	finish
fi
reports
if $make_deb && command -v dpkg > /dev/null; then
	with_dpkg
else
	skip "no dpkg" "Debian packages are installed"
fi
if command -v rpmbuild > /dev/null; then
	with_rpm
	on_fedora
else
	skip "no rpmbuild" "RPM packages are installed"
fi
finish
