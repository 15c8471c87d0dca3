#!/bin/bash
# Objects that were compiled for one kernel are reused for another kernel, but only valid ones. For
# each kind of input, a change is compiled again, and each module is the same as without a cache.
# Uses real headers: one kernel is copied to two, which differ in their names as two ABIs do.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/objects.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/two-kernels.sh
. "$top_srcdir/tests/lib/two-kernels.sh"

# Checks what --explain and cache why print before a build of m for the second kernel.
check_prediction() # EXPLANATION WHY DESCRIPTION
{
	run_dkms build m/1.0 -k $B --directive STRIP=no --dry-run --explain
	like "$out" "$1" "$3: --explain predicts it"
	run_dkms cache why m/1.0 -k $B --directive STRIP=no
	like "$out" "$2" "$3: cache why predicts it"
}

# Builds m for the first kernel, which fills the cache, and then for the second, which reuses
# objects. EXPLANATION and WHY are the predictions before the second build.
second_takes() # COUNTERS DESCRIPTION [EXPLANATION WHY]
{
	dkms cache clear > /dev/null
	counted $A "0 3" "$2: before"
	dkms unbuild m/1.0 -k $A > /dev/null
	if [ -n "${change:-}" ]; then
		"$change"
	fi
	[ $# -eq 2 ] || check_prediction "$3" "$4" "$2"
	builds $B "$1" "$2"
}

# Changes files until restore() is called.
edit() # SED-COMMAND FILE...
{
	local file

	for file in "${@:2}"; do
		cp -a "$file" "$work/was-${#edited[@]}"
		edited+=("$file")
		sed -i "$1" "$file"
	done
}

restore()
{
	local i

	for i in "${!edited[@]}"; do
		mv "$work/was-$i" "${edited[i]}"
	done
	edited=()
}
edited=()

new_module
change=
second_takes "3 0" "nothing has changed" \
	"^m/1.0 for $B: link from $A \(not built for this kernel; 3 of 3 objects valid\)\$" \
	"objects: 3 of 3 can be taken from $A\$"
like "$said" "^dkms: m/1.0 for $B: built, linked from $A in " "dkms says that the objects were linked"
like "$(cat "$work/first.log")" 'objects from the cache: 3 of 3' "the log has the number of objects"
ok "no file was compiled" test -z "$(grep -E ' (CC|AS) ' "$work/first.log" | grep -v '\.mod\.o\|\.module-common\.o')"
run_dkms build m/1.0 -k $A
run_dkms build m/1.0 -k $B --events "$work/events"
is "$status" 0 "both are built"
like "$(cat "$work/events")" '"phase":"check objects"' "the objects are checked in a state of their own, on a thread"
ok "the two modules differ" test -n "$(cmp "$dkmstree/m/1.0/"{$A,$B}"/$arch/module/m.ko")"
dkms unbuild m/1.0 --all > /dev/null

# Changes of a source or of a kernel.
change_source() { echo '/* changed */ int more_b = 1;' >> "$sourcetree/m-1.0/b.c"; }
change=change_source second_takes "2 1" "another source file" \
	"^m/1.0 for $B: build \(.*; 2 of 3 objects valid; not b.o: b.c differs\)\$" \
	"^    b.o: b.c differs\$"
change_source() { echo '#define MORE 1' >> "$sourcetree/m-1.0/local.h"; }
change=change_source second_takes "2 1" "another header of the module's" \
	"2 of 3 objects valid; not sub/a.o: local.h differs" "    sub/a.o: local.h differs\$"
change_source() { : > "$sourcetree/m-1.0/new.h"; }
change=change_source second_takes "0 3" "one more header in the module" \
	"build \(.*; no objects: names: .*/new.h is new\)" \
	"^    names: .*/new.h is new\$"
new_module
change_kernel() { edit 's/FIFO_OF_M 1/FIFO_OF_M 7/' "$common_b/include/linux/fifo-of-m.h"; }
change=change_kernel second_takes "2 1" "another header of the kernel's" \
	"2 of 3 objects valid; not sub/a.o: .*include/linux/fifo-of-m.h differs" \
	"    sub/a.o: .*include/linux/fifo-of-m.h differs\$"
like "$(cat "$work/first.log")" 'objects from the cache, not sub/a.o: .*/fifo-of-m.h differs' "the log has the reason"
like "$(change=change_kernel dkms cache why m/1.0 -k $B --directive STRIP=no)" \
	'^  objects from the cache, not sub/a.o: .*/fifo-of-m.h differs$' "cache why gives the reason after the build"
restore
change_kernel() { : > "$common_b/include/linux/new-header.h"; }
change=change_kernel second_takes "0 3" "one more header in the kernel"
rm "$common_b/include/linux/new-header.h"
change_kernel() { edit 's/\(CONFIG_NR_CPUS[= ]\).*/\117/' "$src/linux-headers-$B/include/generated/autoconf.h" \
	"$src/linux-headers-$B/include/config/auto.conf"; }
change=change_kernel second_takes "2 1" "another value of an option that one file uses" \
	"not sub/a.o: CONFIG_NR_CPUS differs" "    sub/a.o: CONFIG_NR_CPUS differs\$"
restore
change_kernel() { edit 's/^\(CONFIG_DEBUG_INFO_BTF_MODULES=\|#define CONFIG_DEBUG_INFO_BTF_MODULES \).*//' \
	"$src/linux-headers-$B/include/generated/autoconf.h" "$src/linux-headers-$B/include/config/auto.conf"; }
change=change_kernel second_takes "0 3" "an option that kbuild looks at"
restore
change_kernel() { echo 'echo more' > "$kbuild_copy/scripts/more.sh"; }
change=change_kernel second_takes "0 3" "a script of kbuild"
rm "$kbuild_copy/scripts/more.sh"
change_kernel() { edit '$a 0x12345678\tmore_of_it\tvmlinux\tEXPORT_SYMBOL\t' "$src/linux-headers-$B/Module.symvers"; }
change=change_kernel second_takes "3 0" "the symbols of the kernel, which only linking needs"
restore
change_source() { find "$sourcetree/m-1.0" "$common_b/include/linux/fifo-of-m.h" -exec touch -d 2020-01-01 {} +; }
change=change_source second_takes "3 0" "other times"
change_source() { chmod +x "$sourcetree/m-1.0/b.c"; }
change=change_source second_takes "2 1" "the mode of a source file"
new_module
change_source() { sed -i 's/^MAKE.*//' "$sourcetree/m-1.0/dkms.conf"; echo 'MAKE="make -j7 -C $kernel_source_dir M=$dkms_tree/m/1.0/build"' >> "$sourcetree/m-1.0/dkms.conf"; }
change=change_source second_takes "3 0" "more jobs at once"
new_module
private_etc
echo 'PATCH[0]=p.patch' >> "$sourcetree/m-1.0/dkms.conf"
mkdir "$sourcetree/m-1.0/patches"
printf '%s\n' '--- a/local.h' '+++ b/local.h' '@@ -1 +1 @@' '-#define LOCAL 1' '+#define LOCAL 4' \
	> "$sourcetree/m-1.0/patches/p.patch"
change='' second_takes "3 0" "a package with a patch"
change_source() { sed -i 's/LOCAL 4/LOCAL 5/' "$sourcetree/m-1.0/patches/p.patch"; }
change=change_source second_takes "2 1" "another patch"
change_source() { mkdir -p $etc/m/patches; sed 's/LOCAL 5/LOCAL 6/' "$sourcetree/m-1.0/patches/p.patch" > $etc/m/patches/p.patch; }
change=change_source second_takes "2 1" "the administrator's patch"
rm -r $etc/m
new_module
change_kernel() { edit '$a # one line more' "$common_b/Makefile"; }
change=change_kernel second_takes "0 3" "kbuild itself" \
	"no objects: family: .*/Makefile differs" "    family: .*/Makefile differs"
restore

# Changes of how it is compiled.
change_flags() { echo 'ccflags-y += -DMORE=1' >> "$sourcetree/m-1.0/Makefile"; }
change=change_flags second_takes "0 3" "other flags of the compiler, in a makefile" \
	"0 of 3 objects valid; not b.o and 2 more: Makefile differs" "    b.o and 2 more: Makefile differs\$"
new_module 'CFLAGS_b.o := $(if $(findstring -2-,$(KERNELRELEASE)),-DSECOND)'
change='' second_takes "2 1" "a flag for one kernel and one file" "3 of 3 objects valid" "3 of 3"
like "$(cat "$work/first.log")" 'compiled again by make: b.o: command line: -DSECOND is new' "the log has the reason of the second compilation"
new_module
change_compiler()
{
	local name

	for name in "$compiler" gcc; do
		write_script "$tools/$name" "exec $(command -v "$name") \"\$@\""
	done
}
change=change_compiler second_takes "0 3" "another compiler" \
	"no objects: program: .*gcc.* differs" "    program: .*gcc.* differs"
rm -f $tools/*
change_environment() { export KCFLAGS=-DFROM_OUTSIDE; }
change=change_environment second_takes "0 3" "a variable" \
	"no objects: environment: KCFLAGS is new" "    environment: KCFLAGS is new"
unset KCFLAGS

# A script that runs before make. Its files are judged by those of the last build.
new_module
echo 'PRE_BUILD=pre.sh' >> "$sourcetree/m-1.0/dkms.conf"
write_script "$sourcetree/m-1.0/pre.sh" 'echo "#define LOCAL 3" > local.h' 'echo "#define OTHER 3" > other.h'
change='' second_takes "3 0" "a script that makes headers" \
	"link from $A .*3 of 3 objects valid" "objects: 3 of 3 can be taken from $A"
write_script "$sourcetree/m-1.0/pre.sh" 'echo "#define LOCAL $(echo $kernelver | tr -dc 12)" > local.h'
change='' second_takes "2 1" "a script that makes another one for each kernel"

# Other things that make does.
new_module '$(obj)/b.o: $(obj)/made.h' '$(obj)/made.h:' "	echo '#define MADE \"\$(KERNELRELEASE)\"' > \$@"
echo '#include "made.h"' >> "$sourcetree/m-1.0/b.c"
echo 'const char *made = MADE;' >> "$sourcetree/m-1.0/b.c"
dkms cache clear > /dev/null
builds $A "0 2" "an object that depends on a file that make writes"
builds $B "2 0" "such an object is not reused"
new_module 'made := $(if $(findstring -2-,$(KERNELRELEASE)),$(shell echo "\#define LOCAL 5" > $(src)/sub/shadow.h))'
dkms cache clear > /dev/null
builds $A "0 3" "make writes a header for another kernel only"
builds $B "0 3" "all objects are compiled again for the other kernel"
new_module 'fail := $(if $(wildcard $(src)/b.o),$(error objects are here))'
dkms cache clear > /dev/null
sed -i 's/^MAKE.*//' "$sourcetree/m-1.0/dkms.conf"
echo 'MAKE="test ! -e b.o && make -C $kernel_source_dir M=$dkms_tree/m/1.0/build"' >> "$sourcetree/m-1.0/dkms.conf"
sed -i '/^fail/d' "$sourcetree/m-1.0/Makefile"
builds $A "0 3" "a make command that removes objects"
builds $B "0 3" "it gets no objects"
new_module
echo 'MAKE="make -C $kernel_source_dir M=$dkms_tree/m/1.0/build clean && make -C $kernel_source_dir M=$dkms_tree/m/1.0/build"' \
	>> "$sourcetree/m-1.0/dkms.conf"
change='' second_takes "0 3" "a make command that cleans up first"
new_module
printf 'asm(".section .data\\n.incbin \\"%s\\"\\n.previous");\n' "$dkmstree/m/1.0/build/data" >> "$sourcetree/m-1.0/b.c"
echo one > "$sourcetree/m-1.0/data"
dkms cache clear > /dev/null
builds $A "0 2" "a source with a file that the assembler reads"
echo two > "$sourcetree/m-1.0/data"
builds $A "0 2" "all is compiled again with another file"

# Inputs of make that are not in the .cmd files.
new_module 'made := $(shell ln -sfn kernel-$(word 2,$(subst -, ,$(KERNELRELEASE))).h $(src)/chosen.h)'
for i in 1 2; do
	echo "#define CHOSEN $i" > "$sourcetree/m-1.0/kernel-$i.h"
done
ln -s chosen.h "$sourcetree/m-1.0/shipped.h"
printf '%s\n' '#include "shipped.h"' 'int chosen = CHOSEN;' >> "$sourcetree/m-1.0/b.c"
dkms cache clear > /dev/null
builds $A "0 2" "a header behind a link that make writes"
builds $B "2 0" "the header of another kernel is another file"
new_module 'made := $(if $(findstring -2-,$(KERNELRELEASE)),$(shell ln -sfn kernel-2 $(src)/chosen))'
for i in 1 2; do
	mkdir "$sourcetree/m-1.0/kernel-$i"
	echo "#define CHOSEN $i" > "$sourcetree/m-1.0/kernel-$i/chosen.h"
done
ln -s kernel-1 "$sourcetree/m-1.0/chosen"
printf '%s\n' '#include "chosen/chosen.h"' 'int chosen = CHOSEN;' >> "$sourcetree/m-1.0/b.c"
dkms cache clear > /dev/null
builds $A "0 3" "a directory behind a link that make changes for another kernel"
builds $B "0 2" "its objects are compiled again for the other kernel"
new_module 'made := $(if $(findstring -2-,$(KERNELRELEASE)),$(shell cp -p $(src)/second.h $(src)/local.h))'
echo '#define LOCAL 2' > "$sourcetree/m-1.0/second.h"
touch -d 2020-01-01 "$sourcetree/m-1.0/second.h"
dkms cache clear > /dev/null
builds $A "0 3" "make replaces a header by an older one, for another kernel only"
builds $B "0 2" "its objects are compiled again for the other kernel after the replacement"
new_module 'ccflags-y += -I$(src)/first -I$(src)' \
	'made := $(if $(findstring -1-,$(KERNELRELEASE)),$(shell rm -f $(src)/first/choice.h))'
mkdir "$sourcetree/m-1.0/first"
echo '#define CHOSEN 1' > "$sourcetree/m-1.0/first/choice.h"
echo '#define CHOSEN 2' > "$sourcetree/m-1.0/choice.h"
printf '%s\n' '#include <choice.h>' 'int chosen = CHOSEN;' >> "$sourcetree/m-1.0/b.c"
dkms cache clear > /dev/null
builds $A "0 3" "make removes a header for one kernel only"
builds $B "0 3" "all objects are compiled again after the removal"
new_module 'CFLAGS_b.o := @$(src)/flags'
echo '-DFLAG=1' > "$sourcetree/m-1.0/flags"
echo 'int flag = FLAG;' >> "$sourcetree/m-1.0/b.c"
dkms cache clear > /dev/null
builds $A "0 2" "a file with options of the compiler"
echo '-DFLAG=2' > "$sourcetree/m-1.0/flags"
builds $A "0 2" "all is compiled again with another file"
new_module 'CFLAGS_b.o := -DCPUS=CONFIG_NR_CPUS'
echo 'int cpus = CPUS;' >> "$sourcetree/m-1.0/b.c"
change_kernel() { edit 's/\(CONFIG_NR_CPUS[= ]\).*/\117/' "$src/linux-headers-$B/include/generated/autoconf.h" \
	"$src/linux-headers-$B/include/config/auto.conf"; }
change=change_kernel second_takes "1 2" "an option in the command line"
restore
new_module
echo 'MAKE="make -C $kernel_source_dir M=$dkms_tree/m/1.0/build b.o && objcopy --redefine-syms=names b.o && make -C $kernel_source_dir M=$dkms_tree/m/1.0/build"' \
	>> "$sourcetree/m-1.0/dkms.conf"
echo 'int named;' >> "$sourcetree/m-1.0/b.c"
echo 'named first' > "$sourcetree/m-1.0/names"
dkms cache clear > /dev/null
builds $A "0 2" "an object that is changed after its compilation"
echo 'named second' > "$sourcetree/m-1.0/names"
builds $A "0 2" "all is compiled again with another file for a program"

# Since Linux 6.13 make can write its files to another directory.
if grep -q KBUILD_EXTMOD_OUTPUT "$common/Makefile"; then
	new_module
	mkdir -p "$sourcetree/m-1.0/out/sub"
	: > "$sourcetree/m-1.0/out/sub/keep"
	printf '%s\n' BUILT_MODULE_LOCATION=out \
		'MAKE="make -C $kernel_source_dir M=$dkms_tree/m/1.0/build MO=$dkms_tree/m/1.0/build/out"' \
		>> "$sourcetree/m-1.0/dkms.conf"
	change='' second_takes "3 0" "objects beside the sources"
fi

# Where paths differ between kernels, no object is stored.
new_module
dkms cache clear > /dev/null
printf '%s\n' '' "X := 1" >> "$src/linux-headers-$A/Makefile"
builds $A "0 0" "an unknown layout of headers"

# Then ccache helps, if it is enabled. A package writes only to its own directory.
if command -v ccache > /dev/null; then
	# The directory that was used last: each content of the source has another one.
	guest() { ls -td "$cache"/v1/guests/*/m-* 2> /dev/null | head -n 1; }
	hits() { CCACHE_DIR=$(guest) CCACHE_CONFIGPATH=/dev/null ccache --print-stats | sed -n 's/^preprocessed_cache_hit\t//p'; }
	private_etc
	ok "ccache is not used by default" test ! -e "$cache/v1/guests"
	echo 'ccache=yes' > "$etc/framework.conf"
	export CCACHE_DISABLE=1 CCACHE_DIR=/nonsense # settings of the user must not matter
	dkms cache clear > /dev/null
	builds $A "0 0" "with ccache"
	ok "only its owner can read the directory of ccache" test "$(stat -c %a "$cache/v1/guests")" = 700
	first=$(hits)
	edit 's/FIFO_OF_M 1/FIFO_OF_M 7/' "$src/linux-headers-$A-common/include/linux/fifo-of-m.h"
	builds $A "0 0" "with ccache and another header of the kernel"
	ok "ccache had hits" test "$(hits)" -gt "${first:-0}"
	echo '/* changed */' >> "$sourcetree/m-1.0/b.c"
	builds $A "0 0" "with ccache and another source"
	is "$(hits)" 0 "another source has another directory of ccache"
	restore
	# With the name of a program in PATH.
	write_script $tools/prefix 'echo "$@" >> "$CCACHE_DIR/prefixed"' 'exec "$@"'
	export CCACHE_PREFIX=prefix
	echo '/* changed again */ int again_b = 1;' >> "$sourcetree/m-1.0/b.c"
	like "$(dkms cache why m/1.0 -k $A)" 'not cached: ccache uses the network' "CCACHE_PREFIX: cache why says that it uses the network"
	builds $A "0 0" "with CCACHE_PREFIX"
	ok "the program of CCACHE_PREFIX was called" grep -q '^[^ ]*gcc.* .*b\.c' "$cache"/v1/guests/*/m-*/prefixed
	unset CCACHE_PREFIX
	rm $tools/prefix
	# Prints hits and misses as ccache counts them.
	ccache_says()
	{
		CCACHE_DIR=$(guest) CCACHE_CONFIGPATH=/dev/null ccache --print-stats |
			awk '{ n[$1] = $2 } END { print n["files_in_cache"],
				n["direct_cache_hit"] + n["preprocessed_cache_hit"], n["cache_miss"] }'
	}
	# One directory, so that ccache can print the numbers of all.
	dkms cache clear > /dev/null
	builds $A "0 0" "with ccache and an empty cache"
	ccache_counters()
	{
		dkms cache stats | sed -n 's/^ccache  *\([0-9]*\) files* .*B  \([0-9]*\) hits  \([0-9]*\) misses$/\1 \2 \3/p'
	}
	is "$(ccache_counters)" "$(ccache_says)" "cache stats: the same numbers as those of ccache"

	# A remote storage of ccache: one build stores its objects there, and the next build takes
	# them, although everything else was removed.
	fill_and_take() # DESCRIPTION
	{
		local first again

		dkms cache clear > /dev/null
		builds $A "0 0" "$1: the first build fills it"
		read -r -a first <<< "$(ccache_counters)"
		dkms cache clear > /dev/null
		ok "$1: the local directory of ccache was removed" test -z "$(guest)"
		builds $A "0 0" "$1: the second build uses it"
		read -r -a again <<< "$(ccache_counters)"
		ok "$1: the first build had compiled files" test "${first[2]}" -ge 3
		is "${again[1]} ${again[2]}" "$((first[1] + first[2])) 0" "$1: the second build has only hits"
	}
	# A directory gives objects if only root can have written them. The objects that a build has
	# in its own directory of ccache have the same names there.
	store="$machine/shared store"
	mkdir -m 755 "$store"
	dkms cache clear > /dev/null
	builds $A "0 0" "a build fills its own directory of ccache"
	(cd "$(guest)" && find . -path './?/?/*[RM]' ! -name '*stats*') | while IFS=/ read -r _ first second name; do
		mkdir -p "$store/$first$second"
		cp "$(guest)/$first/$second/$name" "$store/$first$second/${name%?}"
	done
	chmod -R a+rX "$store"
	chown -R 0:0 "$store" 2> /dev/null || true
	echo 'touched := $(shell touch /run/ccache/remote0/by-make)' >> "$sourcetree/m-1.0/Makefile"
	stored=$(ls -lR "$store")
	for storage in "file://$machine/shared%20store|update-mtime=true" "file:${store/ /%20}|read-only"; do
		dkms cache clear > /dev/null
		export CCACHE_REMOTE_STORAGE=$storage
		builds $A "0 0" "a directory as storage"
		like "$(ccache_counters)" ' [1-9][0-9]* 0$' "the storage is read"
		is "$(ls -lR "$store")" "$stored" "nothing is written to the storage"
	done
	is "$(dkms cache why m/1.0 -k $A | grep -c network)" 0 "the storage needs no network"
	run_dkms build m/1.0 -k $A --directive STRIP=no
	like "$out" 'from the cache' "builds are still stored in the cache"
	dkms unbuild m/1.0 -k $A > /dev/null
	rm -r "${store:?}"
	fixed=$machine/fixed
	mkdir -m 700 "$fixed"
	storages=("file:${store/ /%20}" http://127.0.0.1:1)
	[ ! -d "$cache/v1/guests/any" ] || storages+=("file:$fixed")
	for storage in "${storages[@]}"; do
		dkms cache clear > /dev/null
		export CCACHE_REMOTE_STORAGE=$storage
		run_dkms build m/1.0 -k $A --directive STRIP=no
		is "$status" 0 "${storage##*/}: a bad storage breaks no build"
		ok "${storage##*/}: the module is the same" diff -r "$work/first" "$dkmstree/m/1.0/$A/$arch/module"
		case $storage in
		*fixed) like "$err" "^dkms: warning: .*not used: builds run as users of their own, who may not read .*/fixed" "not for everybody: it says so" ;;
		*store) like "$err" "^dkms: warning: .*/shared store: No such file" "nothing there: it says so" ;;
		*) is "$err" "" "${storage##*/}: nothing to say" ;;
		esac
		dkms unbuild m/1.0 -k $A > /dev/null
	done
	# autoinstall does not know the modules in advance.
	dkms cache clear > /dev/null
	export CCACHE_REMOTE_STORAGE="file:${store/ /%20}"
	run_dkms autoinstall -k $A --directive STRIP=no --directive AUTOINSTALL=yes
	like "$out" "^dkms: m/1.0 for $A: installed, built in " "autoinstall builds the module"
	is "$(grep -c "^dkms: warning: .*/shared store: No such file" "$work/err")" 1 "autoinstall warns exactly once"
	dkms unbuild m/1.0 -k $A > /dev/null
	is "$(ls "$fixed")" "" "nothing is written to a storage that only its owner may write to"
	if ! command -v python3 > /dev/null; then
		skip "no python3" "an HTTP server"
	elif ! ccache --version | grep -q http-storage; then
		skip "this ccache knows no HTTP" "an HTTP server"
	else
		python3 - "$work/port" <<'END' &
