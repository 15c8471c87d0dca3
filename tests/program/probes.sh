#!/bin/bash
# The program that answers the probes of kbuild (builder/probes/answer.c), without dkms: for each form
# of question its answer is the compiler's, and whatever is no such question goes to the compiler.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
program=${top_builddir:-.}/builder/probes/answer-probes
[ -x "$program" ] || skip_all "there is no $program"
command -v gcc > /dev/null || skip_all "needs gcc"

dir=$work/probes
mkdir -p "$dir/bin" "$dir/record" "$work/tools"
cp "$program" "$dir/"
compilers=$(for name in gcc clang; do ! command -v $name > /dev/null || echo $name; done)
plain=$work/tools:/usr/local/bin:/usr/bin:/bin
for name in $compilers pahole mkdir rm other; do ln -s ../answer-probes "$dir/bin/$name"; done
cd "$work"

# Runs a call with or without the program in front of the compiler. Sets $answer to all that it has said and done.
# Words of $environment are variables.
calls=0
call() # plain|fronted ARGUMENT...
{
	local path=$plain out status=0 words=("${@:2}") i

	calls=$((calls + 1))
	out=.tmp_$calls/tmp
	[ "$1" = plain ] || path=$dir/bin:$plain
	mkdir ".tmp_$calls"
	for i in "${!words[@]}"; do
		[ "${words[i]}" != OUT ] || words[i]=$out
	done
	# shellcheck disable=SC2086 # several variables
	printf '%b' "${input:-}" | env -i PATH="$path" LC_ALL=C ${environment:-} "${words[@]}" \
		> out 2> err || status=$?
	answer="$status|$(cat out)|$(cat err)|$([ ! -e "$out" ] || cksum < "$out")|$(ls ".tmp_$calls")"
	rm -r ".tmp_$calls"
}

records() { find "$dir/record" -type f 2>/dev/null | wc -l; }

# Makes a memo of what was recorded.
make_memo()
{
	{ printf dkmsprb2; find "$dir/record" -type f -exec cat {} +; } > "$dir/memo"
	rm -r "$dir/record"
}

record_again()
{
	rm -f "$dir/memo"
	mkdir "$dir/record"
}

# The forms of the questions of kbuild in 6.1, 6.12 and 7.x: scripts/Makefile.compiler, Kbuild.include,
# cc-version.sh, as-version.sh, arch/x86/Makefile. Calls FUNCTION with each.
questions() # FUNCTION
{
	local flags='-Werror -D__KERNEL__ -fmacro-prefix-map=/usr/src/x/= -std=gnu11 -fshort-wchar -O2 -m64 -mno-sse -pg'
	local name

	for name in $compilers; do
		input='' "$1" "$name" --version
		"$1" "$name" -dumpversion
		"$1" "$name" -dumpmachine
		# shellcheck disable=SC2086 # words
		{
			"$1" "$name" $flags -fno-stack-clash-protection -c -x c /dev/null -o OUT
			"$1" "$name" $flags -Wno-such-warning-at-all -c -x c /dev/null -o OUT
			"$1" "$name" $flags -fno-such-option -c -x c /dev/null -o OUT
			"$1" "$name" $flags --param=allow-store-data-races=0 -c -x c /dev/null -o OUT
			"$1" "$name" $flags -Wframe-larger-than=2048 -S -x c /dev/null -o /dev/null
			"$1" "$name" $flags -falign-functions=16 -mfunction-return=thunk-extern -c -x c /dev/null -o OUT
			input='cmpxchg16b (%rsi)\n' "$1" "$name" $flags -Wa,--fatal-warnings -c -x assembler-with-cpp -o OUT -
			input='no such instruction\n' "$1" "$name" $flags -Wa,--fatal-warnings -c -x assembler-with-cpp -o OUT -
			input='int f(void) { return __GNUC__; }\n' "$1" "$name" $flags -S -x c -o - -
		}
		input='#ifdef __clang__\nClang __clang_major__\n#else\nGCC __GNUC__ __GNUC_MINOR__\n#endif\n' \
			"$1" "$name" -E -P -x c -
		input='' "$1" "$name" -dM -E -x c /dev/null
	done
	! command -v pahole > /dev/null || "$1" pahole --version
}

# A question: the compiler's answer while it is recorded, if it succeeds, and then from the memo.
ask() # ARGUMENT...
{
	local before

	before=$(records)
	call plain "$@"
	local wanted=$answer
	call fronted "$@"
	is "$answer" "$wanted" "recorded: $* <<< ${input:-}"
	case $answer in
	0\|*) is "$(records)" $((before + 1)) "recorded: there is one more record" ;;
	*) is "$(records)" "$before" "not recorded: a failure" ;;
	esac
}
questions ask
make_memo

