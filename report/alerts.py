"""Tell people of the alerts of account_mapping__alerts, each once: on Slack, Teams, by e-mail, whatever apprise knows,
or in a file.

What was told stands in a file of JSON lines, the ledger: a line before each delivery and one after it, each on the disk
(fsync) before the next step. A process that is killed leaves at most one delivery of which nobody can say whether it
arrived; the next run repeats that one, with the same id. So nothing is lost, and only that one can come twice: who
receives it tells both by the id, which is in the text, in the header `X-Account-Mapping-Alert` of e-mails and of plain
HTTP, and in the Message-ID of e-mails. A file has each alert once, since it is read before.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from exchange.locks import try_lock
from exchange.text import printable

from .marts import Marts, ReportError

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "alerts": ("alert_id", "partner_id", "kind", "severity", "recipient", "channel", "title", "text", "happened_on"),
}
HEADER = "X-Account-Mapping-Alert"
EVENTS = ("intent", "told", "failed")
# so many failures of a channel, one after the other, and it is left alone until the next run
MOST_FAILURES = 3
LONGEST_TITLE, LONGEST_TEXT = 200, 1_500
# Slack and Teams read them as mentions and links; names of companies are foreign text
MARKS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'"})
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# ---------------------------------------------------------------- what is told


@dataclass(frozen=True)
class Message:
    """One alert as it is sent. channel: the name of one in the file of channels."""

    alert_id: str
    channel: str
    severity: str
    title: str
    body: str


def message(alert: Mapping[str, Any], channel: str) -> Message:
    """An alert of the mart as people get it, without what could steer a chat program."""
    # what is escaped gets longer, so that it is cut again: a dry run cuts lines, and has to print what is sent
    title = printable(alert["title"], LONGEST_TITLE)[:LONGEST_TITLE].translate(MARKS)
    text = printable(alert["text"], LONGEST_TEXT)[:LONGEST_TEXT].translate(MARKS)
    about = f"{alert['kind'].replace('_', ' ')}, {alert['happened_on']}, alert {alert['alert_id']}"
    return Message(alert["alert_id"], channel, alert["severity"], title, f"{text}\n{about}")


def shown(messages: Iterable[Message]) -> str:
    """Messages as a dry run prints them: the channel, then title and body as they are sent."""
    return "\n\n".join(f"To {one.channel}:\n{one.title}\n{one.body}" for one in messages)


# ---------------------------------------------------------------- the file of channels


@dataclass(frozen=True)
class Channels:
    """Who is told where. targets: channel by name; managers: channel's name by manager, in lower case."""

    default: str
    targets: Mapping[str, Mapping[str, str]]
    managers: Mapping[str, str] = field(default_factory=dict)

    def of(self, alert: Mapping[str, Any]) -> str:
        """The channel of an alert: its rule's, else its recipient's, else the default one."""
        if alert["channel"] is not None:
            return alert["channel"]
        return self.managers.get((alert["recipient"] or "").strip().lower(), self.default)


