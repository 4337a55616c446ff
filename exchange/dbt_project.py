"""dbt on one project, in this process: several commands parse the project once."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .text import printable_lines

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# Commands that need no manifest, and may run before there can be one.
UNPARSED = ("deps",)
# Nothing on the console.
FLAGS = ("--quiet", "--log-level", "none", "--no-use-colors")


class DbtError(Exception):
    """A dbt command that failed; its message is what dbt said, a line each."""


class DbtProject:
    """A dbt project in `folder`, as it is now: who changes its files makes another one of these.

    options: given on to every command that parses or runs, such as `--target`. is_logged: whether everything goes into
    the project's log.
    """

    def __init__(self, folder: Path, options: Sequence[str] = (), is_logged: bool = True) -> None:
        self.folder, self.options = folder.absolute(), tuple(options)
        self.flags = (*FLAGS, "--log-level-file", "debug" if is_logged else "none")
        self._manifest: Manifest | None = None

    def run(self, *arguments: str, tell: Callable[[str], None] | None = None) -> None:
        """Run one command, such as run("build", "--select", "..."). Raises DbtError.

        tell: gets each line as it comes, and DbtError no line; else only errors count, which DbtError holds.
        """
        if arguments[0] in UNPARSED:
            self._invoke(None, *arguments, tell=tell)
            return
        if self._manifest is None:
            # the command itself tells again what parsing tells, and writes the manifest
            parsing = ("parse", "--no-write-json", *self.options)
            self._manifest = self._invoke(None, *parsing, tell=tell, levels=("warn", "error"))
        self._invoke(self._manifest, *arguments, *self.options, tell=tell)

    def _invoke(
        self,
        manifest: Manifest | None,
        *arguments: str,
        tell: Callable[[str], None] | None,
        levels: Sequence[str] = ("info", "warn", "error"),
    ) -> Any:
        """One invocation of dbt; returns its result. The file of an embedded database is let go of afterwards.

        levels: of the events that are told.
        """
        from dbt.cli.main import dbtRunner

        lines: list[str] = []

        def hear(event: Any) -> None:
            if event.info.level not in (levels if tell else ("error",)):
                return
            # what dbt says may quote rows, and so a stranger
            told = printable_lines(f"{event.info.ts.ToDatetime():%H:%M:%S}  {event.info.msg}")
            for line in told.splitlines():
                lines.append(line.rstrip())
                if tell is not None:
                    tell(lines[-1])

        here = Path.cwd()
        # where dbt looks for profiles first, and what paths in them are relative to
        os.chdir(self.folder)
        try:
            with warnings.catch_warnings():
                if tell is None:
                    warnings.simplefilter("ignore")
                outcome = dbtRunner(manifest, callbacks=[hear]).invoke(
                    [*self.flags, *arguments, "--project-dir", str(self.folder)]
                )
        finally:
            os.chdir(here)
            close_database()
        if isinstance(outcome.exception, KeyboardInterrupt):
            raise outcome.exception
        if not outcome.success:
            if lines and tell is not None:
                raise DbtError("")
            # a wrong option is no event
            lines = lines or printable_lines(outcome.exception or "").splitlines()
            raise DbtError("\n".join(line for line in lines if line.strip()))
        return outcome.result


def close_database() -> None:
    """Let go of the DuckDB file, which dbt-duckdb keeps open for as long as the process lives."""
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    if connections is None:
        return
    manager = connections.DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
    manager.close_all_connections()
