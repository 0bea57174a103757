# SPDX-License-Identifier: Apache-2.0
"""Makers of TPMs, and of devices: software TPMs with certificates by a CA of their own."""

import hashlib
import os
import socket
import struct
import subprocess

from ledgerd import wait_until


def run_setup(path, tpm):
    """Makes a TPM with an endorsement key's certificate, signed by the CA in this directory."""
    os.makedirs(path, exist_ok=True)
    os.makedirs(tpm)
    files = {"ca.conf": f"statedir = {path}\nsigningkey = {path}/key.pem\nissuercert = {path}/ca.pem\n"
                        f"certserial = {path}/serial\n",
             "options": "--platform-manufacturer Maker\n--platform-version 1\n--platform-model one\n",
             "setup.conf": f"create_certs_tool=/usr/bin/swtpm_localca\ncreate_certs_tool_config={path}/ca.conf\n"
                           f"create_certs_tool_options={path}/options\nactive_pcr_banks = sha256\n"}
    for name, text in files.items():
        with open(os.path.join(path, name), "w", encoding="ascii") as file:
            file.write(text)
    subprocess.run(["swtpm_setup", "--tpm2", "--create-ek-cert", "--tpmstate", tpm, "--config",
                    os.path.join(path, "setup.conf")], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)


def root_of(path):
    root = os.path.join(path, "ca.der")
    subprocess.run(["openssl", "x509", "-in", os.path.join(path, "ca.pem"), "-outform", "der", "-out", root], check=True)
    return root


# ---- initial attestation keys, by the TCG's template H-2 (TPM 2.0 Keys for Device Identity and Attestation, 7.3)

ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|restricted|sign"


def iak_policy():
    """Of 7.3.6, from its parts: each goes on from the digest before it."""
    def on(digest, command, more=b""):
        return hashlib.sha256(digest + struct.pack(">I", command) + more).digest()
    secret = hashlib.sha256(on(bytes(32), 0x151, struct.pack(">I", 0x4000000b))).digest()
    certify, activate = (on(secret, 0x16c, struct.pack(">I", command)) for command in (0x148, 0x147))
    index = struct.pack(">IHIH", 0x01c90018, 0x000b, 0x220f1008, 32) + secret + struct.pack(">H", 34)
    by_nv = on(bytes(32), 0x192, b"\x00\x0b" + hashlib.sha256(index).digest())
    return on(bytes(32), 0x171, secret + certify + activate + by_nv)


def make_ca(path, name):
    """A maker's own CA for its devices. Its root's file, DER."""
    os.makedirs(path)
    run(path, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem",
        "-out", "ca.pem", "-subj", f"/CN={name}", "-days", "3650", "-addext", "keyUsage=critical,keyCertSign")
    return root_of(path)


def run(path, *words, env=None):
    subprocess.run(words, check=True, cwd=path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Bench:
    """A TPM on its maker's bench: tpm2-tools speak to it."""

    def __init__(self, tpm):
        port = free_ports()
        self.tpm = os.path.abspath(tpm)
        self.env = {**os.environ, "TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={port}"}
        self.process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm}", "--server",
                                         f"type=tcp,port={port},bindaddr=127.0.0.1", "--ctrl",
                                         f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags",
                                         "not-need-init,startup-clear"])
        wait_until(lambda: listens(port + 1), 20, "a software TPM")

    def tool(self, path, name, *words):
        run(path, f"tpm2_{name}", *words, env=self.env)

    def end(self):
        self.tool(None, "shutdown", "-c")
        self.process.terminate()
        self.process.wait(20)


def free_ports():
    """A port that is free with the one behind it."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise RuntimeError("no two ports are free")


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def give_iak(ca, tpm, keep):
    """Certifies this TPM's initial attestation key, and puts the certificate into it; keep: the key, too."""
    place = tpm + "-bench"
    os.makedirs(place)
    with open(os.path.join(place, "policy"), "wb") as file:
        file.write(iak_policy())
    # as tpm2-tools have it in memory: two TPM2B_ECC_PARAMETER
    with open(os.path.join(place, "unique"), "wb") as file:
        file.write(struct.pack("<H128sH128s", 3, b"IAK", 3, b"IAK"))
    with open(os.path.join(place, "extensions"), "w", encoding="ascii") as file:
        file.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n")
    bench = Bench(tpm)
    try:
        bench.tool(place, "createprimary", "-C", "e", "-g", "sha256", "-G", "ecc256:ecdsa-sha256:null", "-a", ATTRIBUTES, "-L",
                   "policy", "-u", "unique", "-c", "iak")
        bench.tool(place, "readpublic", "-c", "iak", "-f", "pem", "-o", "iak.pem")
        if keep:
            bench.tool(place, "evictcontrol", "-C", "o", "-c", "iak", "0x81020001")
        run(place, "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "/dev/null", "-subj", "/CN=a device", "-out", "request")
        run(place, "openssl", "x509", "-req", "-in", "request", "-force_pubkey", "iak.pem", "-CA", os.path.join(ca, "ca.pem"),
            "-CAkey", os.path.join(ca, "key.pem"), "-CAcreateserial", "-days", "3000", "-extfile", "extensions", "-outform",
            "der", "-out", "iak.der")
        size = os.path.getsize(os.path.join(place, "iak.der"))
        bench.tool(place, "nvdefine", "0x01c90000", "-C", "o", "-s", str(size), "-a", "ownerread|ownerwrite|authread|no_da")
        bench.tool(place, "nvwrite", "0x01c90000", "-C", "o", "-i", "iak.der")
    finally:
        bench.end()