import http.server, os, sys

stored = {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        known = self.path in stored
        self.answer(200 if known else 404, stored.get(self.path, b""))

    do_HEAD = do_GET

    def do_PUT(self):
        stored[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_DELETE(self):
        self.answer(204 if stored.pop(self.path, None) is not None else 404)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as file:
    print(server.server_port, file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
END
		server=$!
		while [ ! -e "$work/port" ] && kill -0 $server 2> /dev/null; do
			sleep 0.1
		done
		CCACHE_REMOTE_STORAGE=http://127.0.0.1:$(cat "$work/port")/dkms
		like "$(dkms cache why m/1.0 -k $A)" 'not cached: ccache uses the network' "an HTTP server: cache why says that it uses the network"
		fill_and_take "an HTTP server"
		kill $server
		wait $server || true
	fi
	unset CCACHE_REMOTE_STORAGE
	dkms cache clear > /dev/null
	ok "cache clear: the directory of ccache is removed" test -z "$(guest)"
	dkms build m/1.0 -k $A --no-cache > /dev/null
	ok "--no-cache: ccache is not used" test -z "$(guest)"
	dkms unbuild m/1.0 -k $A > /dev/null
	unset CCACHE_DISABLE CCACHE_DIR
	rm "$etc/framework.conf"
else
	skip "ccache is not installed" "ccache"
fi
finish
