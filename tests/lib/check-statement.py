# Reads an in-toto statement about modules from standard input and prints what is wrong with it, a line
# each: what in-toto.io/Statement/v1, its ResourceDescriptor and slsa.dev/provenance/v1 require, as far as
# they say it, and what builder/reuse/provenance.h promises.
import json, re, sys
wrong = []
def expect(condition, what):
    if not condition:
        wrong.append(what)
def fields(value, where, required, optional):
    expect(isinstance(value, dict), where + " is no object")
    if not isinstance(value, dict):
        return
    for name in required:
        expect(name in value, where + " has no " + name)
    for name, content in value.items():
        kind = {**required, **optional}.get(name)
        expect(kind is not None, where + " has the unknown field " + name)
        expect(kind is None or isinstance(content, kind), where + "." + name + " has the wrong type")
def uri(text, where):
    expect(re.fullmatch(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+", text or ""), where + " is no URI: " + str(text))
def descriptor(value, where, required={}):
    fields(value, where, required, {"name": str, "uri": str, "digest": dict, "content": str,
        "downloadLocation": str, "mediaType": str, "annotations": dict})
    expect({"uri", "digest", "content"} & set(value), where + " identifies nothing")
    if "uri" in value:
        uri(value["uri"], where + ".uri")
    for algorithm, digest in value.get("digest", {}).items():
        expect(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest), where + " has a bad " + algorithm)
s = json.load(sys.stdin)
fields(s, "statement", {"_type": str, "subject": list, "predicateType": str}, {"predicate": dict})
expect(s["_type"] == "https://in-toto.io/Statement/v1", "_type")
expect(s["predicateType"] == "https://slsa.dev/provenance/v1", "predicateType")
expect(s["subject"], "no subject")
for subject in s["subject"]:
    descriptor(subject, "subject", {"digest": dict})
names = [subject.get("name") for subject in s["subject"]]
expect(len(names) == len(set(names)), "names of subjects are not unique")
p = s["predicate"]
fields(p, "predicate", {"buildDefinition": dict, "runDetails": dict}, {})
b = p["buildDefinition"]
fields(b, "buildDefinition", {"buildType": str, "externalParameters": dict},
    {"internalParameters": dict, "resolvedDependencies": list})
uri(b["buildType"], "buildType")
for dependency in b.get("resolvedDependencies", []):
    descriptor(dependency, "dependency " + str(dependency.get("name")))
r = p["runDetails"]
fields(r, "runDetails", {"builder": dict}, {"metadata": dict, "byproducts": list})
fields(r["builder"], "builder", {"id": str}, {"builderDependencies": list, "version": dict})
uri(r["builder"]["id"], "builder.id")
expect(all(isinstance(v, str) for v in r["builder"].get("version", {}).values()), "builder.version")
fields(r.get("metadata", {}), "metadata", {}, {"invocationId": str, "startedOn": str, "finishedOn": str})
for name, time in r.get("metadata", {}).items():
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time), name)
for byproduct in r.get("byproducts", []):
    descriptor(byproduct, "byproduct")
print("\n".join(wrong))
