#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Creates a report for apport(1) about a module that failed to build.

dkms calls it as dkms_packages.py -m NAME -v VERSION [-k KERNEL]. The report is about the package
that contains the module's source. If no package contains it, there is no report.
"""

import argparse
import os
import sys

import apport
from apport import fileutils, hookutils, packaging

TREE = "/var/lib/dkms"


def give_up(why):
    sys.exit(f"dkms_packages.py: no report: {why}")


def find_log(module, version, kernel):
    """Returns the path of the log of the build for this kernel, or of the last build that failed."""
    build = os.path.join(TREE, module, version, "build")
    own = os.path.join(build, f"{kernel}-{os.uname().machine}", "make.log")
    return own if kernel and os.path.exists(own) else os.path.join(build, "make.log")


def first_error(log):
    return next((line.strip() for line in log.splitlines() if ": error:" in line), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", dest="module", required=True, metavar="NAME")
    parser.add_argument("-v", dest="version", required=True, metavar="VERSION")
    parser.add_argument("-k", dest="kernel", metavar="KERNEL")
    args = parser.parse_args()
    source = f"/usr/src/{args.module}-{args.version}"

    package = packaging.get_file_package(source)
    if not package:
        give_up(f"{source} belongs to no package")
    try:
        package_version = packaging.get_version(package)
        source_package = packaging.get_source(package)
    except ValueError as error:
        give_up(error)

    report = apport.Report("Package")
    report["Package"] = f"{package} {package_version}"
    report["PackageVersion"] = package_version
    report["SourcePackage"] = source_package
    report["Title"] = f"{package} {package_version}: {args.module} kernel module failed to build"
    if args.kernel:
        report["DKMSKernelVersion"] = args.kernel
    hookutils.attach_file_if_exists(
        report, find_log(args.module, args.version, args.kernel), "DKMSBuildLog")
    log = report.get("DKMSBuildLog", "")
    if "Segmentation fault" in log:
        give_up("a program crashed, which is not the module's fault")
    error = first_error(log)
    if error:
        report["DuplicateSignature"] = f"dkms:{package}:{package_version}:{error}"
    try:
        with fileutils.make_report_file(report) as file:
            report.write(file)
    except OSError as problem:
        give_up(problem)


main()
