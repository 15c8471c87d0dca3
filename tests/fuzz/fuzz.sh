#!/bin/bash
# Feeds each parser of foreign data for 60 seconds with inputs that libFuzzer makes from the files in
# tests/fuzz/corpus. As many targets run at a time as there are processors.
#
#	FUZZ_SECONDS=600 tests/fuzz/fuzz.sh [TARGET...]		longer, for some
#	FUZZ_RUNS=20000 tests/fuzz/fuzz.sh			so many inputs, the same each time
#	FUZZ_KEEP=DIR tests/fuzz/fuzz.sh			keeps in DIR/TARGET what reached new code,
#								and begins with it the next time
#
# Needs clang with its sanitizers; $top_builddir must be configured. An input that makes a target
# fail is kept in $top_builddir/tests/fuzz.d. tests/fuzz/long calls this for hours.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

limit=(-max_total_time="${FUZZ_SECONDS:-60}")
amount="${FUZZ_SECONDS:-60} seconds"
if [ -n "${FUZZ_RUNS:-}" ]; then
	limit=(-seed=1 -runs="$FUZZ_RUNS")
	amount="$FUZZ_RUNS inputs"
fi
clang=${CLANG:-clang}
objects=$(realpath "${top_builddir:?}")/tests/fuzz.d
libraries=(libuv libkmod jansson zlib liblzma libzstd libcrypto libarchive)
sanitizers=address,undefined

command -v "$clang" > /dev/null || skip_all "$clang is not installed"
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n == 0; }' > "$work/try.c"
"$clang" -fsanitize="fuzzer,$sanitizers" -o "$work/try" "$work/try.c" 2> /dev/null ||
	skip_all "$clang has no libFuzzer: libclang-rt is missing"

# Build the tested code again, with sanitizers and coverage.
mkdir -p "$objects"
cat > "$objects/Makefile" <<'MAKEFILE'
vpath %.c $(SRC)
sources := $(patsubst $(SRC)/%,%,$(wildcard $(SRC)/base/*.c $(SRC)/builder/*.c $(SRC)/builder/*/*.c $(SRC)/cache/*.c $(SRC)/cache/*/*.c))
sources := $(filter-out builder/probes/%,$(sources)) # a program of its own
targets := $(patsubst $(SRC)/tests/fuzz/%.c,%,$(wildcard $(SRC)/tests/fuzz/fuzz-*.c))
all: $(targets)
$(targets): %: tests/fuzz/%.o code.a
	$(CLANG) -g -fsanitize=fuzzer,$(SANITIZERS) -o $@ $^ $(LIBS) -lpthread
code.a: $(sources:.c=.o)
	rm -f $@ && ar cr $@ $^
%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g -w -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,$(SANITIZERS) \
		-fno-sanitize-recover=all -DBASH_PROGRAM='"/bin/bash"' -DSYSCONFDIR='"/etc"' \
		-DLOCALSTATEDIR='"/var"' -DDKMSLIBDIR='"/usr/lib/dkms"' -I$(SRC) -I$(BUILD) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(sources:.c=.d) $(targets:%=tests/fuzz/%.d)
MAKEFILE
build=$(realpath "$top_builddir")
make -C "$objects" -j"$(nproc)" "SRC=$(realpath "$top_srcdir")" "BUILD=$build" "CLANG=$clang" \
	"SANITIZERS=$sanitizers" "HEADERS=$build/config.h $build/builder/conf/evaluate.bash.h" \
	"CFLAGS=$(pkg-config --cflags "${libraries[@]}")" "LIBS=$(pkg-config --libs "${libraries[@]}")" \
	> "$objects/make.log" 2>&1 || {
	report 1 "the targets are built"
	tail -n 40 "$objects/make.log" | sed 's/^/# /'
	finish
}

