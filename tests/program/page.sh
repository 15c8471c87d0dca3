#!/bin/bash
# The page of --html: that it is written whole or not at all, and what data it has. How a browser shows it is
# tested in tests/integration/page.sh.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Prints what a filter of jq makes of the data of the page.
data() # FILTER
{
	sed -n '/id="data"/,/<\/script>/p' "$work/page.html" | sed '1d;$d' | jq -r "
		. as \$d | def at(\$c; \$name): \$c[\$d.columns | index(\$name)];
		def word(\$c; \$name): at(\$c; \$name) as \$i | if \$i == 0 then null else \$d.texts[\$i] end;
		$1"
}

machine
kernel $K
add good 1.0
add bad 1.0 'MAKE="echo \"</script><script>alert(1)</script>\"; printf \"\\001\\377\\n\"; exit 3"'
dkms autoinstall -k $K --html "$work/page.html" > "$work/out" 2>&1 || true
ok "the page is there" test -s "$work/page.html"
is "$(data '[.cells[] | word(.; "module") + " " + word(.; "kernel") + " " + word(.; "result")] | sort | join(", ")')" \
	"bad/1.0 $K failed, depmod $K done, good/1.0 $K done" "it has the modules, the kernel and the results"
is "$(data .status)" 11 "the exit status"
like "$(data '.cells[] | select(word(.; "module") == "bad/1.0") | word(.; "tail")')" "</script><script>alert" "the end of the log of the build that failed"
is "$(data '.cells[] | select(word(.; "module") == "good/1.0") | word(.; "tail")')" null "none of the other"
ok "phases and their times" test "$(data '[.cells[] | at(.; "phases") | length] | add')" -ge 3
is "$(grep -c '</script>' "$work/page.html")" 2 "a text of a package does not end the data"
is "$(grep -ciE '(src|href)=|https?://|@import|url\(' "$work/page.html")" 0 "it loads nothing"
is "$(find "$work" -maxdepth 1 -name '*page.html*' | wc -l)" 1 "no temporary file is left"

dkms_exits 0 "status" status --html "$work/page.html"
is "$(data '[.cells[] | word(.; "module") + " " + word(.; "result")] | sort | join(", ")')" "bad/1.0 added, good/1.0 installed" "status: the states"
is "$(data .command)" status "status: the command"
lines=$(dkms status)
is "$(dkms status --html "$work/page.html")" "$lines" "status: its lines are as without the page"

mkdir "$work/none"
rmdir "$work/none"
dkms_exits 1 "a directory that is not there" status --html "$work/none/page.html"
like "$(cat "$work/out" "$work/err" 2> /dev/null)" "$work/none/page.html" "the error names the file"
finish
