# SPDX-License-Identifier: Apache-2.0
"""The guest's image: a kernel and a small initramfs, made without mounts and without root.

Kernel: the distribution's, unpacked below build/kernel/ by scripts/setup.sh. Initramfs: busybox, the
agent, the modules of MODULES with what they depend on, the programs of PROGRAMS with their shared
libraries, and the project's own products where they are built. Cached by a hash of its contents.
"""

import fcntl
import hashlib
import lzma
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TOP, "build")
CACHE = os.path.join(BUILD, "lab-cache")

# Loaded before the agent starts, and for a guest with a disk. Everything else waits for modprobe,
# the kernel's own included.
# The two ciphers' drivers stand for what udev does on a full system: the kernel itself would be content
# with its portable ones.
BOOT_MODULES = ["virtio_pci", "virtio_net", "virtio_console", "aesni-intel", "ghash-clmulni-intel"]
DISK_MODULES = ["crc32c-intel", "crc32c_generic", "virtio_blk", "ext4"]

# Copied with what they depend on, where this kernel has them as modules.
MODULES = BOOT_MODULES + DISK_MODULES + """
    xfrm_user xfrm_interface xfrm_algo xfrm4_tunnel xfrm6_tunnel tunnel4 tunnel6
    esp4 esp6 esp4_offload esp6_offload udp_tunnel ip6_udp_tunnel wireguard
    drbg jitterentropy_rng hmac sha512_generic sha512-ssse3 ghash-generic gcm ccm ctr cbc cfb cmac authenc authencesn seqiv
    echainiv chacha20poly1305 chacha-x86_64 chacha_generic chacha poly1305-x86_64 poly1305_generic
    libchacha20poly1305 libcurve25519 curve25519-x86_64 curve25519-generic blake2s-x86_64 libblake2s
    ecc ecdh_generic ecdsa_generic sha256-ssse3 sha256_generic cryptd af_alg algif_aead algif_hash
    veth tun tap dummy bridge br_netfilter ifb macvlan macvtap ipvlan vrf 8021q bonding nlmon vsockmon
    ip_gre ip6_gre gre ipip sit ip6_tunnel ip_vti ip6_vti vxlan geneve fou ip_tunnel l2tp_eth
    sch_ingress sch_netem sch_tbf sch_htb sch_prio sch_red sch_fq sch_fq_codel
    act_mirred act_gact act_police act_pedit act_skbedit act_bpf
    cls_u32 cls_matchall cls_flower cls_bpf cls_basic
    nf_tables nft_ct nft_nat nft_masq nft_redir nft_chain_nat nft_reject nft_reject_inet nft_limit
    nft_log nft_fwd_netdev nft_dup_netdev nft_tproxy nft_socket nft_xfrm nft_meta_bridge
    nf_conntrack nf_nat nf_defrag_ipv4 nf_defrag_ipv6 nf_flow_table nft_flow_offload
    tpm_vtpm_proxy pktgen xsk_diag af_packet_diag sctp_diag inet_diag tcp_diag udp_diag raw_diag
    unix_diag netlink_diag pvpanic-pci 9pnet_virtio vfat nls_ascii nls_cp437
""".split()

# Taken from the host, where it has them.
PROGRAMS = ["ip", "tc", "bridge", "ss", "nft", "ethtool", "iperf3", "ping", "tcpdump", "strace", "wg",
            "tpm2", "setpriv"]
KMOD_NAMES = ["modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"]
TPM2_LIBRARIES = ["libtss2-tcti-device.so.0", "libtss2-tcti-mssim.so.0", "libtss2-tcti-swtpm.so.0"]

# The project's own, below build/: (file there, place in the guest).
PRODUCTS = [("sealbondd", "/usr/sbin/sealbondd"), ("sealbond", "/usr/bin/sealbond"),
            ("sealbondd-tpm", "/usr/libexec/sealbond/sealbondd-tpm"),
            ("sealbondd-ledger", "/usr/libexec/sealbond/sealbondd-ledger"),
            ("tests/udpnum", "/usr/bin/udpnum"), ("tests/rawsend", "/usr/bin/rawsend")]
PRODUCT_MODULE = "sealbond.ko"

