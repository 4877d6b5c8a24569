#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""use.py LIBRARY FOLDER: makes, signs and audits FOLDER/repo for FOLDER/index.

The structs have the first members only, as those of a program that was written for an older
version; their size says so. Of reports, which the library fills whole, the rest is room.
"""

import ctypes
import sys
from ctypes import POINTER, c_char, c_char_p, c_int, c_size_t, c_uint64, c_void_p

ROOM = c_char * 65536


class Err(ctypes.Structure):
    _fields_ = [("code", c_int), ("sys_errno", c_int), ("stage", c_char_p), ("file", c_char_p),
                ("line", c_int), ("subject", c_char * 256), ("text", c_char * 320),
                ("hint", c_int)]


class InitOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("repo", c_char_p), ("targets_dir", c_char_p),
                ("profile", c_char_p), ("bin_count", c_uint64)]


class SignOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("repo", c_char_p), ("jobs", c_size_t)]


class SignReport(ctypes.Structure):
    _fields_ = [("targets", c_uint64), ("bins", c_uint64), ("room", ROOM)]


class VerifyOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("path", c_char_p), ("root_file", c_char_p),
                ("targets_dir", c_char_p)]


class VerifyReport(ctypes.Structure):
    _fields_ = [("findings", c_void_p), ("finding_count", c_size_t), ("error_total", c_uint64),
                ("warning_total", c_uint64), ("room", ROOM)]


def call(function, options, report):
    err = Err()
    function.restype = c_int
    function.argtypes = [c_void_p, c_void_p, POINTER(Err)]
    if function(ctypes.byref(options), ctypes.byref(report), ctypes.byref(err)):
        sys.exit(f"{err.stage}: {err.subject}: {err.text}")
    return report


def main(library, folder):
    stp = ctypes.CDLL(library)
    stp.stp_version.restype = c_char_p
    assert stp.stp_version().startswith(b"0."), stp.stp_version()
    repo = f"{folder}/repo".encode()

    made = ROOM()
    call(stp.stp_init, InitOptions(ctypes.sizeof(InitOptions), repo, f"{folder}/index".encode(),
                                   b"compat", 8), made)
    stp.stp_init_report_release(ctypes.byref(made))

    signed = call(stp.stp_sign, SignOptions(ctypes.sizeof(SignOptions), repo, 0), SignReport())
    assert (signed.targets, signed.bins) == (3, 8), (signed.targets, signed.bins)
    stp.stp_sign_report_release(ctypes.byref(signed))

    verified = call(stp.stp_verify, VerifyOptions(ctypes.sizeof(VerifyOptions), repo, None, b""),
                    VerifyReport())
    assert verified.error_total == 0, verified.error_total
    stp.stp_verify_report_release(ctypes.byref(verified))


main(*sys.argv[1:])
