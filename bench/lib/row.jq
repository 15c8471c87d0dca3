# Makes one object of the lines of a row: its description, the figures of each run, a bound, and a
# part. It has medians, minima and maxima, and ratios, which say how many times longer than this
# dkms another program takes.

def median:
	sort | length as $n |
	if $n % 2 == 1 then .[($n - 1) / 2] else (.[$n / 2 - 1] + .[$n / 2]) / 2 end;

# The median, minimum and maximum of one figure of all runs.
def spread($name): [.[] | .[$name]] | {median: median, min: min, max: max};

def figures:
	["wall_s", "cpu_s", "memory_bytes", "largest_bytes", "processes", "written_bytes"];

(map(select(.row)) | first.row) as $row |
(map(select(.bound)) | first.bound) as $bound |
(map(select(.part)) | if . == [] then null else
	first.part + {seconds: (map(.part.seconds) | median)} end) as $part |
(map(select(.circumstances)) | first.circumstances) as $circumstances |
(map(select(.simulated)) | first.simulated) as $simulated |
(map(select(.recording).recording) | if . == [] then null else
	(map(select(.program == "ours").cpu_s) | median) /
	(map(select(.program != "ours").cpu_s) | median) end) as $recording |
(map(select(.program)) | group_by(.program) | map(
	{(first.program):
		((map(select(.wall_s)) as $runs | if $runs == [] then {} else
			reduce figures[] as $name ({}; .[$name] = ($runs | spread($name))) +
			{runs: ($runs | map(del(.program)))} end) +
		 (map(select(.instructions)) | first // {} | del(.program)))}) | add) as $programs |
$programs.ours.wall_s.median as $ours |
$row + {programs: $programs, ratios: ($programs | del(.ours) | map_values(
	if .wall_s and $ours then .wall_s.median / $ours else null end))} |
(.ratios | to_entries | map(select(.key == "trixie" or .key == "bookworm")) |
	min_by(.value)) as $faster |
if $faster then .faster_peer = $faster.key else . end |
if $part then .part = $part else . end |
if $circumstances then .circumstances = $circumstances else . end |
if $recording then .recording = $recording else . end |
if $simulated then .simulated = $simulated else . end |
if $bound and $ours then .bound = $bound + {ratio: ($ours / $bound.seconds)} else . end