ETC = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nsealbond:x:900:900::/:/bin/false\n"
                   "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "root:x:0:\ntss:x:901:\nsealbond:x:900:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/protocols": "ip 0 IP\nicmp 1 ICMP\nigmp 2 IGMP\nipencap 4 IP-ENCAP\ntcp 6 TCP\nudp 17 UDP\n"
                      "ipv6 41 IPv6\ngre 47 GRE\nesp 50 IPSEC-ESP\nah 51 IPSEC-AH\n"
                      "ipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n",
}


class ImageError(Exception):
    pass


def build_lock():
    """Serialises the making of cached files between runners; held until the handle is closed."""
    os.makedirs(CACHE, exist_ok=True)
    handle = open(os.path.join(CACHE, "lock"), "w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def write_atomically(path, data):
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as f:
        f.write(data)
    os.rename(temporary, path)


class Kernel:
    """An unpacked kernel package."""

    def __init__(self, directory=None):
        self.directory = directory or os.environ.get("SEALBOND_KERNEL_DIR") or os.path.join(BUILD, "kernel")
        try:
            with open(os.path.join(self.directory, "version"), encoding="ascii") as f:
                self.version = f.read().strip()
        except FileNotFoundError:
            raise ImageError(f"no guest kernel in {self.directory}: run scripts/setup.sh") from None
        self.modules = os.path.join(self.directory, "lib/modules", self.version)
        self.vmlinuz = os.path.join(self.directory, "boot/vmlinuz-" + self.version)
        self.needs, self.paths = self._read_dep()

    @staticmethod
    def _module_name(path):
        return os.path.basename(path).split(".ko")[0].replace("-", "_")

    def _read_dep(self):
        needs, paths = {}, {}
        with open(os.path.join(self.modules, "modules.dep"), encoding="ascii") as f:
            for line in f:
                path, _, rest = line.partition(":")
                name = self._module_name(path)
                paths[name] = path
                needs[name] = [self._module_name(p) for p in rest.split()]
        return needs, paths

    def own_module(self):
        """The project's module for this kernel: beside it, or what the last build made."""
        beside = os.path.join(self.directory, PRODUCT_MODULE)
        return beside if os.path.exists(beside) else os.path.join(BUILD, PRODUCT_MODULE)

    def with_needs(self, names):
        """The names that are modules here, and their dependencies, in an order that insmod takes."""
        order = []

        def visit(name):
            if name in self.paths and name not in order:
                for need in self.needs[name]:
                    visit(need)
                order.append(name)

        for name in names:
            visit(name.replace("-", "_"))
        return order

    def module_bytes(self, name):
        path = os.path.join(self.modules, self.paths[name])
        with open(path, "rb") as f:
            data = f.read()
        if path.endswith(".xz"):
            return lzma.decompress(data)
        if path.endswith(".zst"):
            return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
        return data

    def vmlinux(self):
        """The kernel without its decompressor, which takes longer under emulation than the rest of the
        boot; QEMU enters it by its PVH note. (Linux: Documentation/x86/boot.rst, payload_offset)"""
        with open(self.vmlinuz, "rb") as f:
            image = f.read()
        out = os.path.join(CACHE, "vmlinux-" + hashlib.sha256(image).hexdigest()[:16])
        if os.path.exists(out):
            return out
        setup_sectors = image[0x1F1] or 4
        offset, length = struct.unpack_from("<II", image, 0x248)
        start = (setup_sectors + 1) * 512 + offset
        payload = image[start:start + length]
        if payload[:6] == b"\xfd7zXZ\0":
            elf = lzma.LZMADecompressor().decompress(payload)
        elif payload[:4] == b"\x28\xb5\x2f\xfd":
            # the payload ends with its own length in four bytes
            elf = subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE,
                                 check=True).stdout
        else:
            raise ImageError(f"{self.vmlinuz}: compressed in a way that is not known here")
        write_atomically(out, elf)
        return out

    def end_address(self):
        """The first physical address behind the kernel, its zeroed memory included."""
        with open(self.vmlinux(), "rb") as f:
            head = f.read(4096)
        offset, size, count = (struct.unpack_from(form, head, at)[0]
                               for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
        end = 0
        for number in range(count):
            kind, _, _, _, physical, _, memory = struct.unpack_from("<IIQQQQQ", head, offset + number * size)
            if kind == 1:
                end = max(end, physical + memory)
        return end


class Tree:
    """The files of an initramfs: guest path -> (mode, bytes)."""

    def __init__(self):
        self.entries = {}

    def directory(self, path, mode=0o755):
        if path in ("", "/"):
            return
        self.directory(os.path.dirname(path))
        self.entries.setdefault(path, (stat.S_IFDIR | mode, b""))

    def file(self, path, data, mode=0o644):
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries.setdefault(path, (stat.S_IFLNK | 0o777, target.encode()))

    def copy(self, path, source, mode=None):
        with open(source, "rb") as f:
            self.file(path, f.read(), mode or stat.S_IMODE(os.fstat(f.fileno()).st_mode))

    def program(self, path, source):
        """A program or a library, and the shared libraries it needs."""
        self.copy(path, source, 0o755)
        for library in shared_libraries(source):
            guest = library if library.startswith("/usr") else "/usr" + library
            if guest not in self.entries:
                self.copy(guest, library, 0o755)

    def digest(self):
        sha = hashlib.sha256()
        for path in sorted(self.entries):
            mode, data = self.entries[path]
            sha.update(f"{path}\0{mode}\0{len(data)}\0".encode())
            sha.update(data)
        return sha.hexdigest()

    def cpio(self):
        """In the newc format (Linux: Documentation/driver-api/early-userspace/buffer-format.rst)."""
        out = []
        device = (stat.S_IFCHR | 0o600, b"")
        entries = {**self.entries, "/dev/console": device}
        entries.setdefault("/dev", (stat.S_IFDIR | 0o755, b""))
        for inode, path in enumerate(sorted(entries), 1):
            mode, data = entries[path]
            self._record(out, path[1:], inode, mode, data, (5, 1) if path == "/dev/console" else (0, 0))
        self._record(out, "TRAILER!!!", 0, 0, b"", (0, 0))
        return b"".join(out)

    @staticmethod
    def _record(out, name, inode, mode, data, rdev):
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name.encode()) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % v for v in fields) + name.encode() + b"\0"
        out += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]


