# SPDX-License-Identifier: Apache-2.0
"""Finds a private X25519 key in bytes by its public key: every 32 bytes are tried as one."""

import ctypes
import re

X25519 = 1034	# NID_X25519
LENGTH = 32


class Scanner:
    def __init__(self):
        self._crypto = ctypes.CDLL("libcrypto.so.3")
        for name, arguments in (("EVP_PKEY_new_raw_private_key", [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p,
                                                                  ctypes.c_size_t]),
                                ("EVP_PKEY_get_raw_public_key", [ctypes.c_void_p] * 3),
                                ("EVP_PKEY_free", [ctypes.c_void_p])):
            function = getattr(self._crypto, name)
            function.argtypes, function.restype = arguments, ctypes.c_void_p
        self._seen = {}

    def public(self, private):
        key = self._crypto.EVP_PKEY_new_raw_private_key(X25519, None, private, LENGTH)
        out = ctypes.create_string_buffer(LENGTH)
        size = ctypes.c_size_t(LENGTH)
        self._crypto.EVP_PKEY_get_raw_public_key(key, out, ctypes.byref(size))
        self._crypto.EVP_PKEY_free(key)
        return out.raw

    def find(self, data, publics, step=1):
        """Offsets of private keys of any of the public keys. What 32 random bytes never are (fewer than 16
        different ones: once in 10^14) is passed over."""
        found, tried = [], 0
        for at in range(0, len(data) - LENGTH + 1, step):
            window = data[at:at + LENGTH]
            if len(set(window)) < 16:
                continue
            tried += 1
            if window not in self._seen:
                self._seen[window] = self.public(window)
            if self._seen[window] in publics:
                found.append(at)
        return found, tried


def unhex(text):
    """The bytes that a text shows in hexadecimal, runs of 32 and more."""
    return b"".join(bytes.fromhex(run[:len(run) // 2 * 2]) for run in re.findall(r"(?i)[0-9a-f]{64,}", text))
