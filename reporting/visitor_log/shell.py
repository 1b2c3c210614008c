"""The two commands that a host is asked: which log files there are, and their bytes. POSIX sh only, nothing staged."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from reporting.visitor_log.collect import HEAD, CollectError, Found

_SAFE = re.compile(r"[A-Za-z0-9_./*?\[\]!^-]")

# Where does a name lead? A file must lie in the folder that it was named in, also when it is a link: whoever may write
# there could else have any file read that we may read, and under become that is every file. A folder may be a link when
# we or root made it (cPanel's ~/access-logs is one).
_WITHIN = r"""
folder() { d=${1%/*}; cd -P -- "${d:-/}" && pwd -P; }
within() {
  p=${1%/*}
  while [ -n "$p" ]; do
    if [ -L "$p" ] && [ -z "$(find "$p" -prune \( -user 0 -o -user "$(id -u)" \))" ]; then return 1; fi
    p=${p%/*}
  done
  [ -L "$1" ] || return 0
  d=$(folder "$1") || return 1
  case $(readlink -f -- "$1") in "${d%/}"/*) return 0 ;; esac
  return 1
}
"""

# For each file: a line `KIND PATTERN SIZE SETTLED PATH HEAD`, the last two in hexadecimal: names may hold anything.
# Nothing is opened that is not a regular file (a FIFO would wait for ever).
_LIST = (
    _WITHIN
    + r"""
LC_ALL=C; export LC_ALL
hex() { od -An -v -tx1 | tr -d ' \n\t'; }
look() {
  [ -e "$2" ] || [ -L "$2" ] || return 0
  [ -d "$2" ] && return 0
  kind=file; size=0; old=0
  if [ ! -f "$2" ]; then kind=special
  elif ! within "$2"; then kind=outside
  elif [ ! -r "$2" ]; then kind=unreadable
  else size=$(wc -c <"$2") || return 1
    [ -n "$(find -H "$2" -prune -mmin +4 2>/dev/null)" ] && old=1
  fi
  printf '%s %s %s %s ' "$kind" "$1" $size $old
  printf %s "$2" | hex
  printf ' '
  [ "$kind" = file ] && dd if="$2" bs=HEAD count=1 2>/dev/null | hex
  echo .
}
""".replace("HEAD", str(HEAD))
)
_END = "laman-end-of-list"


def glob_word(pattern: str) -> str:
    """A pattern as one word of sh: `*`, `?` and `[…]` are expanded there, a leading `~/` is the home folder.

    Raises:
        CollectError: neither absolute nor below `~/`, or it holds a NUL byte.
    """
    if not pattern.startswith(("/", "~/")) or "\x00" in pattern:
        raise CollectError(f"visitor_log_paths: {pattern!r}: expected an absolute path or one that begins with ~/")
    home, rest = ('"$HOME"', pattern[1:]) if pattern.startswith("~/") else ("", pattern)
    return home + "".join(char if _SAFE.match(char) else shlex.quote(char) for char in rest)


def list_command(patterns: Sequence[str]) -> str:
    """A command that lists the files of the patterns; its answer is for `read_list`."""
    loops = [f'for f in {glob_word(pattern)}; do look {n} "$f" || exit 1; done' for n, pattern in enumerate(patterns)]
    return _LIST + "\n".join([*loops, f"echo {_END}"])


def read_list(answer: bytes) -> list[Found]:
    """The answer to `list_command`.

    Raises:
        CollectError: it was cut off, or is none.
    """
    lines = answer.decode("ascii", "replace").splitlines()
    if not lines or lines[-1] != _END:
        raise CollectError("the site did not finish listing its log files; try again, or look at its shell")
    found = []
    for line in lines[:-1]:
        kind, pattern, size, settled, path, head = line.removesuffix(".").split(" ", 5)
        found.append(
            Found(
                path=bytes.fromhex(path).decode("utf-8", "surrogateescape"),
                pattern=int(pattern),
                kind=kind,  # type: ignore[arg-type]
                size=int(size),
                head=bytes.fromhex(head.strip()),
                settled=settled == "1",
            )
        )
    return found


# What was listed may have been exchanged since: the file is opened first, and then the kernel is asked what was opened.
_OPEN = (
    _WITHIN
    + r"""
open_log() {
  within "$1" || return 1
  exec 3<"$1" || exit 1
  at=$(readlink /proc/self/fd/0 <&3 2>/dev/null)
  [ -n "$at" ] || return 0
  d=$(folder "$1") || return 1
  case $at in "${d%/}"/*) return 0 ;; esac
  return 1
}
"""
)


def read_command(path: str, skip: int) -> str:
    """A command that gives the bytes of a file from byte `skip` on; it fails when the file lies in another folder."""
    name = shlex.quote(path)
    refused = "echo 'leads out of its folder, or lies behind a link of another account' >&2; exit 1"
    opened = f"{_OPEN}open_log {name} || {{ {refused}; }}\n"
    return opened + (f"tail -c +{skip + 1} <&3" if skip else "cat <&3")
