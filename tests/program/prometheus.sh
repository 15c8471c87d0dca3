#!/bin/bash
# dkms status --prometheus: metrics that the parser of the Prometheus project reads.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

/usr/bin/python3 -c 'import prometheus_client' 2> /dev/null || skip_all "python3-prometheus-client is not installed"
private_etc || skip_all "namespaces are not permitted here"

# Prints each sample as "NAME LABELS VALUE", the labels in a fixed order.
samples()
{
	/usr/bin/python3 -c '
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.type == "gauge" and family.documentation, family
    for sample in family.samples:
        labels = ",".join(v for k, v in sorted(sample.labels.items()))
        print(sample.name.removeprefix("dkms_module_"), labels, int(sample.value))
' < "$work/stdout" | LC_ALL=C sort
}

metrics()
{
	dkms_exits 0 "$1" status --prometheus
	printf '%s\n' "$out" > "$work/stdout"
}

machine
kernel $K
metrics "no modules"
is "$(samples)" "" "have no samples"
is "$(grep -c '^# TYPE' "$work/stdout")" 3 "the metrics are there"

for name in good bad gone odd; do
	module $name 1.0
	dkms add $name/1.0 > /dev/null
done
echo '#error no' > "$sourcetree/bad-1.0/bad.c"
before=$(date +%s)
for name in good bad gone; do dkms install $name/1.0 -k $K > /dev/null 2>&1 || true; done
rm "$installtree/$K/$dest/gone.ko" "$dkmstree/odd/1.0/source"
dkms skip good -k $K > /dev/null
metrics "some"
# The labels are: arch, kernel, module, what is particular to the metric, version.
is "$(samples | grep -v timestamp)" "info ,,bad,added,1.0 1
info ,,odd,broken,1.0 1
info $arch,$K,gone,installed,1.0 1
info $arch,$K,good,installed,1.0 1
problem ,,odd,broken,1.0 1
problem $arch,$K,gone,differ,1.0 1
problem $arch,$K,gone,gone,1.0 1
problem $arch,$K,good,skipped,1.0 1" "states and problems"
is "$(samples | awk '/timestamp/ { print $1, $2 }')" "last_failure_timestamp_seconds $arch,$K,bad,1.0" "a failure"
ok "at its time" test "$(samples | awk '/timestamp/ { print $3 }')" -ge "$before"

# The name of a kernel may have any character but a slash.
mkdir "$dkmstree/good/1.0"/$'q"b\\s\nn'
cp -r "$dkmstree/good/1.0/$K/$arch" "$dkmstree/good/1.0"/$'q"b\\s\nn'/
metrics "a hostile name"
ok "is read as it is" test "$(samples | grep -c 'q"b' )" -ge 1
finish