def shared_libraries(path):
    """What the loader would map, by ldd; nothing for a static program."""
    text = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout
    found = []
    for line in text.splitlines():
        words = line.split()
        if "not found" in line:
            raise ImageError(f"{path}: {words[0]} is not found")
        if "=>" in words and words[words.index("=>") + 1].startswith("/"):
            found.append(words[words.index("=>") + 1])
        elif words and words[0].startswith("/"):
            found.append(words[0])
    return found


def host_program(name):
    return shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")


def _agent():
    source = os.path.join(HERE, "agent.c")
    with open(source, "rb") as f:
        out = os.path.join(CACHE, "agent-" + hashlib.sha256(f.read()).hexdigest()[:16])
    if not os.path.exists(out):
        temporary = f"{out}.{os.getpid()}"
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-O2", "-static", "-s", "-o", temporary,
                        source], check=True)
        os.rename(temporary, out)
    return out


def _add_programs(tree):
    busybox = host_program("busybox")
    if not busybox or shared_libraries(busybox):
        raise ImageError("no static busybox: run scripts/setup.sh")
    tree.copy("/usr/bin/busybox", busybox, 0o755)
    # busybox's shell would take its own ip and ping before those of PATH
    tree.program("/usr/bin/sh", os.path.realpath(host_program("dash")))
    for name in PROGRAMS:
        source = host_program(name)
        if source:
            tree.program(f"/usr/{'sbin' if name in ('ip', 'tc', 'bridge', 'nft', 'ethtool') else 'bin'}/{name}",
                         source)
    kmod = host_program("kmod")
    tree.program("/usr/bin/kmod", kmod)
    for name in KMOD_NAMES:
        tree.link(f"/usr/sbin/{name}", "../bin/kmod")
    if "/usr/bin/tpm2" in tree.entries:
        for name in os.listdir(os.path.dirname(host_program("tpm2"))):
            if name.startswith("tpm2_"):
                tree.link(f"/usr/bin/{name}", "tpm2")
        for name in TPM2_LIBRARIES:
            library = os.path.join("/usr/lib/x86_64-linux-gnu", name)
            if os.path.exists(library):
                tree.program(library, library)
    applets = subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in applets.split():
        if f"/usr/sbin/{name}" not in tree.entries:
            tree.link(f"/usr/bin/{name}", "busybox")


