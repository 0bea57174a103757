# SPDX-License-Identifier: Apache-2.0
"""Makers of TPMs: software TPMs with certificates by a CA of their own."""

import os
import subprocess


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
