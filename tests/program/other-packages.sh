#!/bin/bash
# Builds see what other packages bring: their sources, and what is installed for the same kernel.
# What they read of it counts for the cache.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
[ -n "$private" ] && [ "$(id -u)" -eq 0 ] && [ "$real_user" -eq 0 ] || skip_all "needs root and a mount namespace"

# The same as reads, with all lines that the COMMANDs print as one.
reads_lines() # DESCRIPTION COMMAND...
{
	reads "$1" '{' "${@:2}" '} | xargs'
}

# shellcheck disable=SC2016
sources()
{
	put one "$sourcetree/nvidia-535/nv-p2p.h"
	put sym1 "$sourcetree/ofa_kernel/$arch/$K/Module.symvers"
	reads_lines "a pattern" 'basename -a /usr/src/nvidia-*'
	is "$(value)" nvidia-535 "the source of another package is seen"
	change "there is another one" "nvidia-535 nvidia-550" mkdir "$sourcetree/nvidia-550"
	put x "$sourcetree/nvidia-550/file"
	does_not_matter "a file in it"
	mkdir "$machine/usr/src/linux-headers-9.9"
	does_not_matter "headers of another kernel"
	reads_lines "symbols" 'cat /usr/src/ofa_kernel/*/*/Module.symvers'
	is "$(value)" sym1 "the symbols of another package are seen"
	change "they change" sym2 put sym2 "$sourcetree/ofa_kernel/$arch/$K/Module.symvers"
	mkdir "$sourcetree/unrelated-1"
	does_not_matter "another package"
	put x "$sourcetree/ofa_kernel/$arch/$K/README"
	does_not_matter "a file of it that is not read"
	reads_lines "the variable of the source tree" 'cat $source_tree/nvidia-535/nv-p2p.h'
	is "$(value)" one "a file of another package is seen"
	change "the file changes" two put two "$sourcetree/nvidia-535/nv-p2p.h"
	reads_lines "find" 'find /usr/src -name "*.h" | grep -v linux | sort'
	is "$(value)" /usr/src/nvidia-535/nv-p2p.h "find finds it"
	change "one more" "/usr/src/nvidia-535/nv-p2p.h /usr/src/nvidia-550/nv-q2q.h" put x "$sourcetree/nvidia-550/nv-q2q.h"

	# Files that are tested only.
	reads_lines "a file is tested" '[ -e /usr/src/cuda-1/cuda.h ] && echo cuda || echo none'
	change "it is there" cuda put x "$sourcetree/cuda-1/cuda.h"
	reads_lines "a directory is tested by a variable" 'v=2; [ -e /usr/src/cuda-$v ] && echo cuda || echo none'
	mkdir "$sourcetree/other-2"
	does_not_matter "a package whose name begins otherwise"
	mkdir "$sourcetree/cuda-2"
	why "other names begin with /usr/src/cuda-" "the beginning of the path"
	change "it is there" cuda mkdir "$sourcetree/cuda-2/include"
	reads_lines "its tree is a variable" 'v=3; [ -e $source_tree/cuda-$v ] && echo cuda || echo none'
	change "it is there" cuda mkdir "$sourcetree/cuda-3"
	reads_lines "headers" '[ -e /usr/src/linux-headers-$kernelver ]; echo headers'
	mkdir "$sourcetree/cuda-4"
	does_not_matter "another package, for a script that looks for headers"
}

# An object that includes a header of another package.
includes()
{
	local make="$sourcetree/m-1.0/Makefile"

	cp "$make" "$work/Makefile"
	put 'MODULE_INFO(header, "one");' "$sourcetree/ofa_kernel/include/rdma.h"
	write_script "$sourcetree/m-1.0/pre.sh" 'cat /usr/src/ofa_kernel/include/rdma.h >> m.c'
	builds_cached "$miss" "an object of other headers: the first build"
	builds_cached "$hit" "an object of other headers: the second build"
	put 'MODULE_INFO(header, "two");' "$sourcetree/ofa_kernel/include/rdma.h"
	matters "another header"
	is "$(module_field header "$dkmstree/m/1.0/$K/$arch/module/m.ko")" two "the module has the new header"
}

