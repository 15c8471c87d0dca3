# Prints the results as Markdown.

def fixed: # three significant digits
	if . == 0 then "0" else
		(fabs | log10 | floor) as $e |
		if $e >= 2 then round else pow(10; 2 - $e) as $f | (. * $f | round) / $f end | tostring
	end;

def seconds:
	if . < 0.001 then "\(. * 1e6 | fixed) µs" elif . < 1 then "\(. * 1e3 | fixed) ms"
	else "\(fixed) s" end;

def bytes:
	if . >= 1048576 then "\(. / 1048576 | fixed) MiB" else "\(. / 1024 | fixed) KiB" end;

def count:
	if . < 10000 then "\(round)" elif . < 1e6 then "\(. / 1e3 | fixed) k"
	elif . < 1e9 then "\(. / 1e6 | fixed) M" else "\(. / 1e9 | fixed) G" end;

def times: "\(fixed) ×";

def line: "| " + join(" | ") + " |";

# The median, and the minimum and maximum if there is more than one run.
def with_spread:
	if .min == .max then (.median | seconds)
	else "\(.median | seconds) (\(.min | seconds) – \(.max | seconds))" end;

.versions as $versions |
{trixie: "dkms \($versions.trixie)", bookworm: "dkms \($versions.bookworm)", make: "plain make",
 xargs: "`xargs -P`", ccache: "ccache \($versions.ccache)",
 sha256sum: "`sha256sum`", uncached: "without the cache", unrecorded: "without a record",
 local: "from its own cache", new: "on a new machine", alone: "without a remote cache",
 asked: "asking the compiler"} as $names |

def peer($name):
	if .ratios[$name] then (.ratios[$name] | times) as $text |
		if .faster_peer == $name then "**\($text)**" else $text end
	else "" end;

def others:
	([.ratios | to_entries[] | select(.key as $key | ["trixie", "bookworm", "make"] | index($key) | not) |
		if .key == "first" or .key == "copy" then empty
		else "\($names[.key] // .key) \(.value | times)" end] +
	 [if .programs.first.cpu_s then
		"\(.programs.ours.cpu_s.median / .programs.first.cpu_s.median * 100 | fixed) % of the CPU time of \(
			if .id == "change" then "building it all" else "the first kernel" end)"
	  else empty end] +
	 [if .circumstances then
		"the same module in \(.circumstances.same) of \(.circumstances.tried) circumstances"
	  else empty end] +
	 [if .recording then "make takes \(.recording | times) the CPU time" else empty end] +
	 [if .simulated then
		"\(.simulated.real_requests) requests; bench/fleet-simulation expects \(.simulated.requests) and \(.simulated.wall_s | seconds)"
	  else empty end] +
	 [if .part then "\(.part.seconds | seconds)\(if .part.figure == "cpu_s" then
			" of CPU time (\(.part.seconds / .programs.ours.cpu_s.median * 100 | fixed) %)"
		else " of it" end) \(.part.what)"
	  else empty end] +
	 [if .programs.asked.cpu_s then
		"probes are \((1 - .programs.ours.cpu_s.median / .programs.asked.cpu_s.median) * 100 | fixed) % of the CPU time of a build that asks the compiler"
	  else empty end] +
	 [if .ratios.copy then "ours takes \(1 / .ratios.copy | times) copying the files" else empty end] +
	 [if .bound then "ours takes \(.bound.ratio | times) \(.bound.what)" else empty end]) | join("; ");

# Ours, and what the faster peer has of it.
def beside($name; unit):
	. as $row | (.programs.ours[$name].median | if . then unit else "" end) +
	(if .faster_peer and .programs[.faster_peer][$name] then
		" / " + (.programs[.faster_peer][$name].median | unit) else "" end);

([.rows[] | .commit] | unique | join(", ")) as $commits |
([.rows[] | .mode] | unique) as $modes |

"Printed by `bench/run`\(if $modes == ["full"] then "" else ", \($modes | join(" and ")) mode," end) at commit \($commits), \(.date[0:10]): \(.machine.cores) cores of \(.machine.cpu), \(.machine.system), kernel \(.machine.kernel), \(.machine.file_system).",
"Kernels: \(.kernels | join(", ")). Modules: \(.modules | map(split("/")[0]) | join(", ")).",
"Times are medians. Where there are several runs, the least and the most are in parentheses; the programs took",
"turns. A ratio says how many times longer the other program takes; the ratio of the faster of the two older",
"dkms is bold. A bound is what no program can be faster than.",
"",
(["", "dkms \($versions.ours)", $names.trixie, $names.bookworm, $names.make, "others, bounds"] | line),
"| --- | --- | --- | --- | --- | --- |",
(.rows[] | [.title, (.programs.ours.wall_s | with_spread), peer("trixie"), peer("bookworm"),
	peer("make"), others] | line),
"",
"Other work on the machine barely affects these figures: instructions of our own code, CPU time with all",
"child processes, memory of dkms itself, processes and threads started, and bytes written to files. The",
"figure of the faster of the two older dkms is behind the slash.",
"",
(["", "instructions", "CPU time", "memory", "processes", "written"] | line),
"| --- | --- | --- | --- | --- | --- |",
(.rows[] | [.title, (.programs.ours.instructions // "" | if . == "" then . else count end),
	beside("cpu_s"; seconds), beside("memory_bytes"; bytes), beside("processes"; count),
	beside("written_bytes"; bytes)] | line)
