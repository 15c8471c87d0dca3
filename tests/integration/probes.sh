#!/bin/bash
# The memo of what compilers answer to kbuild's probes, with real kernels: 6.1 with gcc, 6.1 with clang and LLVM=1,
# and 6.12. The second build makes it, the third uses it, every module is the same as without it. It is used only
# while the compiler is the same, and a hostile package changes nobody's answers.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
command -v apt-get > /dev/null || skip_all "kernels come from Debian's packages"
[ -n "$private" ] && [ "$real_user" -eq 0 ] || skip_all "needs root and a mount namespace"
fetch_input --kernels amd64:1,6.12-amd64:1/amd64:2 --modules ""
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t kernels < <(sed -n 's/^kernel //p' "$work/input")

freeze_packages
machine
cache=$machine/cache
trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$root/lib/modules" --cache-dir "$cache")

# Makes a package NAME of one C file. The other arguments are lines of its Makefile.
package() # NAME [LINE...]
{
	local dir=$sourcetree/$1-1.0

	mkdir -p "$dir"
	printf 'PACKAGE_NAME=%s\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME=%s\nDEST_MODULE_LOCATION=/extra\n' "$1" "$1" \
		> "$dir/dkms.conf"
	# shellcheck disable=SC2016 # dkms expands it
	echo 'MAKE="make -C $kernel_source_dir M=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build"' >> "$dir/dkms.conf"
	printf '%s\n' "obj-m := $1.o" "${@:2}" > "$dir/Makefile"
	printf '#include <linux/module.h>\nint %s_f(int a) { return a + 1; }\nMODULE_LICENSE("GPL");\n' "$1" > "$dir/$1.c"
	dkms add "$1/1.0" > /dev/null
}

# Builds NAME for KERNEL, and sets $phases and $log.
build() # NAME KERNEL [OPTION...]
{
	local dir=$dkmstree/$1/1.0/$2/$arch

	dkms unbuild "$1/1.0" -k "$2" > /dev/null 2>&1 || true
	run_dkms build "$1/1.0" -k "$2" --events "$work/events" "${@:3}"
	[ "$status" -eq 0 ] || note "$err $(tail -n 30 "$dkmstree/$1/1.0/build/make.log")"
	phases=$(sed -nE 's/.*"event":"phase".*"phase":"([^"]*)".*/\1/p' "$work/events" | grep -E 'prob|make' | paste -sd' ')
	log=$dir/log/make.log
	cp "$dir/module/$1.ko" "$work/last.ko"
}

same_without() # NAME KERNEL DESCRIPTION [OPTION...]
{
	cp "$work/last.ko" "$work/with.ko"
	build "$1" "$2" --no-cache --force "${@:4}"
	ok "$3: the same module without a cache" cmp "$work/with.ko" "$work/last.ko"
}

memos() { grep -la '^dkmsprb2' -r "$cache/v1/objects" | sort | xargs -r sha256sum; }

# Whether the build has asked the compiler, by what it has opened itself. A compiler runs in any case for the source.
# What a build prints for these variables comes from cc-option.
# shellcheck disable=SC2016 # make expands it
asks=('$(info flag $(call cc-option,-fno-stack-clash-protection))' '$(info none $(call cc-option,-fno-such-option))')

