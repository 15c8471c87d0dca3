#!/bin/bash
# on_failure: whose failures may break the installation of a kernel? The setting of the machine and
# of packages, on kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

private_etc || skip_all "needs a mount namespace"

K7=4.19.0-7-amd64
left_out="warning: failed, but on_failure=warn keeps it out of the exit status:"

# Makes a machine with the package good, and with LINEs in framework.conf.
described() # LINE...
{
	rm -rf "${etc:?}"/*
	machine
	kernel $K
	add good 1.0
	printf '%s\n' "$@" > "$etc/framework.conf"
}

add_failing() # NAME [LINE...]
{
	local name=$1

	shift
	add "$name" 1.0 "$@"
	echo '#error "no such thing"' >> "$sourcetree/$name-1.0/$name.c"
}

of_package()
{
	described
	add_failing bad
	dkms_exits 11 "autoinstall fails with a package that fails" autoinstall -k $K
	is "$(grep -c "$left_out" "$work/err")" 0 "nothing is left out"
	printf '%s\n' '# may break' 'on_failure="warn"' > "$etc/bad.conf"
	dkms_exits 0 "on_failure=warn in NAME.conf: autoinstall" autoinstall -k $K
	like "$err" "bad/1.0 for $K: FAILED" "the failure is printed"
	like "$err" "$left_out bad/1.0 for $K" "and that the exit status leaves it out"
	is "$(state good 1.0 $K) $(state bad 1.0 $K)" "installed added" "the other package is installed"
	dkms_exits 0 "kernel_postinst --quiet" kernel_postinst -k $K --quiet
	like "$err" "bad/1.0 for $K: FAILED" "the failure is printed with --quiet"
	like "$err" "$left_out bad/1.0 for $K" "and that the exit status leaves it out, too"
	dkms_exits 10 "install by name fails" install bad/1.0 -k $K
	is "$(grep -c "$left_out" "$work/err")" 0 "and leaves nothing out"
	dkms_exits 10 "build by name fails" build bad/1.0 -k $K
	dkms_exits 0 "install --as-hook" install bad/1.0 -k $K --as-hook
	like "$err" "$left_out bad/1.0 for $K" "says what is left out"
	dkms_exits 0 "autoinstall --json" autoinstall -k $K --json
	is "$(jq -r '.status, (.jobs[] | select(.module == "bad" and .kind == "install") |
		.result, .status, .on_failure)' "$work/out" | paste -sd' ')" "0 failed 10 warn" \
		"--json has the failure and the setting"
	add_failing worse
	dkms_exits 11 "a package that may fail, and one that may not" autoinstall -k $K
	like "$err" "$left_out bad/1.0 for $K$" "the first one is left out"
	kernel $K7
	dkms_exits 0 "two kernels" autoinstall -k $K -k $K7 --directive AUTOINSTALL=no
	rm -r "$dkmstree/worse"
	dkms_exits 0 "two kernels, and a package that may fail" autoinstall -k $K -k $K7
	like "$err" "$left_out bad/1.0 for $K, bad/1.0 for $K7" "both are named"
}

# The files that are not of the package alone, and what is written in other ways.
other_files()
{
	local file line

	for file in bad-1.0 "bad-1.0-$K" "bad-1.0-$K-$arch" "bad--$K" "bad--$K-$arch"; do
		described
		add_failing bad
		echo on_failure=warn > "$etc/$file.conf"
		dkms_exits 0 "on_failure in $file.conf" autoinstall -k $K
	done
	rm "$etc/$file.conf"
	echo on_failure=warn > "$etc/bad--$K7.conf"
	dkms_exits 11 "on_failure in the file for another kernel" autoinstall -k $K
	rm "$etc/bad--$K7.conf"
	# shellcheck disable=SC2016
	for line in 'on_failure=warn'$'\r' "export on_failure='warn' # why" '[[ $kernelver == 4.* ]] && on_failure=warn' \
		'[ $module/$module_version/$arch = bad/1.0/'"$arch"' ] && on_failure=warn' '. /etc/dkms/common' \
		'source /etc/dkms/common' '[ -f /etc/dkms/common ] && . /etc/dkms/common' $'source\t/etc/dkms/common' \
		$'# a comment\n\t. /etc/dkms/common' $'.\t/etc/dkms/common' '{ . /etc/dkms/common; }' \
		'if [ -e /etc/dkms/common ]; then . /etc/dkms/common; fi' \
		$'.\\\n /etc/dkms/common' 'eval "$(cat /etc/dkms/common)"' '[ 1 ] && eval `cat /etc/dkms/common`'; do
		echo on_failure=warn > "$etc/common"
		echo "$line" > "$etc/bad.conf"
		dkms_exits 0 "bash reads the file: ${line//[$'\n\t']/ }" autoinstall -k $K
	done
	chmod 0600 "$etc/bad.conf"
	dkms_exits 0 "a file that only root can read" autoinstall -k $K
	# shellcheck disable=SC2016
	echo '[[ $kernelver == 5.* ]] && on_failure=warn' > "$etc/bad.conf"
	dkms_exits 11 "a condition that is not met" autoinstall -k $K
	echo "on_failure=perhaps" > "$etc/bad.conf"
	dkms_exits 11 "a value that is not allowed" autoinstall -k $K
	like "$err" "/etc/dkms/bad.conf: on_failure is \"perhaps\", but must be fail or warn" "is named with its file"
	dkms build good/1.0 -k $K > /dev/null
	cp "$etc/bad.conf" "$etc/good.conf"
	dkms_exits 0 "it does not keep a package from being removed" remove good/1.0 -k $K
}

# A package cannot decide that for itself.
not_of_the_package()
{
	described
	add_failing bad 'on_failure=warn' 'declare -r on_failure' 'export on_failure'
	dkms_exits 11 "on_failure in the dkms.conf" autoinstall -k $K
	echo 'STRIP=no # on_failure is not set here' > "$etc/bad.conf"
	dkms_exits 11 "on_failure in the dkms.conf, beside a NAME.conf" autoinstall -k $K
	on_failure=warn dkms_exits 11 "on_failure in the environment" autoinstall -k $K
}

of_machine()
{
	described 'on_failure="warn"'
	add_failing bad
	add_failing strict
	add broken 1.0
	echo 'AUTOINSTALL=maybe' >> "$sourcetree/broken-1.0/dkms.conf"
	add needs 1.0 'BUILD_DEPENDS=bad'
	dkms_exits 0 "on_failure=warn in framework.conf" autoinstall -k $K
	for name in bad strict broken needs; do
		like "$err" "$left_out.* $name/1.0 for $K" "$name is named"
	done
	is "$(state good 1.0 $K)" installed "the good package is installed"
	rm -r "$installtree/$K/build"
	add late 1.0
	dkms_exits 0 "without headers" autoinstall -k $K
	like "$err" "no kernel headers" "they are said to be missing"
	like "$err" "$left_out.* late/1.0 for $K" "and what is left out"
	machine
	kernel $K
	add_failing strict
	echo on_failure=fail > "$etc/strict.conf"
	dkms_exits 11 "on_failure=fail in NAME.conf is stronger" autoinstall -k $K
	echo on_failure= > "$etc/strict.conf"
	dkms_exits 0 "an empty one is none" autoinstall -k $K
	echo on_failure=no > "$etc/framework.conf"
	dkms_exits 8 "a value that is not allowed" autoinstall -k $K
	like "$err" 'framework.conf: on_failure is "no", but must be fail or warn' "is an error"
	echo on_failure=warn > "$etc/framework.conf"
	dkms_exits 2 "an error of the command itself is one" autoinstall -k $K --all
}

# The commands that unbuild.
removal()
{
	described
	dkms install good/1.0 -k $K > /dev/null
	chmod a-w "$dkmstree"
	mv "$sourcetree/good-1.0" "$sourcetree/aside"
	dkms_exits 14 "kernel_prerm of a broken version" kernel_prerm -k $K
	echo on_failure=warn > "$etc/good.conf"
	dkms_exits 0 "kernel_prerm, on_failure=warn" kernel_prerm -k $K
	like "$err" "good/1.0 for $K: FAILED: good/1.0 is broken" "the failure is printed"
	like "$err" "$left_out good/1.0 for $K" "and that the exit status leaves it out"
}

# What packages of kernels and of modules call.
scripts()
{
	local inst=$work/inst release

	release=$(uname -r)
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "${top_builddir:?}" install-data-local \
		prefix="$inst" sysconfdir="$inst/etc" > /dev/null
	rm -rf "$inst/etc/dkms"
	ln -s /etc/dkms "$inst/etc/dkms"
	described
	kernel "$release"
	module bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	printf '%s\n' "dkms_tree='$dkmstree'" "source_tree='$sourcetree'" "install_tree='$installtree'" \
		"cache_dir=" > "$etc/framework.conf"
	write_script "$work/bin/dkms" "exec '$DKMS' \"\$@\""
	exits 10 "common.postinst of a package that fails" "$inst/lib/dkms/common.postinst" bad 1.0
	exits 1 "dkms_autoinstaller" "$inst/lib/dkms/dkms_autoinstaller" start $K
	echo on_failure=warn > "$etc/bad.conf"
	exits 0 "common.postinst, on_failure=warn" "$inst/lib/dkms/common.postinst" bad 1.0
	like "$(cat "$work/tap.out")" "$left_out bad/1.0 for $release" "it says what is left out"
	exits 0 "dkms_autoinstaller, on_failure=warn" "$inst/lib/dkms/dkms_autoinstaller" start $K
	like "$(cat "$work/tap.out")" "$left_out bad/1.0 for $K" "it says what is left out"
	is "$(state bad 1.0 "$release")" added "the package stays added"
}

of_package
other_files
not_of_the_package
of_machine
removal
scripts
finish
