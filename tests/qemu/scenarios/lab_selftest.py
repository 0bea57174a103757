# SPDX-License-Identifier: Apache-2.0
"""The lab itself.

    a ──┐
        ├── switch
    b ──┘
"""


def test_one_guest(lab, t):
    a = lab.guest("a")
    lab.boot(a)
    t.note(f"up after {a.boot_seconds:.1f} s")
    t.check("the guest runs the kernel of the headers", a.out("uname -r") == lab.kernel.version)
    r = a.run("echo one; exit 3", check=False)
    t.check("a command's exit code and output come back", r.code == 3 and r.out == "one\n", r)
