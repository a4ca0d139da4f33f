"""Linux's seccomp by ctypes: a process gives up the calls for networking, for programs and for other processes."""

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

# <linux/prctl.h>, <linux/seccomp.h>, <linux/filter.h>, <linux/audit.h>, <linux/sched.h>
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD = 0x00010000


# Their numbers on x86_64 and aarch64, <asm/unistd.h>: sockets; programs and processes; other processes; namespaces and
# mounts; files by handle, which go round all permissions; the kernel's own machinery.
_REFUSED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "accept4": (288, 242),
    "sendmmsg": (307, 269),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
}
_CLONE3 = 435


@dataclass(frozen=True, slots=True)
class _Machine:
    """`first_foreign` is the first number of another calling convention."""

    column: int
    audit_number: int
    clone: int
    tgkill: int
    prlimit: int
    first_foreign: int = 2**32 - 1


_MACHINES = {
    "x86_64": _Machine(0, 0xC000003E, clone=56, tgkill=234, prlimit=302, first_foreign=0x40000000),
    "aarch64": _Machine(1, 0xC00000B7, clone=220, tgkill=131, prlimit=261),
}


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def is_known_machine() -> bool:
    return os.uname().sysname == "Linux" and platform.machine() in _MACHINES


def refuse() -> bool:
    """From now on this process opens no socket, starts no process (threads it does), runs no program and reaches into
    no other process; the calls fail with EPERM. False where that cannot be had. Needs no_new_privs."""
    if not is_known_machine():
        return False
    instructions = list(_instructions(_MACHINES[platform.machine()]))
    program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _instructions(machine: _Machine) -> Iterator[_Instruction]:
    yield _Instruction(_LOAD, 0, 0, _ARCHITECTURE_AT)
    yield from _if(_EQUAL, machine.audit_number, otherwise=_KILL_PROCESS)
    yield _Instruction(_LOAD, 0, 0, _NUMBER_AT)
    yield from _if(_AT_LEAST, machine.first_foreign, then=_KILL_PROCESS)
    for numbers in _REFUSED.values():
        if number := numbers[machine.column]:
            yield from _if(_EQUAL, number, then=_FAIL | errno.EPERM)
    # Its flags lie in memory, out of sight; the C library falls back to clone.
    yield from _if(_EQUAL, _CLONE3, then=_FAIL | errno.ENOSYS)
    yield from _only_with(machine.clone, _ANY_BIT, _CLONE_THREAD)
    yield from _only_with(machine.tgkill, _EQUAL, os.getpid())
    yield from _only_with(machine.prlimit, _EQUAL, 0)
    yield _Instruction(_RETURN, 0, 0, _ALLOW)


def _if(test: int, value: int, *, then: int = 0, otherwise: int = 0) -> Iterator[_Instruction]:
    """Return `then` where the loaded value passes the test, or `otherwise` where it does not; else go on."""
    yield _Instruction(test, 0, 1, value) if then else _Instruction(test, 1, 0, value)
    yield _Instruction(_RETURN, 0, 0, then or otherwise)


def _only_with(number: int, test: int, value: int) -> Iterator[_Instruction]:
    """Let the call with this number through when its first argument passes the test."""
    yield _Instruction(_EQUAL, 0, 4, number)
    yield _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_AT)
    yield _Instruction(test, 1, 0, value)
    yield _Instruction(_RETURN, 0, 0, _FAIL | errno.EPERM)
    yield _Instruction(_RETURN, 0, 0, _ALLOW)
