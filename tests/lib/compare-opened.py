# Compares the statement about a build with what strace saw its commands open:
#
#	compare-opened.py STATEMENT TRACE OWN [REAL PLACE]...
#
# TRACE is the beginning of the names of the files that "strace -ff -y --decode-pids=pidns -s 256 -o TRACE"
# has written, OWN is the directory that the build can write to, and the pairs say where the sandbox shows
# the directories that it has at other places. Prints a line for each file or directory that was opened
# and is not named, and for each that is named and was not opened.
import glob, hashlib, json, os, re, sys, urllib.parse

statement, trace, own = sys.argv[1:4]
places = [(os.path.realpath(real), place) for real, place in zip(sys.argv[4::2], sys.argv[5::2])]
# What the sandbox makes, the same for each build; and what has no influence.
constant = {"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/ld.so.cache",
    "/etc/localtime", "/usr/bin/uname"}
# The program of dkms that stands before the compilers, under their names. It starts the compilers, which are named.
probes = "/run/dkms-probes"

def outside(path): # the path of what a build sees at path
    for real, place in places:
        if path == place or path.startswith(place + "/"):
            return real + path[len(place):]
    return path

def resolve(path): # the links in it, as the build sees them
    path = os.path.realpath(outside(path))
    for real, place in places:
        if path == real or path.startswith(real + "/"):
            return place + path[len(real):]
    return path

def matters(path):
    return path not in constant and not any(path == d or path.startswith(d + "/")
        for d in (own, "/tmp", "/dev", "/proc", probes))

class Process:
    def __init__(self, path):
        self.children, self.opened, self.executed, self.is_shell = [], set(), set(), False
        waits = False # it is the shell that waits for the go, or what becomes that shell
        programs = [] # that have not told their directory yet
        for line in open(path, errors="surrogateescape"):
            call = re.match(r"(open|openat|openat2|execve|execveat|clone|clone3|fork|vfork)\(", line)
            if not call:
                continue
            result = re.search(r"\) += (\d+)(<(.*)>)?(?: /\* (\d+) in strace's PID NS \*/)?$", line)
            if not result:
                continue
            directory = re.search(r"AT_FDCWD<([^>]*)>", line)
            if directory and programs:
                self.executed |= {resolve(os.path.join(directory[1], name)) for name in programs}
                programs = []
            if call[1] in ("clone", "clone3", "fork", "vfork"):
                self.children.append(int(result[4] or result[1]))
            elif call[1] == "execveat":
                sys.exit("execveat is not understood: " + line)
            elif call[1] == "execve":
                name = re.match(r'execve\("([^"]*)"', line)[1]
                if waits or "echo >&6 &&" in line: # what was before is not traced
                    self.opened, self.executed, programs = set(), set(), []
                self.is_shell = waits and "echo >&6 &&" not in line or self.is_shell
                waits = "echo >&6 &&" in line
                if not waits:
                    programs.append(name)
            elif not re.search(r"O_PATH|O_WRONLY", line):
                self.opened.add(result[3])
        self.executed |= {resolve(name) for name in programs if name[0] == "/"}
        programs = [name for name in programs if name[0] != "/"]
        if programs:
            sys.exit("the directory of a program is not known: " + str(programs))

processes = {int(path[len(trace) + 1:]): Process(path) for path in glob.glob(trace + ".[0-9]*")}
shells = [p for p in processes.values() if p.is_shell]
opened, executed, todo = set(), set(), [pid for pid, p in processes.items() if p.is_shell]
count = len(todo)
while todo:
    p = processes[todo.pop()]
    opened |= p.opened
    executed |= p.executed
    todo += p.children
    count += len(p.children)

# The kernel itself opens the interpreters of programs: of scripts, and the loader.
interpreters = set()
for path in executed:
    head = open(outside(path), "rb").read(4096) if os.path.isfile(outside(path)) else b""
    script = re.match(rb"#! *([^ \n]+)", head)
    loader = re.search(rb"/lib[a-z0-9/]*/ld-[a-z0-9.-]+", head)
    interpreters |= {resolve(found.decode()) for found in
        ([script[1]] if script else []) + ([loader[0]] if loader else [])}

is_dir = {path: os.path.isdir(outside(path)) for path in opened}
files = {path for path in opened if matters(path) and not is_dir[path]} | \
    {path for path in executed if matters(path)}

named, dirs = set(), set()
for d in json.load(open(statement))["predicate"]["buildDefinition"]["resolvedDependencies"]:
    kind, real = d["annotations"]["kind"], urllib.parse.unquote(d["uri"][len("file://"):])
    if kind == "directory":
        dirs.add(d["name"])
        continue
    named.add(d["name"])
    if outside(d["name"]) != real:
        print("%s is at %s, not at %s" % (d["name"], outside(d["name"]), real))
    elif not real.startswith("/proc/") and d["digest"]["sha256"] != hashlib.sha256(open(real, "rb").read()).hexdigest():
        print(d["name"], "has another digest")
# The build reads a copy of its source.
source = {path for path in named if path.startswith("/usr/src/") and not path.startswith("/usr/src/kernel/")}
for path in sorted(files - named):
    print(path, "was opened and is not named")
for path in sorted(named - files - interpreters - source):
    if matters(path):
        print(path, "is named and was not opened")
# The lists of files in the source and in the headers are in the key.
for path in sorted(path for path in opened - dirs if matters(path) and is_dir[path]):
    if not path.startswith("/usr/src/"):
        print(path, "is a directory that was opened and is not named")
for path in sorted(dirs - opened):
    print(path, "is a directory that is named and was not opened")
print("%d shells, %d processes, %d files, %d programs, %d named" % (len(shells), count, len(files), len(executed), len(named)), file=sys.stderr)
