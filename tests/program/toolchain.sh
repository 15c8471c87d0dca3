#!/bin/bash
# The compiler that a build uses, on kernels of the fixture whose makefile calls real compilers:
# kernels built by gcc and clang, .kernelvariables, and the caller's environment.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes a kernel whose configuration has the LINEs. Its makefile chooses compilers like kbuild:
# clang with LLVM and ld.lld with that, otherwise gcc and ld, whatever CC and LD are in the
# environment.
real_kernel() # RELEASE LINE...
{
	local release=$1
	local headers=$machine/usr/src/linux-headers-$release

	kernel "$release"
	shift
	printf '%s\n' "$@" | tee -a "$headers/.config" >> "$headers/include/config/auto.conf"
	cat > "$headers/module.h" <<'HEADER'
#define INFO(n, text) static const char info##n[] __attribute__((section(".modinfo"), used)) = text
#define MODULE_VERSION(v) INFO(1, "version=" v); INFO(2, "license=GPL"); INFO(3, "vermagic=" RELEASE " ")
#define MODULE_INFO(key, value) INFO(4, #key "=" value)
HEADER
	cat > "$headers/Makefile" <<'MAKEFILE'
MAKEFLAGS += -rR --no-print-directory
headers := $(CURDIR)
suffix := $(filter -%,$(LLVM))
ifneq ($(LLVM),)
CC = clang$(suffix)
LD = ld.lld$(suffix)
else
CC = gcc
LD = ld
endif
-include $(headers)/.kernelvariables
all modules:
include $(M)/Makefile
modules all: $(addprefix $(M)/,$(obj-m:.o=.ko))
$(M)/%.ko: $(M)/%.c
	$(CC) -DRELEASE='"$(release)"' -include $(headers)/module.h -c -o $@.o $<
	$(LD) -r -o $@ $@.o
MAKEFILE
	sed -i "1i release = $release" "$headers/Makefile"
}

# Prints the log of the last build of NAME 1.0.
log() # NAME RELEASE
{
	cat "$dkmstree/$1/1.0/$2/$arch/log/make.log"
}

# Prints the variables of the build in one line.
seen() # NAME RELEASE
{
	log "$1" "$2" | grep -E '^(CC|KERNEL_CC|LD|KERNEL_LD|LLVM|CFLAGS|CXX|LDFLAGS)=' | tr '\n' ' '
}

comment() # NAME RELEASE
{
	readelf -p .comment "$dkmstree/$1/1.0/$2/$arch/module/$1.ko"
}

telling() # NAME: makes a module whose make command is in parentheses and prints its environment
{
	module "$1" 1.0 \
		'MAKE="(env | sort; cd / && make -C $kernel_source_dir M=$dkms_tree/$PACKAGE_NAME/1.0/build)"'
}