# Makes the first inputs for archives, since these are binary.
make_archives() # DIR
{
	local source=$work/source main=$work/main

	mkdir -p "$source/sub" "$main/dkms_main_tree/6.1.0/x86_64/module" "$main/dkms_binaries_only"
	echo 'PACKAGE_NAME=a' > "$source/dkms.conf"
	ln -s ../dkms.conf "$source/sub/link"
	ln "$source/dkms.conf" "$source/sub/hard"
	echo module > "$main/dkms_main_tree/6.1.0/x86_64/module/a.ko"
	cp "$source/dkms.conf" "$main/dkms_binaries_only"
	tar -C "$source" -b1 -cf "$1/any.tar" .
	tar -C "$source" -b1 --format=pax -cf "$1/pax.tar" .
	tar -C "$source" -b1 --format=v7 -cf "$1/v7.tar" .
	tar -C "$main" -b1 -cf "$1/binaries.tar" .
	cp -r "$source" "$main/dkms_source_tree"
	rm -r "$main/dkms_binaries_only"
	tar -C "$main" -b1 -cf "$1/source.tar" .
	ln -s / "$source/evil"
	mkfifo "$source/pipe"
	truncate -s 1M "$source/hole"
	tar -C "$source" -b1 -S --transform 's,sub,../sub,' -cf "$1/evil.tar" . 2> /dev/null
	tar -C "$main" -czf "$1/source.tar.gz" .
	tar -C "$main" -cJf "$1/source.tar.xz" .
	tar -C "$main" -cf - . | zstd -q -o "$1/source.tar.zst"
}

# Makes a module for the kernel "release".
make_module() # FILE
{
	${CC:-cc} -c '-DRELEASE="release"' -fno-common -o "$1" "$top_srcdir/tests/modules/user.c"
}

# Makes the first inputs for module files: a byte that says how the name ends, and the file.
make_modules() # DIR
{
	local n

	{ printf 0; cat "$work/module.ko"; } > "$1/module"
	{ printf 1; gzip -nc "$work/module.ko"; } > "$1/gzip"
	{ printf 2; xz --check=crc32 -c "$work/module.ko"; } > "$1/xz"
	{ printf 3; zstd -qc "$work/module.ko"; } > "$1/zstd"
	for n in 1 16 64 100 500 1000; do
		head -c "$n" "$1/module" > "$1/first-$n"
		head -c "$n" "$1/xz" > "$1/xz-first-$n"
	done
	# The number of the section of names is larger than that of sections.
	cp "$1/module" "$1/sections"
	printf '\377\0' | dd of="$1/sections" bs=1 seek=63 conv=notrunc 2> /dev/null
}

# Leaves the log in $objects/TARGET.log, with a last line "status N".
fuzz() # TARGET
{
	local name=$1 corpus=$top_srcdir/tests/fuzz/corpus/$1 found=$objects/found-$1- status=0
	local new=${FUZZ_KEEP:-$work}/$name

	mkdir -p "$new"
	case $name in
	tarball) corpus=$work/archives ;;
	modfile) corpus=$work/modules ;;
	conf-text) cp "$top_srcdir"/tests/unit/conf/*.conf "$new" ;;
	esac
	rm -f "$found"*
	env TMPDIR="$work" FUZZ_MODULE="$work/module.ko" ASAN_OPTIONS=detect_leaks=1 \
		"$objects/fuzz-$name" "${limit[@]}" -max_len=8192 -timeout=20 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found" "$new" "$corpus" \
		> "$objects/$name.log" 2>&1 || status=$?
	echo "status $status" >> "$objects/$name.log"
}

# Prints how that went. A target that has run no input is a failure.
result() # TARGET
{
	local name=$1 status inputs

	status=$(sed -n '$s/^status //p' "$objects/$name.log")
	inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$objects/$name.log")
	[ "${inputs:-0}" -gt 0 ] || status=${status/#0/1}
	report "${status:-1}" "$name: $amount${FUZZ_SECONDS+, $inputs inputs}"
	[ "$status" = 0 ] || { grep -v '^#[0-9]' "$objects/$name.log" | head -n 60 | sed 's/^/# /'; }
}

mkdir "$work/archives"
make_archives "$work/archives"
make_module "$work/module.ko"
mkdir "$work/modules"
make_modules "$work/modules"
if [ $# -eq 0 ]; then
	for target in "$top_srcdir"/tests/fuzz/fuzz-*.c; do
		target=${target##*/fuzz-}
		set -- "$@" "${target%.c}"
	done
fi
running=0
for target; do
	[ $running -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
	(trap - EXIT; fuzz "$target") &
	running=$((running + 1))
done
wait
for target; do
	result "$target"
done
finish