# From now on the compilers answer something else, so that it shows who has answered.
for name in $compilers pahole; do
	printf '#!/bin/sh\necho "compiler: $*"\nexit 42\n' > "$work/tools/$name"
done
answered()
{
	local wanted

	chmod 644 "$work"/tools/*
	call plain "$@"
	wanted=$answer
	chmod 755 "$work"/tools/*
	call fronted "$@"
	case $wanted in
	0\|*) is "$answer" "$wanted" "from the memo: $* <<< ${input:-}" ;;
	*) like "$answer" '^42\|compiler: ' "asked again: $* <<< ${input:-}" ;;
	esac
}
questions answered

# What is no question in the memo goes to the compiler, with all of its standard input.
handed_on() # DESCRIPTION ARGUMENT...
{
	call fronted "${@:2}"
	like "$answer" '^42\|compiler: ' "$1"
}
base=(gcc -O2 -c -x c /dev/null -o OUT)
# shellcheck disable=SC2119
misses()
{
	handed_on "a question that was never asked" "${base[@]}" -DNEVER
	handed_on "other words" gcc -dumpversion -O2
	input='other\n' handed_on "another standard input" gcc -O2 -E -P -x c -
	environment='LC_ALL=de_DE.UTF-8' handed_on "another language" gcc -dumpversion
	environment="PATH=$dir/bin:$work/tools:/usr/bin" handed_on "another PATH" gcc -dumpversion
	environment="LIBRARY_PATH=/x" handed_on "a variable of the compiler" gcc -dumpversion
	environment="SOURCE_DATE_EPOCH=x" handed_on "a date that is none" gcc -dumpversion
	: > there
	handed_on "an output that exists" gcc -dumpversion -o there
}
misses
environment='SOURCE_DATE_EPOCH=1700000000 MAKEFLAGS=x M=/y KBUILD_EXTMOD=/z' answered gcc -dumpversion

# Damaged memos are not used.
cp "$dir/memo" memo
damaged() # DESCRIPTION
{
	handed_on "$1" gcc -dumpversion
	cp memo "$dir/memo"
}
: > "$dir/memo"; damaged "an empty memo"
printf 'dkmsprb0' | dd of="$dir/memo" conv=notrunc status=none; damaged "a memo of another version"
printf '\377\377\377\377' | dd of="$dir/memo" bs=1 seek=8 conv=notrunc status=none; damaged "a record that is too large"
printf '\0\0\0\0' | dd of="$dir/memo" bs=1 seek=8 conv=notrunc status=none; damaged "a record without a size"
printf '\377\377\377\377' | dd of="$dir/memo" bs=1 seek=12 conv=notrunc status=none; damaged "a part that is too large"
head -c 20 memo > "$dir/memo"; damaged "a memo that ends in a header"
rm "$dir/memo"; mkdir "$dir/memo"; handed_on "a directory in place of the memo" gcc -dumpversion; rmdir "$dir/memo"
handed_on "no memo" gcc -dumpversion

# Nothing of these is ever recorded, whatever the compiler says.
record_again
refused() # ARGUMENT...
{
	call fronted "$@"
	is "$(records)" 0 "not recorded: ${environment:-} $* <<< ${input:-}"
}
echo 'int a;' > a.c
for option in -I. -I/usr/include -isystem/x -iquote. '-include a.c' @file -fplugin=x.so '-fplugin-arg-x-y=z' -specs=x \
	--specs=x -B/usr/bin -B. --sysroot=/ -fauto-profile -fprofile-use -fprofile-generate=x -save-temps -MD -MMD -MFx \
	-Wp,-MD,x -Wl,-x -Wa,@x -Wa,-I. -Wa,-aln=x -g -ggdb -gsplit-dwarf -march=native -mtune=native -fstack-usage \
	-fdump-tree-all -frandomize-layout-seed-file=x -fsanitize-ignorelist=x -finput-charset=x -ftime-report '-mllvm -x' \
	-Xclang -Xassembler -wrapper -v '-###' -print-file-name=plugin -fmodules '-D__X=__DATE__' -shared a.c -; do
	# shellcheck disable=SC2086 # words
	refused "${base[@]}" $option
done
refused gcc -O2 a.c -o OUT
refused gcc -c -x c /dev/null
refused gcc -x c /dev/null -o OUT
refused gcc
for text in '#include "a.c"\n' '.incbin "a.c"\n' '.include "a.c"\n' '__DATE__\n' '__TIME__\n' '__TIMESTAMP__\n' \
	'#if __has_include("a.c")\n#endif\n' '#pragma once\n' '_Pragma("x")\n'; do
	input=$text refused gcc -E -P -x c -
done
for environment in CPATH=/x C_INCLUDE_PATH=/x COMPILER_PATH=/x GCC_EXEC_PREFIX=/x LD_PRELOAD=/x LD_LIBRARY_PATH=/x \
	DEPENDENCIES_OUTPUT=x SUNPRO_DEPENDENCIES=x COLLECT_GCC=x CCC_OVERRIDE_OPTIONS=x GLIBC_TUNABLES=x LOCPATH=/x; do
	refused gcc -dumpversion
done
environment=''
input=$(head -c 20000 /dev/zero | tr '\0' x) refused gcc -E -P -x c -

# A compiler that fails may do so because of the machine.
rm "$work/tools/gcc"
refused gcc -O2 -c -x c /dev/null -o missing/tmp
(ulimit -f 0; trap '' XFSZ; call fronted "${base[@]}")
is "$(records)" 0 "not recorded: what a full disk has made of a question"
for failed in 'exit 1' 'exit 127' 'kill -KILL $$'; do
	printf '#!/bin/sh\n%s\n' "$failed" > "$work/tools/gcc"
	chmod 755 "$work/tools/gcc"
	refused "${base[@]}"
done

# Standard input arrives whole.
printf '#!/bin/sh\nexec cksum\n' > "$work/tools/gcc"
for n in 0 1 16383 16384 16385 100000; do
	head -c $n /dev/zero | tr '\0' x > big
	is "$(PATH=$dir/bin:$plain gcc -E -P -x c - < big)" "$(cksum < big)" "$n bytes of standard input arrive"
done

# The compiler sees the same arguments, environment and working directory.
printf '#!/bin/sh\npwd; printf "%%s\\n" "$0" "$@"; env | sort\n' > "$work/tools/gcc"
cp "$work/tools/gcc" "$work/tools/other"
is "$(env -i A='x y' PATH="$dir/bin:$plain" gcc 'a b' '' c)" "$(env -i A='x y' PATH="$plain" gcc 'a b' '' c)" \
	"the compiler runs as without the program"
is "$(env -i PATH="$dir/bin:$plain:$dir/bin" other x)" "$(env -i PATH="$plain" other x)" "also if it is there twice"
rm "$work/tools/other"
exits 127 "a program that does not exist" env -i PATH="$dir/bin:$plain" other x

# With the mark, a compiler makes no debug information of a kernel module, if only kbuild has asked for it.
printf '#!/bin/sh\nprintf "%%s " "$@"\n' > "$work/tools/gcc"
kbuild='-D__KERNEL__ -O2 -g -gdwarf-5 -DMODULE -c -o x.o'
fronted() { env -i PATH="$dir/bin:$plain" gcc "$@"; }
# shellcheck disable=SC2086 # words
{
	is "$(fronted $kbuild x.c)" "$kbuild x.c " "without the mark, a compiler gets what it was called with"
	: > "$dir/no-debug-info"
	is "$(fronted $kbuild x.c)" "$kbuild x.c -g0 " "with it, -g0 is the last word"
	is "$(fronted $kbuild -Wa,-gdwarf-5 x.S)" "$kbuild -Wa,-gdwarf-5 x.S -g0 " "also to assemble"
	for words in "$kbuild -g x.c" "-ggdb $kbuild x.c" "$kbuild -g0 x.c" "${kbuild/-DMODULE} x.c" "${kbuild/-D__KERNEL__} x.c" \
		"${kbuild/-c} x.c" "${kbuild/-c/-E} x.c" "${kbuild/-g -gdwarf-5} x.c" "${kbuild/-g -gdwarf-5/-gno-record-gcc-switches} x.c"; do
		is "$(fronted $words)" "$(printf '%s ' $words)" "not added to: $words"
	done
	mapfile -t many < <(seq 8180)
	is "$(fronted $kbuild "${many[@]}" | tail -c 14)" "8179 8180 -g0 " "after eight thousand words"
	many+=(1 2 3 4)
	is "$(fronted $kbuild "${many[@]}" | tail -c 13)" "8180 1 2 3 4 " "a call of more words stays as it is"
	rm "$dir/no-debug-info"
}

# The directories of kbuild's questions are made and removed; all else goes to mkdir and rm.
PATH=$dir/bin:$PATH
ok "mkdir -p of such a directory" eval 'mkdir -p sub/.tmp_1 && test -d sub/.tmp_1'
ok "once more" eval 'mkdir -p .tmp_2 && mkdir -p .tmp_2 && test -d .tmp_2'
touch .tmp_2/tmp .tmp_2/tmp.o
mkdir -p .tmp_2/sub
ok "rm -rf of one with files and directories" eval 'rm -rf .tmp_2 && test ! -e .tmp_2'
ok "rm -rf of one that does not exist" rm -rf .tmp_2
ln -s sub .tmp_3
ok "rm -rf of a link removes the link" eval 'rm -rf .tmp_3 && test -d sub && test ! -L .tmp_3'
ok "other names" eval 'mkdir -p x/y && rm -rf x && test ! -e x'
exits 1 "mkdir without -p in a missing directory" mkdir missing/.tmp_4
finish