def read_channels(path: Path) -> Channels:
    """The file of channels, checked; ReportError says what is wrong. It holds names of variables, and no secret."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ReportError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict) or not set(content) <= {"default", "channels", "managers"}:
        raise ReportError(f"{path} needs `default` and `channels`, may have `managers`, and has nothing else.")
    targets, managers = content.get("channels") or {}, content.get("managers") or {}
    if not isinstance(targets, dict) or not isinstance(managers, dict):
        raise ReportError(f"`channels` and `managers` of {path} are lists of `name: value`.")
    for name, target in targets.items():
        if not isinstance(target, dict) or set(target) not in ({"url_env"}, {"file"}):
            raise ReportError(
                f"Channel {name} of {path} needs either `url_env`, the environment variable that holds its address, "
                "or `file`, and nothing else."
            )
        ((key, value),) = target.items()
        if not isinstance(value, str) or not value or (key == "url_env" and not VARIABLE.fullmatch(value)):
            # the value is not told: it may be an address that somebody wrote here
            raise ReportError(
                f"`{key}` of channel {name} of {path} does not hold the name of a variable, or of a file."
            )
    for user, name in (("`default`", content.get("default")), *managers.items()):
        if name not in targets:
            raise ReportError(f"{user} of {path} names channel {name}, which is not among `channels`.")
    lowered = {str(user).strip().lower(): name for user, name in managers.items()}
    return Channels(content["default"], {str(name): target for name, target in targets.items()}, lowered)


# ---------------------------------------------------------------- the ledger


class Ledger:
    """What was told, in a file that only grows; one process at a time has it. Use it in a `with`.

    told: ids of what was told. attempts, failures: deliveries that were begun, and that failed, by id. unknown: ids of
    which the last one has no outcome.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.unknown: set[str] = set()
        self._handle = -1

    def __enter__(self) -> Ledger:
        is_new = not self.path.exists()
        try:
            self._handle = os.open(self.path, FLAGS, 0o600)
        except OSError as error:
            raise ReportError(
                f"{self.path} cannot be written: {error.strerror}. Name another one by --ledger."
            ) from error
        try:
            if not try_lock(self._handle):
                raise ReportError(f"{self.path} is in use: another `send-alerts` is running.")
            if is_new:
                _sync_folder(self.path.parent)
            self._read()
        except BaseException:
            os.close(self._handle)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            # the process ended while it wrote this line, so before the step that the line allows
            os.ftruncate(self._handle, len(whole))
            os.fsync(self._handle)
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                event, alert_id = entry["event"], entry["alert_id"]
                if event not in EVENTS or not isinstance(alert_id, str):
                    raise ValueError(event)
            except (ValueError, KeyError, TypeError) as error:
                raise ReportError(
                    f"Line {number} of {self.path} cannot be read. Mend or remove the line; without the file every "
                    "alert would be told again."
                ) from error
            self._count(event, alert_id)

    def _count(self, event: str, alert_id: str) -> None:
        if event == "intent":
            self.attempts[alert_id] = self.attempts.get(alert_id, 0) + 1
            self.unknown.add(alert_id)
        else:
            self.unknown.discard(alert_id)
        if event == "told":
            self.told.add(alert_id)
        elif event == "failed":
            self.failures[alert_id] = self.failures.get(alert_id, 0) + 1

    def add(self, event: str, sent: Message, reason: str | None = None) -> None:
        """Write one line, on the disk when this returns."""
        self._count(event, sent.alert_id)
        entry = {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "alert_id": sent.alert_id,
            "channel": sent.channel,
            "attempt": self.attempts.get(sent.alert_id, 0),
            **({"reason": reason} if reason else {}),
        }
        _append(self._handle, entry)


def _append(handle: int, entry: Mapping[str, Any]) -> None:
    data = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk; Windows has no such thing."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------- deliveries


class Target(Protocol):
    """Where a channel leads to."""

    def deliver(self, sent: Message) -> str | None:
        """Deliver; None when it was accepted, else why not. It may have arrived all the same."""


class FileTarget:
    """A file that gets a JSON line for each alert, once, however often it is delivered."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def deliver(self, sent: Message) -> str | None:
        try:
            is_new = not self.path.exists()
            handle = os.open(self.path, FLAGS, 0o600)
        except OSError as error:
            return str(error.strerror)
        try:
            data = self.path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.ftruncate(handle, len(whole))
            if f'"alert_id": "{sent.alert_id}"'.encode() not in whole:
                names = ("alert_id", "severity", "title", "body")
                _append(handle, {name: getattr(sent, name) for name in names})
            else:
                # the process that wrote it may have ended before it was on the disk
                os.fsync(handle)
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            return str(error.strerror)
        finally:
            os.close(handle)
        return None


class Failures(logging.Handler):
    """What apprise says went wrong, without addresses: only the number of an HTTP answer is kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.codes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.codes += re.findall(r"error=(\d{3})\b", record.getMessage())


class AppriseTarget:
    """An address that apprise knows: one place, so that what is tried again comes to nobody twice."""

    KINDS: Mapping[str, str] = {"info": "info", "warning": "warning", "critical": "failure"}

    def __init__(self, name: str, variable: str) -> None:
        import apprise
        from apprise.plugins.email import NotifyEmail

        address = os.environ.get(variable, "").strip()
        if not address:
            raise ReportError(f"Channel {name} needs the environment variable {variable}, which is not set.")
        # nothing of it may be logged, kept on the disk or sent in pieces
        asset = apprise.AppriseAsset(
            secure_logging=True, async_mode=False, storage_mode=apprise.PersistentStoreMode.MEMORY
        )
        self.log = logging.getLogger("apprise")
        self.log.propagate = False
        self.plugin = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if self.plugin is None:
            raise ReportError(f"{variable} of channel {name} holds no address that apprise knows.")
        self.plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
        self.plugin.retry = 0
        if isinstance(self.plugin, NotifyEmail):
            # apprise waits 5.5 seconds between e-mails; a mail server has its own queue
            self.plugin.request_rate_per_sec = 0
        copies = [*(getattr(self.plugin, "cc", None) or ()), *(getattr(self.plugin, "bcc", None) or ())]
        places = len(self.plugin) + len(copies)
        if places != 1:
            raise ReportError(
                f"{variable} of channel {name} leads to {places} places: a channel has one, since what one of "
                "several refuses would come twice to the others. Make a channel of each, or one address "
                "that passes it on."
            )
        self.has_headers = isinstance(getattr(self.plugin, "headers", None), dict)

    def deliver(self, sent: Message) -> str | None:
        import apprise

        if self.has_headers:
            self.plugin.headers[HEADER] = sent.alert_id
        failures = Failures()
        self.log.addHandler(failures)
        try:
            with _message_id(sent.alert_id):
                is_told = self.plugin.notify(
                    title=sent.title,
                    body=sent.body,
                    notify_type=apprise.NotifyType(self.KINDS[sent.severity]),
                    body_format=apprise.NotifyFormat.TEXT,
                )
        except Exception as error:  # of any library below; its text may hold the address
            return type(error).__name__
        finally:
            self.log.removeHandler(failures)
        if is_told:
            return None
        return f"HTTP {failures.codes[-1]}" if failures.codes else "refused, or not reached"


