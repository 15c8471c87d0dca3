#!/bin/bash
# The RPM package: rpmbuild compiles it once, and packs it with the macros of Fedora and with those
# of openSUSE.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

command -v rpmbuild > /dev/null || skip_all "rpmbuild is not installed"

export HOME=$work # rpm has a database of packages there
version=$(sed -n 's/^AC_INIT(\[dkms\], \[\(.*\)\])$/\1/p' "$top_srcdir/configure.ac")

# The macros of these distributions that the spec uses. Each script prints its name.
fedora=(-D 'fedora 41' -D '_unitdir /usr/lib/systemd/system' -D 'systemd_post() : systemd_post %*'
	-D 'systemd_preun() : systemd_preun %*' -D 'systemd_postun() : systemd_postun %*')
suse=(-D 'suse_version 1600' -D '_unitdir /usr/lib/systemd/system'
	-D 'service_add_pre() : service_add_pre %*' -D 'service_add_post() : service_add_post %*'
	-D 'service_del_preun() : service_del_preun %*'
	-D 'service_del_postun_without_restart() : service_del_postun %*')

build() # OPTION...
{
	# The program is not run, so it is compiled without optimization.
	rpmbuild --nodeps --noclean -D "_topdir $work/rpm" -D "_sourcedir $work" -D 'optflags -O0' \
		-D 'debug_package %{nil}' -D '_build_id_links none' -D '_rpmfilename dkms.rpm' "$@" "$work/dkms.spec"
}

files() { rpm -qp --qf '[%{filenames} %{fileflags:fflags} %{filemodes:perms}\n]' "$work/rpm/RPMS/dkms.rpm"; }
scripts() { rpm -qp --scripts "$work/rpm/RPMS/dkms.rpm" | sed -n 's/^: //p' | paste -sd,; }

# In another directory than that of make deb, which may run at the same time.
ok "the source directory is made" make -C "${top_builddir:?}" distdir distdir="$work/dkms-$version"
tar -C "$work" -czf "$work/dkms-$version.tar.gz" "dkms-$version"
sed "s/@VERSION@/$version/" "$top_srcdir/packaging/dkms.spec" > "$work/dkms.spec"

ok "rpmbuild builds the package for Fedora" build -bb "${fedora[@]}"
files > "$work/fedora"
is "$(cut -d' ' -f1 "$work/fedora" | grep -v '^/usr/share/\(doc\|licenses\)' | sed 's/\.gz$//')" "/etc/dkms
/etc/dkms/framework.conf
/etc/dkms/framework.conf.d
/etc/kernel/postinst.d
/etc/kernel/postinst.d/dkms
/etc/kernel/prerm.d
/etc/kernel/prerm.d/dkms
/usr/lib/dkms
/usr/lib/dkms/answer-probes
/usr/lib/dkms/common.postinst
/usr/lib/dkms/compare
/usr/lib/dkms/dkms-remote-transfer
/usr/lib/dkms/dkms_autoinstaller
/usr/lib/kernel/install.d/40-dkms.install
/usr/lib/systemd/system/dkms.service
/usr/sbin/dkms
/usr/share/bash-completion/completions/dkms
/usr/share/fish/vendor_completions.d/dkms.fish
/usr/share/man/man5/dkms-framework.conf.5
/usr/share/man/man5/dkms.conf.5
/usr/share/man/man7/dkms-remote.7
/usr/share/man/man8/dkms-cache.8
/usr/share/man/man8/dkms.8
/usr/share/zsh/site-functions/_dkms
/var/lib/dkms" "all files are in their directories"
like "$(cat "$work/fedora")" "^/usr/share/licenses/dkms[^/]*/COPYING l " "the licence is marked as such"
like "$(cat "$work/fedora")" "^/etc/dkms/framework.conf cn -rw-r--r--$" "framework.conf is a configuration file that keeps changes"
like "$(cat "$work/fedora")" "^/usr/sbin/dkms +-rwxr-xr-x$" "the program is executable"
is "$(scripts)" "systemd_post dkms.service,systemd_preun dkms.service,systemd_postun dkms.service" \
	"its scripts use the macros of systemd"
requires=$(rpm -qp --requires "$work/rpm/RPMS/dkms.rpm")
for name in bubblewrap gcc kmod make patch 'libarchive\.so\.13' 'libcrypto\.so\.3' 'libkmod\.so\.2' \
	'liblzma\.so\.5' 'libseccomp\.so\.2' 'libzstd\.so\.1'
do
	like "$requires" "^$name(\(\)\(64bit\))?$" "the package requires ${name//\\/}"
done
like "$(rpm -qp --recommends "$work/rpm/RPMS/dkms.rpm")" "kernel-devel-matched if kernel-core" "the package recommends headers"

ok "the installation with the macros of openSUSE" build -bi --short-circuit "${suse[@]}"
ok "rpmbuild packs the package for openSUSE" build -bb --short-circuit "${suse[@]}"
is "$(diff <(cut -d' ' -f1 "$work/fedora") <(files | cut -d' ' -f1) | sed -n 's/^[<>] //p')" "/etc/kernel
/usr/lib/kernel
/usr/lib/kernel/install.d
/usr/share/fish
/usr/share/fish/vendor_completions.d
/usr/share/zsh
/usr/share/zsh/site-functions" "openSUSE: the same files, and directories that no other package has"
is "$(scripts)" "service_add_pre dkms.service,service_add_post dkms.service,service_del_preun dkms.service,service_del_postun dkms.service" \
	"its scripts use the macros of openSUSE"
like "$(rpm -qp --recommends "$work/rpm/RPMS/dkms.rpm")" "^kernel-default-devel$" "openSUSE: the package recommends headers"
finish
