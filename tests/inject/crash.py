#!/usr/bin/python3
# What may be on the disk after the machine has crashed in the middle of dkms? Makes one of the states
# that a file system may be in then, from what inject.c has recorded.
#
#	crash.py RECORD ROOT BEFORE AFTER CUT MODE SEED
#
# RECORD is what INJECT_RECORD has written about ROOT, which was like the directory BEFORE at first.
# AFTER is the directory to make: what is left of ROOT if the power fails after the first CUT lines.
#
# The model: the content of a file is on disk after fsync(2) of the file, and the names in a directory
# after fsync of the directory; syncfs(2) writes everything. What was not written is there or not.
# Of the changes to one directory, later ones are on disk only if earlier ones are. A rename is one
# change, also between two directories. MODE says what became of the changes that were not written:
#
#	all     all names have changed, but the content of new files is missing
#	none    no name has changed
#	random  some names have changed, and of new files some, half or all of the content is there
#
# With CUT 0, prints the number of lines and does nothing else.
import os
import random
import sys


class Node:
    """A file (data is not None), a link (target is not None), or a directory."""

    def __init__(self, mode=0o755, data=None, target=None):
        self.mode, self.data, self.target = mode, data, target
        self.written = data  # what fsync has written
        self.now = {}  # the names in a directory: as processes see them
        self.disk = {}  # and on disk

    def is_dir(self):
        return self.data is None and self.target is None


def read_tree(path):
    mode = os.lstat(path).st_mode & 0o7777
    if os.path.islink(path):
        return Node(mode, target=os.readlink(path))
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            return Node(mode, data=file.read())
    node = Node(mode)
    for name in os.listdir(path):
        node.now[name] = node.disk[name] = read_tree(os.path.join(path, name))
    return node


class Change:
    """A change to the names in one or two directories. Each of its parts sets a name."""

    def __init__(self, kind, places, node=None):
        self.kind, self.places, self.node, self.written = kind, places, node, False
        self.dirs = [place[0] for place in places]

    def apply(self, names):
        """Applies the change to the names of its directories; names(dir) returns them."""
        directory, name = self.places[0]
        here = names(directory)
        if self.kind == "make":
            here[name] = self.node
        elif self.kind == "remove":
            here.pop(name, None)
        else:
            to_directory, to_name = self.places[1]
            there = names(to_directory)
            moved = here.pop(name, None)
            if self.kind == "exchange" and to_name in there:
                here[name] = there[to_name]
            if moved:
                there[to_name] = moved


class Disk:
    def __init__(self, root, top):
        self.root, self.top, self.changes = root, top, []

    def place(self, path):
        """Returns the directory that path is in, and its name there; None if that is unknown."""
        parts = os.path.relpath(path, self.root).split("/")
        node = self.top
        for part in parts[:-1]:
            node = node.now.get(part)
            if node is None or not node.is_dir():
                return None
        return node, parts[-1]

    def find(self, path):
        if path == self.root:
            return self.top
        place = self.place(path)
        return place and place[0].now.get(place[1])

    def change(self, kind, paths, node=None):
        places = [self.place(path) for path in paths]
        if None in places:
            return
        change = Change(kind, places, node)
        change.apply(lambda directory: directory.now)
        self.changes.append(change)

    def write_names(self, directory):
        """Writes the changes to a directory, and those before them in the other directory of a rename."""
        dirs = [directory]
        for change in reversed(self.changes):
            if any(d in dirs for d in change.dirs):
                change.written = True
                dirs += change.dirs

    def write_all(self, node):
        for change in self.changes:
            change.written = True
        todo = [self.top]
        while todo:
            node = todo.pop()
            node.written = node.data
            todo += node.now.values()

    def read(self, line):
        op, path, rest = line.rstrip("\n").split("\t", 2)
        node = self.find(path)
        if op == "create":
            inode, mode = rest.split("\t")
            if node is None:
                self.change("make", [path], Node(int(mode, 8), b"", None))
                node = self.find(path)
                if node:
                    node.written = b""
        elif op == "mkdir":
            self.change("make", [path], Node())
        elif op == "symlink":
            self.change("make", [path], Node(0o777, target=rest.split("\t")[0]))
        elif op == "remove":
            self.change("remove", [path])
        elif op in ("rename", "exchange"):
            self.change(op, [path, rest.split("\t")[0]])
        elif op == "link":
            to = rest.split("\t")[0]
            self.change("make", [to], node or Node(0o644, b""))
        elif op in ("write", "fsync", "child"):
            mode, text = rest.split("\t")
            data = bytes.fromhex(text)
            if node is None:
                self.change("make", [path], Node(0o644, b""))
                node = self.find(path)
            if node and node.data is not None:
                node.data = data
                node.mode = int(mode, 8)
                if op != "write":
                    node.written = data
        elif op == "syncdir":
            if node:
                self.write_names(node)
        elif op == "syncfs":
            self.write_all(node)

    def crash(self, mode, chance):
        stuck = []  # directories whose further changes are not on disk
        for change in self.changes:
            lost = not change.written and (
                mode == "none"
                or (mode == "random" and chance.random() < 0.3)
                or any(d in stuck for d in change.dirs)
            )
            if lost:
                stuck += change.dirs
            else:
                change.apply(lambda directory: directory.disk)

    def content(self, node, mode, chance):
        if node.data == node.written:
            return node.data
        if mode != "random":
            return node.written
        return chance.choice([node.written, node.data[: len(node.data) // 2], node.data])

    def save(self, node, path, mode, chance):
        if node.target is not None:
            os.symlink(node.target, path)
        elif node.data is not None:
            with open(path, "wb") as file:
                file.write(self.content(node, mode, chance))
            os.chmod(path, node.mode)
        else:
            os.mkdir(path)
            for name, child in node.disk.items():
                self.save(child, os.path.join(path, name), mode, chance)
            os.chmod(path, node.mode)


def main():
    record, root, before, after, cut, mode, seed = sys.argv[1:]
    with open(record, encoding="utf-8") as file:
        lines = file.readlines()
    if int(cut) == 0:
        print(len(lines))
        return
    disk = Disk(root, read_tree(before))
    for line in lines[: int(cut)]:
        disk.read(line)
    chance = random.Random(int(seed))
    disk.crash(mode, chance)
    disk.save(disk.top, after, mode, chance)


main()