# shellcheck disable=SC2016
installed()
{
	local updates=$installtree/$K/updates/dkms

	put one "$updates/nvidia.ko"
	put list "$installtree/$K/modules.dep"
	put other "$installtree/$K7/updates/dkms/nvidia.ko"
	reads_lines "an installed module" 'cat /lib/modules/$kernelver/updates/dkms/nvidia.ko'
	is "$(value)" one "a module that is installed for the kernel is seen"
	change "it is another one" two put two "$updates/nvidia.ko"
	put other2 "$installtree/$K7/updates/dkms/nvidia.ko"
	does_not_matter "that of another kernel"
	put x "$updates/unrelated.ko"
	does_not_matter "another module"
	reads_lines "a module is tested" '[ -e /lib/modules/$kernelver/updates/dkms/amdgpu.ko ] && echo there || echo none'
	put x "$updates/unrelated2.ko"
	does_not_matter "another module"
	change "it is installed" there put x "$updates/amdgpu.ko"
	reads_lines "a compressed one is tested" 'cd /lib/modules/$kernelver/extra 2> /dev/null && ls radeon.ko* || echo none'
	change "it is installed" radeon.ko.xz put x "$installtree/$K/extra/radeon.ko.xz"
	reads_lines "the lists of depmod" 'cat /lib/modules/$kernelver/modules.dep'
	is "$(value)" list "they are seen"
	change "they change" list2 put list2 "$installtree/$K/modules.dep"
	reads_lines "a module of the kernel" 'ls /lib/modules/$kernelver/kernel/fs'
	is "$(value)" ext9.ko "modules of the kernel are seen"
	reads_lines "the kernels" 'ls /lib/modules; cat $kernel_source_dir/include/version.h; readlink -f /lib/modules/$kernelver/build'
	like "$(value)" "^$K 1 /" "no other kernel is seen, and the link build leads to the headers"
}

# shellcheck disable=SC2016
stays_hidden()
{
	put topsecret "$sourcetree/closed-1.0/key"
	chmod 0700 "$sourcetree/closed-1.0"
	put topsecret "$sourcetree/nvidia-535/key"
	chmod 0600 "$sourcetree/nvidia-535/key"
	put topsecret /root/key
	put topsecret /home/joe/key
	ln -s /home/joe "$sourcetree/joe-1.0"
	ln -s /home/joe/key "$sourcetree/nvidia-535/joe"
	ln -s /root "$installtree/$K/root"
	put topsecret "$dkmstree/nvidia/535/build/key"
	reads_lines "what is not for everybody" 'cat /usr/src/*/* /lib/modules/$kernelver/*/* $dkms_tree/nvidia/*/*/* 2>&1 | grep -c "top[s]ecret" || :'
	is "$(value)" 0 "it is not seen"
	reads_lines "writing" 'for f in /usr/src/nvidia-535/new /usr/src/new-1/ /lib/modules/$kernelver/updates/new; do' \
		'mkdir $f 2> /dev/null && echo $f; done; :'
	is "$(value)" "" "nothing can be written"
	reads_lines "the packages" 'echo /usr/src/joe*'
	is "$(value)" "/usr/src/joe*" "a link to a home is not there"
}

# The evaluation sees the source tree.
conf()
{
	# shellcheck disable=SC2016
	module c 1.0 'echo "sees: $(ls -d $source_tree/nvidia-* | xargs -n 1 basename | xargs)" >&2' \
		'cat $source_tree/nvidia-535/key $source_tree/closed-1.0/key >&2'
	dkms_exits 0 "a dkms.conf looks for other packages" add c/1.0
	like "$err" "sees: nvidia-535 nvidia-550" "it sees them"
	is "$(grep -c topsecret "$work/err")" 0 "it sees no file that is not for everybody"
	chmod -R go= "$sourcetree/c-1.0"
	dkms_exits 0 "one that only its owner can read" build c/1.0 -k $K
}

# Where builds cannot be traced, all of that is hidden, with and without the cache, so that
# results do not depend on what is not in the key.
untraced()
{
	local option

	write_script "$sourcetree/m-1.0/pre.sh" 'ls -d /usr/src/nvidia-* 2> /dev/null && exit 3; :'
	private_etc
	echo sandbox_all_system_calls=yes > "$etc/framework.conf"
	for option in --force --no-cache; do
		dkms_exits 0 "without a record, $option: other packages are not seen" build m/1.0 -k $K --force $option
	done
	rm "$etc/framework.conf"
	for option in --force --no-cache; do
		dkms_exits 3 "with a record, $option: they are" build m/1.0 -k $K --force $option
	done
}

