#!/bin/bash
# Looks at the page of --html with a real browser: what it shows, what a choice leaves, and that a hostile
# text stays a text. A page of 100 modules and 300 kernels stays small.
# Run by make check; alone: DKMS=./dkms top_srcdir=.. top_builddir=. tests/integration/page.sh
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
command -v chromium > /dev/null || skip_all "no chromium"

# Prints the page as it is after its scripts have run.
browse() # FILE[#CHOICE]
{
	HOME=$work timeout 120 chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$work/profile" \
		--virtual-time-budget=10000 --dump-dom "file://$1" 2> "$work/browser.err"
}

# Prints what an expression of python sees of the elements: each is {name, attributes, text}.
query() # FILE EXPRESSION
{
	python3 - "$@" <<'END'
import html.parser, sys

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.all, self.open = [], []
    def handle_starttag(self, name, attributes):
        e = {"name": name, "text": "", **dict(attributes)}
        self.all.append(e)
        if name not in ("meta", "input", "br"):
            self.open.append(e)
    def handle_endtag(self, name):
        while self.open and self.open.pop()["name"] != name:
            pass
    def handle_data(self, data):
        for e in self.open:
            e["text"] += data

page = Page()
page.feed(open(sys.argv[1]).read())
has = lambda kind: [e for e in page.all if kind in (e.get("class") or "").split()]
by_id = lambda i: next(e for e in page.all if e.get("id") == i)
named = lambda name: [e for e in page.all if e["name"] == name]
print(eval(sys.argv[2]))
END
}

# Prints a document of a run with so many modules and kernels.
document() # MODULES KERNELS
{
	python3 - "$@" <<'END'
import json, sys
modules, kernels = int(sys.argv[1]), int(sys.argv[2])
jobs = []
for m in range(modules):
    for k in range(kernels):
        start = (m * kernels + k) * 0.37 % 4000
        failed = (m * 7 + k) % 50 == 3
        jobs.append({"kind": "install", "module": f"module{m}", "version": "1.0",
            "kernel": f"6.{k % 20}.0-{k}-amd64", "arch": "x86_64", "result": "failed" if failed else "done",
            "cache": None if k % 3 else "hit", "error": f"make failed: x{m}.c:12: error: unknown type" if failed else None,
            "remedy": None, "log": None, "start_s": start, "wall_s": 1.5 + m / 10, "cpu_s": 2.25, "warnings": [],
            "phases": [{"phase": p, "start_s": start + i, "wall_s": 0.3} for i, p in
                enumerate(["prepare", "make", "strip", "sign", "install"])]})
jobs[0]["error"] = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
jobs[0]["result"] = "failed"
jobs[0]["module"] = "<b>module0</b>"
print(json.dumps({"schema": "dkms-run-1", "dkms": "4", "command": "autoinstall", "slots": 2, "status": 11,
    "error": None, "remedy": None, "wall_s": 4000, "jobs": jobs}))
END
}

tool=${top_builddir:-.}/tests/lib/page-tool
document 4 3 > "$work/small.json"
ok "the page is written" "$tool" "$work/small.html" < "$work/small.json"
browse "$work/small.html" > "$work/dom"
is "$(query "$work/dom" 'by_id("title")["text"]')" "dkms autoinstall" "the title says the command"
is "$(query "$work/dom" 'named("title")[0]["text"]')" "dkms autoinstall" "no text of a job has run as a script"
is "$(query "$work/dom" 'len(named("b")), len(named("img"))')" "(0, 0)" "or has made an element"
is "$(query "$work/dom" 'sum("data-cell" in e for e in has("cell"))')" 12 "the matrix has a cell for each job"
is "$(query "$work/dom" '[e["text"] for e in has("name") if e["text"]]')" "['<b>module0</b>/1.0', 'module0/1.0', 'module1/1.0', 'module2/1.0', 'module3/1.0']" \
	"and a line for each module"
is "$(query "$work/dom" '[e["text"] for e in has("kernel")]')" "['6.0.0-0-amd64', '6.1.0-1-amd64', '6.2.0-2-amd64']" "and the kernels in their order"
is "$(query "$work/dom" 'by_id("shown")["text"]')" "12 of 12" "the list has all"
is "$(query "$work/dom" '"hidden" in by_id("timing")')" False "there is a timeline"
browse "$work/small.html#module=module1" > "$work/dom"
is "$(query "$work/dom" 'by_id("shown")["text"]')" "3 of 12" "a choice in the address: a module"
browse "$work/small.html#kernel=6.1&result=hit" > "$work/dom"
is "$(query "$work/dom" 'by_id("shown")["text"]')" "0 of 12" "a kernel and a result that it does not have"
browse "$work/small.html#kernel=6.0&result=hit" > "$work/dom"
is "$(query "$work/dom" 'by_id("shown")["text"]')" "3 of 12" "and one that it has"

document 100 300 > "$work/big.json"
ok "a page of 100 modules and 300 kernels" "$tool" "$work/big.html" < "$work/big.json"
size=$(stat -c %s "$work/big.html")
ok "it has less than 3 MB ($size bytes)" test "$size" -lt 3000000
browse "$work/big.html" > "$work/dom"
is "$(query "$work/dom" 'sum("data-cell" in e for e in has("cell"))')" 30000 "it shows all"
note "drawn after $(query "$work/dom" 'named("html")[0]["data-drawn"]') ms"
finish