gcc=$(basename "$(readlink -f "$(command -v gcc)")")
gcc=${gcc#"$arch"-linux-gnu-} # gcc-12
gcc_text="gcc (GCC) 13.2.1 20240316 (Red Hat 13.2.1-7)"
clang_text="Debian clang version 16.0.6 (15~deb12u1)"

gcc_kernels()
{
	machine
	telling hello
	real_kernel 5.1-named "CONFIG_CC_VERSION_TEXT=\"$gcc (Debian 12.2.0-14) 12.2.0\"" CONFIG_CC_IS_GCC=y
	real_kernel 5.2-plain "CONFIG_CC_VERSION_TEXT=\"$gcc_text\""
	real_kernel 5.3-absent 'CONFIG_CC_VERSION_TEXT="gcc-5 (Ubuntu 5.4.0-6ubuntu1) 5.4.0"'
	real_kernel 4.4-old
	dkms_exits 0 "builds for kernels of gcc" build hello/1.0 --all
	is "$(seen hello 5.1-named)" "CC=$gcc KERNEL_CC=$gcc " "compat 5.5: the compiler of CONFIG_CC_VERSION_TEXT"
	like "$(log hello 5.1-named)" "^# environment: CC=$gcc KERNEL_CC=$gcc$" "the log has it"
	is "$(seen hello 5.2-plain)" "CC=gcc KERNEL_CC=gcc " "compat 5.5: gcc on Fedora"
	is "$(seen hello 5.3-absent)" "" "compat 5.5: no compiler is set if it is not installed"
	is "$(seen hello 4.4-old)" "" "compat 5.5: no compiler is set for an old kernel"
	like "$(comment hello 5.1-named)" "GCC: " "gcc compiled the module"

	CC=evil CXX=evil CFLAGS=-Devil LDFLAGS=--evil \
		dkms_exits 0 "the caller's CC and CFLAGS" build hello/1.0 -k 5.1-named -k 4.4-old --force
	is "$(seen hello 5.1-named)" "CC=$gcc KERNEL_CC=$gcc " "compat 5.4: they do not reach make"
	is "$(seen hello 4.4-old)" "" "compat 5.4: they do not reach make for an old kernel"

	ln -s "$(command -v gcc)" "$work/bin/gcc-99"
	printf '%s\n' 'CCACHE = ccache' \
		'CC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-99' \
		> "$installtree/5.1-named/build/.kernelvariables"
	# The sandbox has its own /tmp, where that directory is missing.
	dkms_exits 0 "a build with .kernelvariables" build hello/1.0 -k 5.1-named --force --sandbox=off
	is "$(seen hello 5.1-named)" "CC=gcc-99 KERNEL_CC=gcc-99 " "compat 5.5: it can name another compiler"
	rm "$work/bin/gcc-99"
	sed -i "s/gcc-99/$gcc/" "$installtree/5.1-named/build/.kernelvariables"
	dkms_exits 0 "Debian's .kernelvariables" build hello/1.0 -k 5.1-named --force
	is "$(seen hello 5.1-named)" "CC=$gcc KERNEL_CC=$gcc " "compat 5.5: it names the same compiler"
}

clang_kernels()
{
	machine
	telling hello
	real_kernel 6.1-clang "CONFIG_CC_VERSION_TEXT=\"$clang_text\"" CONFIG_CC_IS_CLANG=y CONFIG_LD_IS_LLD=y
	real_kernel 6.2-ld 'CONFIG_CC_VERSION_TEXT="clang version 16.0.6"' CONFIG_CC_IS_CLANG=y
	real_kernel 6.3-gcc "CONFIG_CC_VERSION_TEXT=\"$gcc_text\"" CONFIG_LD_IS_LLD=y
	dkms_exits 0 "builds for kernels of clang" build hello/1.0 --all
	is "$(seen hello 6.1-clang)" "CC=clang KERNEL_CC=clang KERNEL_LD=ld.lld LD=ld.lld LLVM=1 " \
		"compat 5.5: LLVM=1, clang and ld.lld are set, also for a command in parentheses"
	like "$(comment hello 6.1-clang)" "clang version" "compat 5.5: clang compiled the module"
	like "$(log hello 6.1-clang)" "^ld.lld -r" "compat 5.5: ld.lld linked the module"
	is "$(seen hello 6.2-ld)" "CC=clang KERNEL_CC=clang LLVM=1 " "compat 5.5: ld.lld is used only with CONFIG_LD_IS_LLD"
	is "$(seen hello 6.3-gcc)" "CC=gcc KERNEL_CC=gcc KERNEL_LD=ld.lld LD=ld.lld " "compat 5.5: ld.lld is used with gcc as well"
	like "$(comment hello 6.3-gcc)" "GCC: " "gcc compiled this module"
	is "$(module_field vermagic "$dkmstree/hello/1.0/6.1-clang/$arch/module/hello.ko")" "6.1-clang " "the result is a module of that kernel"
	module plain 1.0
	dkms_exits 0 "the default make command" build plain/1.0 -k 6.1-clang
	like "$(comment plain 6.1-clang)" "clang version" "compat 5.5: clang compiled with the default make command"
}

environment_file()
{
	private_etc || return 0
	machine
	telling hello
	real_kernel 5.1-named "CONFIG_CC_VERSION_TEXT=\"$gcc (Debian 12.2.0-14) 12.2.0\""
	printf '%s\n' 'export CFLAGS="-DFROM_FILE" CC=gcc' 'SECRET=local' "export GREETING='hello world'" \
		> "$etc/build.env"
	echo "build_environment=$etc/build.env" > "$etc/framework.conf"
	CFLAGS=-Devil dkms_exits 0 "compat 10: build_environment" build hello/1.0 -k 5.1-named
	is "$(seen hello 5.1-named)" "CC=gcc CFLAGS=-DFROM_FILE KERNEL_CC=$gcc " "compat 5.4: variables of build_environment override others"
	is "$(log hello 5.1-named | grep -E '^(GREETING|SECRET)=')" "GREETING=hello world" \
		"compat 5.4: variables that it does not export are not set"
	echo 'exit 3' >> "$etc/build.env"
	run_dkms build hello/1.0 -k 5.1-named --force
	ok "a build_environment that fails stops the build" test "$status" -ne 0
	rm "$etc/framework.conf"
}

# A real kernel whose .kernelvariables and configuration name gcc-12. Plain make at the same path
# must build the same module, byte for byte, except for debug information. acpi-call is one file.
like_plain_make()
{
	local root release build plain

	if ! command -v apt-get >/dev/null || ! "$top_srcdir/tests/fetch-input" \
			--kernels "$(dpkg --print-architecture):1" --modules acpi-call > "$work/input" 2>/dev/null; then
		skip "kernels come from Debian's packages" "compat 5.5: on Debian, as plain make"
		return 0
	fi
	machine
	root=$(sed -n 's/^root //p' "$work/input")
	release=$(sed -n 's/^kernel //p' "$work/input")
	module=$(sed -n 's/^module //p' "$work/input")
	cp -a "$root/lib/modules/$release" "$installtree"
	cp -a "$root/usr/src/${module/\//-}" "$sourcetree"
	mkdir -p "$etc"
	echo try_sign_modules=false > "$etc/framework.conf"
	dkms_exits 0 "a real module for $release" build "$module" -k "$release" --directive STRIP=no
	build=$dkmstree/$module/build
	rm -rf "$build"
	cp -a "$sourcetree/${module/\//-}" "$build"
	plain=$(sed -n 's/^# command: make/make/p' "$dkmstree/$module/$release/$arch/log/make.log" |
		sed "s|=/var/lib/dkms/|=$dkmstree/|; s| /lib/modules/| $installtree/|")
	ok "plain make without these variables" env -C "$build" -u CC -u KERNEL_CC sh -c "$plain"
	# In the sandbox the headers have another path, which is in the debug information and so in
	# the build-id.
	objcopy -g -R .note.gnu.build-id "$build/acpi_call.ko" "$work/plain.ko"
	objcopy -g -R .note.gnu.build-id "$dkmstree/$module/$release/$arch/module/acpi_call.ko" "$work/ours.ko"
	ok "compat 5.5: on Debian, plain make builds the same module" cmp "$work/plain.ko" "$work/ours.ko"
	like "$(cat "$dkmstree/$module/$release/$arch/log/make.log")" \
		"^# environment: CC=gcc-[0-9]+ KERNEL_CC=gcc-[0-9]+$" "compat 5.5: the log names the compiler"
	rm "$etc/framework.conf"
}

gcc_kernels
if command -v clang >/dev/null && command -v ld.lld >/dev/null; then
	clang_kernels
else
	skip "clang and lld are not installed" "compat 5.5: clang kernels"
fi
environment_file
[ -z "$private" ] || like_plain_make
finish
