# SPDX-License-Identifier: Apache-2.0
"""Measured boot: a unified kernel image on a FAT disk, and the firmware that starts it."""

import os
import shutil
import struct
import subprocess

from image import CACHE, ImageError

STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
FIRMWARE = "/usr/share/OVMF"
OS_RELEASE = 'ID=sealbond\nVERSION_ID=1\nNAME=Sealbond\nPRETTY_NAME="Sealbond"\n'
PAGE = 4096


def _drop_time(path):
    """The same inputs must measure the same: no time of day in the PE header, nor the checksum over it."""
    with open(path, "r+b") as f:
        f.seek(0x3C)
        header = struct.unpack("<I", f.read(4))[0]
        for field in (header + 8, header + 24 + 64):
            f.seek(field)
            f.write(bytes(4))


def _first_address(stub):
    """Behind the stub's own sections, as objcopy counts: Debian 13's stub has an image base."""
    with open(stub, "rb") as f:
        data = f.read(4096)
    header = struct.unpack_from("<I", data, 0x3C)[0] + 24
    base, = struct.unpack_from("<Q", data, header + 24)
    size, = struct.unpack_from("<I", data, header + 56)
    return base + max(0x20000, -(-size // PAGE) * PAGE)


def make_uki(out, kernel, initrd, cmdline):
    """Writes a unified kernel image: the stub of systemd with four sections, each on a page."""
    parts = []
    for name, data in (("osrel", OS_RELEASE.encode()), ("cmdline", cmdline.encode())):
        path = f"{out}.{name}"
        with open(path, "wb") as f:
            f.write(data)
        parts.append((name, path))
    parts += [("initrd", initrd), ("linux", kernel)]
    command = ["objcopy"]
    address = _first_address(STUB)
    for name, path in parts:
        command += ["--add-section", f".{name}={path}", "--change-section-vma", f".{name}={address:#x}"]
        address += -(-os.path.getsize(path) // PAGE) * PAGE
    subprocess.run(command + [STUB, out], check=True)
    _drop_time(out)
    for _, path in parts[:2]:
        os.unlink(path)
    return out


def make_boot_disk(out, uki, files=None):
    """Writes a FAT disk that starts this image. files: more of them, path there -> path here."""
    contents = {"EFI/BOOT/BOOTX64.EFI": uki, **(files or {})}
    size = sum(os.path.getsize(path) for path in contents.values())
    if os.path.exists(out):
        os.unlink(out)
    with open(out, "wb") as f:
        f.truncate((size >> 20 << 20) + (40 << 20))
    subprocess.run(["mkfs.vfat", "-F", "32", "-i", "5EA1B04D", "-n", "SEALBOND", out], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    made = set()
    for path, source in contents.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            directory = "/".join(parts[:depth])
            if directory not in made:
                subprocess.run(["mmd", "-i", out, "::/" + directory], check=True)
                made.add(directory)
        subprocess.run(["mcopy", "-i", out, source, "::/" + path], check=True)
    return out


def firmware(variables, secure=False):
    """QEMU's arguments for the firmware; variables: this guest's own copy, made where missing."""
    code = os.path.join(FIRMWARE, "OVMF_CODE_4M.secboot.fd" if secure else "OVMF_CODE_4M.fd")
    if not os.path.exists(code):
        raise ImageError(f"no {code}: run scripts/setup.sh")
    if not os.path.exists(variables):
        shutil.copyfile(os.path.join(FIRMWARE, "OVMF_VARS_4M.fd"), variables)
    return ["-drive", f"if=pflash,format=raw,unit=0,file={code},readonly=on",
            "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]


def compressed(initrd):
    """The initramfs made small: firmware reads and hashes slowly."""
    out = os.path.join(CACHE, os.path.basename(initrd) + ".zst")
    if not os.path.exists(out):
        temporary = f"{out}.{os.getpid()}"
        subprocess.run(["zstd", "-q", "-f", "-9", "-o", temporary, initrd], check=True)
        os.rename(temporary, out)
    return out