# Makes the sandboxes of the commands that have TEXT in their arguments fail N times.
lose() # TEXT N
{
	echo "$1" > "$work/text"
	echo "$2" > "$work/times"
}

# What builds see of others may go while a sandbox is made: depmod replaces its lists, packages are removed.
lost_mounts()
{
	local text

	write_script "$sourcetree/m-1.0/pre.sh" :
	lose '' 0
	write_script "$tools/bwrap" "n=\$(cat '$work/times')" \
		"case \"\$*\" in *\"\$(cat '$work/text')\"*) [ \$n -eq 0 ] || {" "echo \$((n - 1)) > '$work/times'" \
		"echo \"bwrap: Can't bind mount /oldroot/x on /newroot/x: Unable to mount source on destination: No such file or directory\" >&2" \
		"exit 1" "} ;;" "esac" "exec $(command -v bwrap) \"\$@\""
	# shellcheck disable=SC2016
	echo ': "$(true)"' >> "$sourcetree/m-1.0/dkms.conf" # what only bash can read
	for text in pre.sh KERNELRELEASE= extglob; do
		lose "$text" 3
		dkms_exits 0 "something is gone when the sandbox is made: $text" build m/1.0 -k $K --force --no-cache
		is "$(cat "$work/times")" 0 "it is made again: $text"
	done
	lose KERNELRELEASE= 100
	dkms_exits 10 "something is always gone" build m/1.0 -k $K --force --no-cache
	like "$err" "bwrap: Can't bind mount" "the error says so"
	is "$(cat "$work/times")" 94 "it was tried six times"
	rm "$tools/bwrap"
}

# A source that spells out many modules does not make root list those of the kernel for each.
many_modules()
{
	local n dir=$installtree/$K/updates/counted

	cat > "$work/count.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void count(const char *path)
{
	int fd;

	if (strlen(path) < 7 || strcmp(path + strlen(path) - 7, "counted"))
		return;
	fd = open(getenv("COUNT_FILE"), O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (write(fd, "x", 1) < 0)
		abort();
	close(fd);
}
#define OPENAT(name)                                                                      \
	int name(int dir, const char *path, int flags, ...)                               \
	{                                                                                 \
		__typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
		count(path);                                                              \
		return real(dir, path, flags, 0);                                         \
	}
OPENAT(openat)
OPENAT(openat64)
END
	cc -shared -fPIC -o "$work/count.so" "$work/count.c" -ldl
	mkdir -p "$dir"
	put x "$dir/x7.ko"
	for n in 10 1000; do
		: > "$work/count"
		add many$n 1.0
		seq -f '# x%g.ko' $n >> "$sourcetree/many$n-1.0/Makefile"
		status=0
		COUNT_FILE=$work/count LD_PRELOAD=$work/count.so ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
			"$DKMS" build many$n/1.0 -k $K "${trees[@]}" < /dev/null > "$work/out" 2>&1 || status=$?
		is "$status" 0 "a source that names $n modules is built"
		eval "counted$n=$(wc -c < "$work/count")"
	done
	# shellcheck disable=SC2154
	ok "their directory was listed ($counted10 times)" test "$counted10" -gt 0
	# shellcheck disable=SC2154
	is "$counted1000" "$counted10" "as often as for fewer modules"
	rm -r "$dir"
}

# Each package that is shown is a mount, and bubblewrap has a limit of arguments.
crowd()
{
	mkdir "$sourcetree"/crowd-{1..2000}
	reads_lines "the names of all packages" 'echo /usr/src/*'
	is "$(value)" /usr/src/m-1.0 "a build does not see 2,000 other packages"
	dkms build m/1.0 -k $K --force --verbose > "$work/out" 2>&1 || :
	like "$(cat "$work/out")" "builds see those in BUILD_DEPENDS" "--verbose says so"
	rm -r "$sourcetree"/crowd-*
}

cached_machine
private_modules || skip_all "needs a /lib/modules"
mount -t tmpfs -o mode=0755 home /home
mount -t tmpfs -o mode=0755 root /root
module m 1.0 'PRE_BUILD=pre.sh'
write_script "$sourcetree/m-1.0/pre.sh" :
echo 1 > "$machine/usr/src/linux-headers-$K/include/version.h"
dkms add m/1.0 > /dev/null
sources
includes
installed
stays_hidden
conf
untraced
crowd
lost_mounts
many_modules
finish