tries() # KERNEL DESCRIPTION [OPTION...]
{
	local k=$1 name=$2 options=("${@:3}") third

	dkms cache clear > /dev/null
	rm -rf "${sourcetree:?}"/* "${dkmstree:?}"/*
	for first in one two three; do package $first "${asks[@]}"; done
	build one "$k" "${options[@]}"
	is "$status $phases" "0 make" "$name: the first build makes no memo"
	same_without one "$k" "$name: the first" "${options[@]}"
	build two "$k" "${options[@]}"
	is "$status $phases" "0 probe keep probes make" "$name: the second build makes it"
	same_without two "$k" "$name: the second" "${options[@]}"
	build three "$k" "${options[@]}"
	is "$status $phases" "0 make" "$name: the third build has it"
	third=$(grep -E '^(flag|none)' "$log" | sort -u)
	for program in cc1 as make; do
		like "$(dkms provenance three/1.0 -k "$k" | grep "/$program\"")" . "$name: its provenance names $program"
	done
	like "$third" '^flag -fno-stack-clash-protection' "$name: an option that the compiler knows"
	same_without three "$k" "$name: the third" "${options[@]}"
	is "$(grep -E '^(flag|none)' "$log" | sort -u)" "$third" "$name: the answers are the compiler's"
	memo=$(memos)
	ok "$name: there is one memo" test "$(wc -l <<< "$memo")" -eq 1
}

# The memo of a build of kbuild alone, of which each question is asked again: with clang, too.
# Whatever gcc's flags in the configuration make clang fail at is not in the memo.
asks_again() # KERNEL LEAST-NUMBER MAKE-VARIABLE... < PROGRAMS
{
	local k=$1 dir=$work/front programs program

	read -r -a programs
	rm -rf "$dir" "$work/empty"
	mkdir -p "$dir/bin" "$dir/record" "$work/empty" "$work/replay"
	cp "${top_builddir:-.}/builder/probes/answer-probes" "$dir/"
	for program in "${programs[@]}"; do ln -s ../answer-probes "$dir/bin/$program"; done
	echo 'obj-m :=' > "$work/empty/Makefile"
	exits 0 "$*: kbuild runs" env -i LC_ALL=C PATH="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
		make -C "$root/lib/modules/$k/build" M="$work/empty" "${@:3}" modules
	{ printf dkmsprb2; find "$dir/record" -type f -exec cat {} +; } > "$work/memo"
	run_status=0
	python3 "$top_srcdir/tests/lib/replay-probes.py" "$work/memo" "$work/replay" > "$work/replayed" || run_status=$?
	is "$run_status $(grep -c another "$work/replayed")" "0 0" "$*: the compiler answers the same again"
	[ ! -s "$work/replayed" ] || note "$(head -n 5 "$work/replayed")"
	ok "$*: there are so many questions" test "$(tail -n 1 "$work/replayed")" -ge "$2"
}

for k in "${kernels[@]}"; do
	asks_again "$k" 20 <<< "gcc-12 gcc x86_64-linux-gnu-gcc-12 pahole"
	if command -v clang ld.lld > /dev/null; then
		asks_again "$k" 5 LLVM=1 CC=clang <<< "clang pahole"
	else
		skip "there is no clang" "$k, LLVM=1"
	fi
done

[ "${#kernels[@]}" -lt 2 ] || tries "${kernels[1]}" "${kernels[1]}"

# A compiler that was replaced by another of the same size, with the same time, is a miss.
k=${kernels[0]}
compiler=$(realpath "$(command -v "$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$root/lib/modules/$k/build/.config")")")
tries "$k" "before another compiler comes"
version=$("$compiler" -dumpfullversion)
sed "s/$version/${version%?}9/g" "$compiler" > "$work/compiler"
chmod 755 "$work/compiler"
touch -r "$compiler" "$work/compiler"
is "$(stat -Lc '%s %y' "$compiler")" "$(stat -c '%s %y' "$work/compiler")" "another compiler has the same size and time"
ok "and says that it has another version" test "$("$work/compiler" -dumpfullversion)" != "$version"
package four '$(info version $(shell $(CC) -dumpfullversion))' '$(info line $(shell $(CC) --version | head -n 1))'
mount --bind "$work/compiler" "$compiler"
build four "$k"
is "$phases" "probe keep probes make" "it is a miss, and the memo is made again"
like "$(cat "$log")" "^version ${version%?}9\$" "the answer is the new compiler's"
like "$(cat "$log")" "^line .* ${version%?}9\$" "also to a question of the memo"
umount "$compiler"
build four "$k"
is "$phases" make "the first compiler is back: its memo is still there"
like "$(cat "$log")" "^line .* $version\$" "with its answers"

# What a hostile package does to the memo and to the program in front of the compiler.
before=$(memos)
cat > "$work/many.c" <<'C'
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
extern char **environ;
int main(int argc, char **argv)
{
	for (long i = atol(argv[1]); i; i--) {
		pid_t pid;

		if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ) == 0)
			waitpid(pid, NULL, 0);
	}
	return argc < 3;
}
C
package hostile '$(info $(shell sh $(dir $(lastword $(MAKEFILE_LIST)))attack 2>&1 | sed "s/^/attack: /"))'
cp "$work/many.c" "$sourcetree/hostile-1.0/"
cat > "$sourcetree/hostile-1.0/attack" <<'SH'
probes=/run/dkms-probes
cd "$(dirname "$0")" || exit
for path in $probes/memo $probes/answer-probes $probes/bin/gcc-12 $probes/new $probes/bin/new $probes/record/1; do
	(echo dkmsprb2 > $path) 2> /dev/null && echo "could write to $path"
done
mkdir $probes/record 2> /dev/null && echo "could make $probes/record"
rm -f $probes/memo 2> /dev/null && echo "could remove the memo"
mv $probes/memo $probes/other 2> /dev/null && echo "could move the memo"
mount --bind . $probes 2> /dev/null && echo "could mount over it"
mkdir -p own/bin own/record
cp $probes/answer-probes own/ && ln -s ../answer-probes own/bin/gcc-12
PATH=$PWD/own/bin:$PATH gcc-12 --version > /dev/null; echo "own records: $(ls own/record | wc -l)"
gcc -x c many.c -o many
./many "${MANY:-2000}" gcc-12 --version > /dev/null
gcc-12 -O2 -c -x c /dev/null -o /run/dkms-probes/memo 2> /dev/null && echo "could compile to the memo"
gcc-12 --version > /dev/null || echo "no compiler any more"
SH
build hostile "$k"
is "$status" 0 "a hostile package is built"
is "$(grep -c 'attack: .*could' "$log")" 0 "it could change nothing"
like "$(cat "$log")" 'attack: .*own records: 1' "it can record for itself"
is "$(memos)" "$before" "the memo is the same"
cp "$work/last.ko" "$work/hostile.ko"
package five "${asks[@]}"
build five "$k"
is "$phases" make "the next package has the memo"
same_without five "$k" "the next package"
dkms cache verify > /dev/null
is "$(memos)" "$before" "and it is intact"

# A damaged memo: the compiler is asked.
object=$(memos | tail -n 1 | sed 's/.* //')
chmod u+w "$object"
printf x | dd of="$object" bs=1 seek=100 conv=notrunc status=none
build five "$k" --directive STRIP=no
is "$status" 0 "with a damaged memo, a build succeeds"
same_without five "$k" "with a damaged memo" --directive STRIP=no

# Switched off.
ok "the settings are replaced" private_etc
mkdir -p /etc/dkms
echo compiler_memo=no > /etc/dkms/framework.conf
dkms cache clear > /dev/null
for name in one two three; do
	build $name "$k"
	is "$status $phases" "0 make" "compiler_memo=no: $name is built without a memo"
done
is "$(memos)" "" "and none is made"
finish
