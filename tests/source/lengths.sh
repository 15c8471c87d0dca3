#!/bin/bash
# No source is longer than 700 lines, and no function in C longer than 60. The check is tried on
# bad samples first, which proves that it can fail.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

file_max=700 # lines
function_max=60 # lines, from "{" to "}"

# Prints "FILE: LENGTH" for what is too long among the sources below DIR.
too_long() # DIR
{
	(cd "$1" && for folder in base cache builder scheduler cli bench tests packaging; do
		[ ! -d "$folder" ] || find "$folder" -type f \( -name '*.[ch]' -o -name '*.sh' \) ! -name '*.bash.h'
	done | sort | xargs -r awk -v file_max="$file_max" -v function_max="$function_max" '
		function end_file() {
			if (name != "" && lines > file_max)
				print name ": " lines " lines"
		}
		FNR == 1 { end_file(); name = FILENAME; begin = 0 }
		{ lines = FNR }
		/^{$/ && name ~ /\.[ch]$/ { begin = FNR; signature = previous }
		/^}/ && begin {
			if (FNR - begin + 1 > function_max)
				print name ":" begin ": " FNR - begin + 1 " lines: " signature
			begin = 0
		}
		{ previous = $0 }
		END { end_file() }')
}

# A source with a function of that many lines, and that many lines in all.
sample() # FUNCTION-LINES FILE-LINES
{
	echo "static void f(void)"
	echo "{"
	yes "	x();" | head -n "$(($1 - 2))" || true
	echo "}"
	yes "" | head -n "$(($2 - $1 - 1))" || true
}

mkdir -p "$work/good/base" "$work/bad/base" "$work/bad/tests"
sample $function_max $file_max > "$work/good/base/a.c"
is "$(too_long "$work/good")" "" "the longest file and function that are allowed"
sample $((function_max + 1)) $file_max > "$work/bad/base/a.c"
sample $function_max $((file_max + 1)) > "$work/bad/base/b.h"
sample 3 $((file_max + 1)) > "$work/bad/tests/c.sh"
is "$(too_long "$work/bad" | paste -sd,)" \
	"base/a.c:2: 61 lines: static void f(void),base/b.h: 701 lines,tests/c.sh: 701 lines" \
	"what is longer is found"

is "$(too_long "$top_srcdir")" "" "no source and no function is too long"
finish