def _add_modules(tree, kernel, own_modules):
    """The chosen modules under lib/modules, uncompressed, with an index made for just these."""
    base = f"/usr/lib/modules/{kernel.version}"
    names = kernel.with_needs(MODULES)
    with tempfile.TemporaryDirectory(dir=CACHE) as stage:
        os.mkdir(os.path.join(stage, "lib"))
        top = os.path.join(stage, "lib/modules", kernel.version)

        def place(path, data):
            tree.file(f"{base}/{path}", data)
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "wb") as f:
                f.write(data)

        where = {}
        for name in names:
            where[name] = kernel.paths[name].split(".ko")[0] + ".ko"
            place(where[name], kernel.module_bytes(name))
        for source in own_modules:
            # most of such a file is for a debugger, too much for the guest's memory
            stripped = os.path.join(stage, "stripped")
            subprocess.run(["objcopy", "--strip-debug", source, stripped], check=True)
            with open(stripped, "rb") as f:
                place("updates/" + os.path.basename(source), f.read())
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copy(os.path.join(kernel.modules, name), os.path.join(top, name))
        tool = host_program("depmod")
        subprocess.run([tool, "-b", stage, kernel.version], check=True)
        for name in os.listdir(top):
            if name.startswith("modules."):
                tree.copy(f"{base}/{name}", os.path.join(top, name), 0o644)
    for file, wanted in (("boot", BOOT_MODULES), ("disk", DISK_MODULES)):
        order = [n for n in kernel.with_needs(wanted)
                 if file == "boot" or n not in kernel.with_needs(BOOT_MODULES)]
        tree.file(f"/etc/modules.{file}", "".join(f"{base}/{where[n]}\n" for n in order).encode())


def _forget_old(keep):
    """Removes images that no guest was started from for a day."""
    for name in os.listdir(CACHE):
        path = os.path.join(CACHE, name)
        if name.startswith("initramfs-") and name != keep and time.time() - os.path.getmtime(path) > 86400:
            os.unlink(path)


_made = {}


def initramfs(kernel, files=None, modules=None):
    """Path of an initramfs for this kernel. files: more of them, guest path -> path on the host, or
    bytes; a program brings its libraries. modules: further .ko files beside the project's own.

    The same request gives the same image for as long as a runner lives, so that a build beside it does not
    change what a guest boots the next time. A file of files or modules that changed makes another."""
    def version(source):
        return source if isinstance(source, bytes) else (source, os.stat(source).st_mtime_ns)

    key = (kernel.directory, tuple((guest, version(source)) for guest, source in sorted((files or {}).items())),
           tuple(version(module) for module in modules or []))
    if key not in _made or not os.path.exists(_made[key]):
        _made[key] = _make_initramfs(kernel, files, modules)
    return _made[key]


def _make_initramfs(kernel, files, modules):
    lock = build_lock()
    try:
        tree = Tree()
        for name in ("bin", "sbin", "lib", "lib64"):
            tree.directory(f"/usr/{name}")
            tree.link(f"/{name}", f"usr/{name}")
        for path in ("/proc", "/sys", "/tmp", "/run", "/root", "/var/lib/sealbond", "/etc/sealbond"):
            tree.directory(path)
        tree.link("/var/run", "../run")
        for path, text in ETC.items():
            tree.file(path, text.encode())
        tree.copy("/init", os.path.join(HERE, "init.sh"), 0o755)
        tree.copy("/usr/sbin/agent", _agent(), 0o755)
        _add_programs(tree)
        own = [kernel.own_module()] + list(modules or [])
        _add_modules(tree, kernel, [path for path in own if os.path.exists(path)])
        for name, guest in PRODUCTS:
            source = os.path.join(BUILD, name)
            if os.path.exists(source):
                tree.program(guest, source)
        for guest, source in (files or {}).items():
            if isinstance(source, bytes):
                tree.file(guest, source)
            elif os.access(source, os.X_OK):
                tree.program(guest, source)
            else:
                tree.copy(guest, source)
        out = os.path.join(CACHE, f"initramfs-{tree.digest()[:16]}.cpio")
        if not os.path.exists(out):
            write_atomically(out, tree.cpio())
        os.utime(out)
        _forget_old(os.path.basename(out))
        return out
    finally:
        lock.close()
