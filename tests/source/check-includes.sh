#!/bin/bash
# Which file uses which: by its includes, and by the functions that its object calls. A folder
# uses only folders below it, no two files use each other, and a function is declared in the
# header of the file that defines it. Each check is tried on bad samples first, which proves
# that it can fail.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

# From the ground up. The folders of one line are side by side: none of them uses another.
folders='
base
cache
cache/remote
builder/probes builder/run
builder/host
builder/conf builder/module
builder/tree
builder/job builder/archive
builder/build builder/install builder/add
builder/reuse builder/pack
builder/steps
builder
scheduler
cli
transfer
'

# Prints "LEVEL FOLDER" for each folder.
levels()
{
	local level=0 line folder

	while read -r line; do
		level=$((level + 1))
		for folder in $line; do
			echo "$level $folder"
		done
	done <<< "$folders"
}

# The sources below DIR, relative to it.
sources() # DIR
{
	(cd "$1" && for floor in base cache builder scheduler cli transfer; do
		[ ! -d "$floor" ] || find "$floor" -name '*.[ch]' ! -name '*.bash.h'
	done | sort)
}

# Prints "FILE:LINE: what is wrong" for the includes of the sources below DIR.
bad_includes() # DIR
{
	sources "$1" | (cd "$1" && xargs -r awk -v levels="$(levels | paste -sd' ')" '
		BEGIN {
			n = split(levels, words, " ")
			for (i = 1; i < n; i += 2)
				level[words[i + 1]] = words[i]
		}
		function complain(what) { print FILENAME ":" FNR ": " what ": " $0 }
		function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
		FNR == 1 { own = folder(FILENAME); if (!(own in level)) complain("not a known folder") }
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			path = $0
			sub(/^[^"]*"/, "", path)
			sub(/".*/, "", path)
			used = folder(path)
			if (path == "config.h")
				next
			if (path ~ /(^|\/)\.\.?\// || !(used in level))
				complain("not FOLDER/FILE.h")
			else if (level[used] > level[own])
				complain("points up")
			else if (level[used] == level[own] && used != own)
				complain("points aside")
		}
		# Only the scheduler, cli/ and transfer/ run an event loop.
		/^[ \t]*#[ \t]*include[ \t]*<uv(\.h|\/)/ && level[own] < level["scheduler"] {
			complain("libuv")
		}
		# The tests run the graph with a runner of their own.
		/^[ \t]*#[ \t]*include[ \t]*<uv\.h>/ && FILENAME ~ /\/graph\.[ch]$/ {
			complain("libuv")
		}')
}

# Prints "FILE FILE" for each include of a source below DIR; a .c and its .h are one file.
include_edges() # DIR
{
	sources "$1" | (cd "$1" && xargs -r awk '
		function stem(path) { sub(/\.[ch]$/, "", path); return path }
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			path = $0
			sub(/^[^"]*"/, "", path)
			sub(/".*/, "", path)
			if (path != "config.h" && stem(path) != stem(FILENAME))
				print stem(FILENAME), stem(path)
		}')
}

# Prints "USER DEFINER SYMBOL" for each symbol that one object below DIR takes from another. Objects
# whose source is gone from SOURCES are leftovers of an earlier build.
symbols() # DIR SOURCES
{
	sources "$2" | sed -n 's/\.c$/.o/p' | (cd "$1" && while read -r object; do
		[ ! -e "$object" ] || echo "$object"
	done | xargs -r nm -A -P) | awk '
		{ sub(/\.o:$/, "", $1) }
		$3 ~ /^[TDBRCV]$/ { definer[$2] = $1 }
		$3 == "U" { user[++n] = $1; symbol[n] = $2 }
		END {
			for (i = 1; i <= n; i++)
				if (symbol[i] in definer && definer[symbol[i]] != user[i])
					print user[i], definer[symbol[i]], symbol[i]
		}'
}

# Prints the files of a circle, for "USER USED" lines on standard input; nothing if there is none.
circles()
{
	cut -d' ' -f1,2 | sort -u | tsort 2>&1 > /dev/null | sed -n 's/^tsort: //p' |
		grep -v 'contains a loop' || true
}

# Prints the symbols that are used in other files without being declared in their own header,
# for the lines of symbols() on standard input. A macro of base/library.h declares those that
# begin with "sym_".
undeclared() # SOURCES
{
	local definer symbol

	cut -d' ' -f2,3 | grep -v ' sym_' | sort -u | while read -r definer symbol; do
		grep -qsw -- "$symbol" "$1/$definer.h" || echo "$definer.c: $symbol"
	done
}

# A source with that line is complained about, or not.
sample() # WANTED FILE LINE
{
	local dir=$work/sample

	rm -rf "$dir"
	mkdir -p "${dir}/${2%/*}"
	printf '%s\n' '/* a sample */' '#include "config.h"' "$3" > "$dir/$2"
	is "$(bad_includes "$dir" | cut -d: -f -3)" "${1:+$2:3: $1}" "$2 with $3: ${1:-allowed}"
}

sample "" base/a.c '#include "base/b.h"'
sample "" builder/run/a.c '#include "base/b.h"'
sample "" builder/state-machine.c '#include "builder/steps/b.h"'
sample "" builder/steps/a.c '#include "builder/run/b.h"'
sample "" cli/a.c '#include "scheduler/b.h"'
sample "" cache/a.c '#include "base/b.h"'
sample "" cache/remote/a.c '#include "cache/b.h"'
sample "points up" cache/a.c '#include "cache/remote/b.h"'
sample "libuv" cache/remote/a.c '#include <uv.h>'
sample "points up" cli/a.c '#include "transfer/b.h"'
sample "points up" base/a.c '#include "builder/run/b.h"'
sample "points up" base/a.h '#include "cache/b.h"'
sample "points up" cache/a.c '#include "builder/host/b.h"'
sample "points up" builder/run/a.c '#include "scheduler/b.h"'
sample "points up" builder/host/a.c '#include "builder/conf/b.h"'
sample "points up" builder/job/a.c '#include "builder/state-machine.h"'
sample "points up" builder/steps/a.h '#  include "cli/b.h" /* "base/c.h" */'
sample "points up" scheduler/a.c '	#include "cli/b.h"'
sample "points aside" builder/module/a.c '#include "builder/conf/b.h"'
sample "points aside" builder/build/a.c '#include "builder/install/b.h"'
sample "not FOLDER/FILE.h" cli/a.c '#include "b.h"'
sample "not FOLDER/FILE.h" builder/run/a.c '#include "../cli/b.h"'
sample "not FOLDER/FILE.h" builder/run/a.c '#include "base/../cli/b.h"'
sample "not FOLDER/FILE.h" builder/run/a.c '#include "builder/attic/b.h"'
sample "libuv" builder/run/a.c '#include <uv.h>'
sample "" scheduler/a.c '#include <uv.h>'
sample "libuv" scheduler/graph.c '#include <uv.h>'
mkdir -p "$work/unknown/builder/attic"
echo > "$work/unknown/builder/attic/a.c"
like "$(bad_includes "$work/unknown")" 'builder/attic/a.c:1: not a known folder' \
	"a room that the order does not have"

is "$(bad_includes "$top_srcdir")" "" "no source includes what is above it or beside it"
like "$(sources "$top_srcdir" | grep -c '\.c$')" '^[1-9][0-9]{2}$' "there were sources to look at"

# Three files that include each other through their headers.
samples=$work/circle
mkdir -p "$samples/base"
for pair in a:b b:c c:a; do
	printf '#include "base/%s.h"\nint %s(void);\n' "${pair#*:}" "${pair%:*}" > "$samples/base/${pair%:*}.h"
	printf '#include "base/%s.h"\n' "${pair%:*}" > "$samples/base/${pair%:*}.c"
done
is "$(include_edges "$samples" | circles | sort | paste -sd' ')" "base/a base/b base/c" \
	"includes in a circle are found"
is "$(include_edges "$top_srcdir" | circles)" "" "no files include each other in a circle"
like "$(include_edges "$top_srcdir" | wc -l)" '^[1-9][0-9]{2,}$' "there were includes to look at"

# Two files that call each other, one of them without a header.
samples=$work/calls
mkdir -p "$samples/base"
printf 'int b(void);\nint a(void);\nint a(void) { return b(); }\n' > "$samples/base/a.c"
printf 'int a(void);\nint b(void);\nint b(void) { return a(); }\n' > "$samples/base/b.c"
echo 'int a(void);' > "$samples/base/a.h"
for file in a b; do
	# shellcheck disable=SC2086 # CC may be "ccache gcc"
	${CC:-cc} -c -o "$samples/base/$file.o" "$samples/base/$file.c"
done
is "$(symbols "$samples" "$samples" | circles | sort | paste -sd' ')" "base/a base/b" \
	"calls in a circle are found"
is "$(symbols "$samples" "$samples" | undeclared "$samples")" "base/b.c: b" \
	"a function without a declaration in its own header is found"

symbols "${top_builddir:-.}" "$top_srcdir" > "$work/symbols"
is "$(circles < "$work/symbols")" "" "no files call each other in a circle"
is "$(undeclared "$top_srcdir" < "$work/symbols")" "" \
	"what a file gives to others is declared in its own header"
like "$(wc -l < "$work/symbols")" '^[1-9][0-9]{2,}$' "there were objects to look at"
finish