@contextlib.contextmanager
def _message_id(alert_id: str) -> Iterator[None]:
    """apprise draws the Message-ID of each e-mail; while the block runs it draws the one of the alert."""
    from apprise.plugins.email import base

    drawn = base.make_msgid
    base.make_msgid = lambda **_: f"<{alert_id}@alerts.account-mapping.invalid>"
    try:
        yield
    finally:
        base.make_msgid = drawn


def open_target(name: str, target: Mapping[str, str], folder: Path) -> Target:
    """What leads to a channel. folder: the one that names of files begin at."""
    if "file" in target:
        return FileTarget(folder / target["file"])
    return AppriseTarget(name, target["url_env"])


# ---------------------------------------------------------------- the command


def waiting(rows: Sequence[Mapping[str, Any]], channels: Channels, ledger: Ledger) -> list[Message]:
    """What is still to be told, in the order in which it is: what failed less often first."""
    messages = []
    for row in rows:
        channel = channels.of(row)
        if channel not in channels.targets:
            raise ReportError(
                f"The rule of {row['kind']} in account_mapping__alert_rules names channel {channel}, which the file of "
                "channels does not have."
            )
        if row["alert_id"] not in ledger.told:
            messages.append(message(row, channel))
    return sorted(messages, key=lambda one: ledger.failures.get(one.alert_id, 0))


def send(messages: Sequence[Message], targets: Mapping[str, Target], ledger: Ledger) -> str:
    """Deliver messages, and write down each before and after it; returns what to tell.

    Raises ReportError with the same when something was not told.
    """
    failed: dict[str, int] = {}
    reasons: dict[str, str] = {}
    n_told = n_failed = 0
    repeated = len(ledger.unknown & {one.alert_id for one in messages})
    for one in messages:
        if failed.get(one.channel, 0) >= MOST_FAILURES:
            continue
        ledger.add("intent", one)
        reason = targets[one.channel].deliver(one)
        ledger.add("failed" if reason else "told", one, reason)
        if reason:
            n_failed += 1
            failed[one.channel] = failed.get(one.channel, 0) + 1
            reasons[one.channel] = reason
        else:
            n_told += 1
            failed[one.channel] = 0
    left = len(messages) - n_told - n_failed
    lines = [f"{n_told:,} alerts told, {n_failed:,} failed, {left:,} not tried; the ledger is {ledger.path}"]
    if repeated:
        lines.append(f"{repeated:,} were begun by a run that ended before their answer: they may have come twice.")
    lines += [f"{channel}: {reason}. The next run tries again." for channel, reason in sorted(reasons.items())]
    if n_failed:
        raise ReportError("\n".join(lines))
    return "\n".join(lines)


def send_alerts(source: Path, schema: str, channels_file: Path, ledger_file: Path | None, is_dry_run: bool) -> str:
    """Tell what was not told yet; returns what to tell about it. A dry run returns the messages and tells nobody."""
    channels = read_channels(channels_file)
    marts = Marts(source, schema, COLUMNS, {})
    rows = marts.rows("select * from account_mapping__alerts order by happened_on, alert_id")
    marts.connection.close()
    ledger = Ledger(ledger_file or source.with_name(f"{source.name}.alerts.jsonl"))
    if is_dry_run and not ledger.path.exists():
        return shown(waiting(rows, channels, ledger)) or "Nothing is to be told."
    with ledger:
        messages = waiting(rows, channels, ledger)
        if is_dry_run:
            return shown(messages) or "Nothing is to be told."
        used = sorted({one.channel for one in messages})
        targets = {name: open_target(name, channels.targets[name], channels_file.parent) for name in used}
        return send(messages, targets, ledger)
