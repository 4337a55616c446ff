"""Exchange hashed keys, counts and agreed fields with a partner, by files.

usage: python dbt_packages/account_mapping/exchange COMMAND PARTNER_ID

Runs dbt on your project, and moves files between the database and two folders:
outbox/<partner_id> is what you send, inbox/<partner_id> what the partner sent.
Copy them by whatever channel you like.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from . import files, protocol
from .dbt_project import DbtError, DbtProject
from .protocol import Accepted, FileEntry, Party, Refused, Rule

REQUIREMENTS = "pip install -r dbt_packages/account_mapping/requirements-exchange.txt"
SETTINGS = (
    "+stg_account_mapping__settings_partners",
    "+stg_account_mapping__settings_sharing_agreements",
    *(f"+account_mapping__{seed}" for seed in protocol.NORMALISER_SEEDS),
)
SHOWN_LINES = 30


class ExchangeError(Exception):
    """A step that cannot be done; the message says what to do. Nothing was changed."""


@dataclass(frozen=True)
class Work:
    """Where one command works.

    staging: below the project's target folder, for files that are on their way; never copied to a partner.
    options: given on to dbt. parsed: the project, where the caller has it, so that it is not parsed again.
    """

    partner_id: str
    project: Path
    outbox: Path
    inbox: Path
    options: tuple[str, ...] = ()
    build: bool = True
    parsed: DbtProject | None = None

    @cached_property
    def warehouse(self) -> DbtProject:
        return self.parsed or DbtProject(self.project, self.options)

    @property
    def staging(self) -> Path:
        return self.project / "target" / "account_mapping_exchange" / self.partner_id


@dataclass(frozen=True)
class Situation:
    """What the warehouse knows about an exchange.

    partner_statement: rules of the last manifest of the partner that was accepted in this epoch; None before the first.
    """

    us: Party
    secret: bytes
    accepted: Accepted | None
    partner_statement: tuple[Rule, ...] | None


# ---------------------------------------------------------------- dbt


def dbt(work: Work, *arguments: str) -> None:
    """Run one dbt command on the user's project; ExchangeError with its last lines where it fails."""
    try:
        work.warehouse.run(*arguments)
    except DbtError as error:
        lines = str(error).splitlines()[-SHOWN_LINES:]
        told = "\n".join([*lines, f"`dbt {arguments[0]}` failed: mend what it says and run this again."])
        raise ExchangeError(told) from None


def operation(work: Work, name: str, **arguments: Any) -> None:
    """Run one macro of the package."""
    dbt(
        work,
        *("run-operation", f"account_mapping.{name}"),
        *("--args", json.dumps({"partner_id": work.partner_id, "folder": work.staging.as_posix(), **arguments})),
    )


def build(work: Work, *selection: str) -> None:
    """Build and test models, unless the user does."""
    if work.build:
        # cautious: a test that also reads a model outside of the selection would find it missing, or of another run
        options = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
        dbt(work, "build", "--select", *selection, *options)


def clear_staging(work: Work) -> None:
    """An empty staging folder; what an earlier, killed run left there goes."""
    work.staging.mkdir(parents=True, exist_ok=True)
    for path in work.staging.iterdir():
        if not path.is_dir():
            path.unlink()


def shown(path: Path) -> str:
    """A path for people: from where they are, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def read_json(work: Work, name: str) -> list[dict[str, Any]]:
    """Rows of a file that the export wrote; none where there is no such table."""
    path = work.staging / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


# ---------------------------------------------------------------- what we know


def take_stock(work: Work, kinds: Sequence[str] = ()) -> Situation:
    """Export settings, and the shared models of `kinds`, to the staging folder, and read the settings."""
    clear_staging(work)
    operation(work, "account_mapping__export_shared", kinds=list(kinds))
    return read_situation(work)


def read_party(work: Work) -> tuple[Party, str]:
    """The settings in the staging folder, checked, and the name of the secret's variable.

    ExchangeError says what is missing.
    """
    rows = read_json(work, "settings")
    if not rows:
        raise ExchangeError(f"There is no partner `{work.partner_id}` in the settings account_mapping__partners.")
    settings = rows[0]
    if settings["exchange"] != "keys" or not settings["is_active"]:
        state = "inactive" if not settings["is_active"] else f"set to exchange `{settings['exchange']}`"
        raise ExchangeError(f"Partner `{work.partner_id}` is {state}; this command is for active partners with `keys`.")
    for name in ("agreement_id", "epoch"):
        if not settings[name]:
            raise ExchangeError(
                f"Partner `{work.partner_id}` has no {name} in account_mapping__partners: agree on one."
            )
    rules = read_json(work, "our_statement")
    if not all(rule.pop("is_readable") for rule in rules):
        raise ExchangeError("A rule in account_mapping__sharing_agreements for this partner cannot be read.")
    try:
        statement = protocol.make_statement(rules)
    except ValueError as error:
        raise ExchangeError(f"A rule in account_mapping__sharing_agreements cannot be read: {error}.") from None
    try:
        seeds = {seed: read_json(work, seed) for seed in protocol.NORMALISER_SEEDS}
        normaliser = protocol.installed_normaliser(settings["normaliser_version"], seeds)
    except ValueError as error:
        raise ExchangeError(f"{error}.") from None
    us = Party(
        *(settings[name] for name in ("company_id", "agreement_id", "epoch", "as_of")),
        statement=statement,
        normaliser=normaliser,
    )
    return us, settings["secret_env"]


def read_situation(work: Work) -> Situation:
    """What the staging folder tells, with the secret; ExchangeError says what is missing."""
    us, secret_env = read_party(work)
    try:
        secret = protocol.read_secret(secret_env)
    except ValueError as error:
        raise ExchangeError(f"{error}.") from None
    latest = read_json(work, "accepted")
    accepted, partner_statement = None, None
    if latest and (latest[0]["agreement_id"], latest[0]["epoch"]) == (us.agreement_id, us.epoch):
        accepted = Accepted(*(latest[0][name] for name in Accepted.__dataclass_fields__))
        partner_statement = protocol.make_statement(read_json(work, "partner_statement"))
    return Situation(us, secret, accepted, partner_statement)


def own_manifest(work: Work) -> dict[str, Any] | None:
    """The manifest in our outbox, if there is a readable one."""
    data = files.read_at_most(work.outbox / files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
    return protocol.parse_manifest(data) if data is not None else None


def former_manifest(work: Work, now: Situation) -> dict[str, Any] | None:
    """The manifest that we published last under this agreement and epoch, or None."""
    try:
        former = own_manifest(work)
    except Refused as refused:
        raise ExchangeError(f"The manifest in {shown(work.outbox)} is not as it was published. {refused}") from None
    if former is None or (former["agreement_id"], former["epoch"]) != (now.us.agreement_id, now.us.epoch):
        return None
    if former["mac"] != protocol.authentication_code(now.secret, former):
        raise ExchangeError(
            f"The manifest in {shown(work.outbox)} was written with another secret: a new secret needs a new epoch, on "
            "both sides."
        )
    return former


# ---------------------------------------------------------------- publish and reveal


def publish(work: Work, reveal: bool = False, valid_days: int = protocol.DEFAULT_VALID_DAYS) -> str:
    """Renew the outbox; returns what it holds now.

    Without a statement of the partner nothing but our own leaves. Agreed fields leave by `reveal` first, and are
    renewed by every later publication of the same epoch.
    """
    from . import gates

    build(work, *SETTINGS, *(f"+account_mapping__shared_{kind}" for kind in protocol.KINDS))
    now = take_stock(work, protocol.KINDS)
    former = former_manifest(work, now)
    if reveal and now.partner_statement is None:
        raise ExchangeError(f"Nothing can be revealed to `{work.partner_id}` before its keys were received.")
    checks = gates.Checks(f"What was about to leave {now.us.company_id}")
    ready: list[tuple[Path, FileEntry]] = []
    if now.partner_statement is not None:
        permitted = protocol.allowed(protocol.cells_in_force(now.us.statement, now.partner_statement, now.us.as_of))
        kinds = permitted.kinds - (set() if reveal or has_kind(former, "fields") else {"fields"})
        try:
            ready = [
                made
                for kind in protocol.KINDS
                if kind in kinds and (made := prepare(work, now, kind, permitted, checks)) is not None
            ]
        except Refused as refused:
            checks.failed(str(refused))
            raise Refused(refused.code, stop_leak(work, checks, str(refused))) from None
    manifest = protocol.make_manifest(
        now.secret,
        now.us,
        [entry for _, entry in ready],
        now.accepted.statement_hash if now.accepted else None,
        next_sequence(former),
        valid_days,
    )
    if former and is_current(former, manifest, now.us.as_of):
        manifest = former
        note = "nothing has changed"
    else:
        note = f"number {manifest['sequence']}"
    files.replace_outbox(work.outbox, [(path, entry.name) for path, entry in ready], protocol.canonical_json(manifest))
    # also when nothing has changed: a run that was killed may have left the page of an earlier number
    checks.title = f"What left {now.us.company_id}, number {manifest['sequence']}"
    verdict = f"All checks passed on {manifest['created_on']}." if ready else "Nothing but the sharing agreement left."
    files.write_whole(work.outbox / files.PAGE, checks.page(verdict).encode())
    clear_staging(work)
    told = describe(work, manifest, note, now)
    if reveal and not has_kind(manifest, "fields"):
        told += "\n  no fields: none is in force, or no account is shared yet"
    return told


def next_sequence(former: dict[str, Any] | None) -> int:
    return former["sequence"] + 1 if former else 1


def has_kind(manifest: dict[str, Any] | None, kind: str) -> bool:
    return manifest is not None and any(entry["kind"] == kind for entry in manifest["files"])


def is_current(former: dict[str, Any], manifest: dict[str, Any], as_of: str) -> bool:
    """Whether the published manifest says the same and is good for half of its time still."""
    half = protocol.middle(former["created_on"], former["expires_on"])
    return protocol.content_of(former) == protocol.content_of(manifest) and as_of <= half


def prepare(
    work: Work, now: Situation, kind: str, permitted: protocol.Allowed, checks: Any
) -> tuple[Path, FileEntry] | None:
    """One file, through the gate, and its entry; None where the model does not exist or has no rows."""
    from . import gates

    source, target = work.staging / f"{kind}.parquet", work.staging / f"{kind}-checked.parquet"
    if not source.exists():
        return None
    rows = gates.row_count(source)
    if not rows:
        return None
    draft = FileEntry("", kind, rows, "")
    rules = gates.expectations(kind, now.us.agreement_id, now.us.epoch, now.us.normaliser.version, permitted, True)
    counts = gates.sift(source, target, draft, gates.Gate(rules), permitted, outgoing=True)
    entry = gates.seal(target, kind, rows, counts)
    checks.passed_file(entry, rules)
    return target, entry


def stop_leak(work: Work, checks: Any, reason: str) -> str:
    """Keep what was about to leave where no partner gets it; returns the message."""
    place = files.quarantine(work.staging, reason, checks.page(f"Nothing left: {reason}"))
    return f"{reason} Nothing was published, the outbox is as it was; the files are in {shown(place)}"


def describe(work: Work, manifest: dict[str, Any], note: str, now: Situation) -> str:
    """What the outbox holds, for people."""
    lines = [f"{shown(work.outbox)}: {note}, code {manifest['mac'][:16]}, good until {manifest['expires_on']}."]
    lines += [f"  {entry['name']}  {entry['rows']:,} rows" for entry in manifest["files"]]
    if now.partner_statement is None:
        lines.append(
            f"  handshake: waiting for the statement of {work.partner_id}; no keys leave before it is received"
        )
    elif not manifest["files"]:
        lines.append("  no files: nothing that is offered and accepted by both sides has rows")
    return "\n".join(lines)


# ---------------------------------------------------------------- receive


def receive(work: Work) -> str:
    """Check what was delivered, load it and build; returns what was done. Raises Refused, all tables as they were."""
    build(work, *SETTINGS)
    now = take_stock(work)
    result, is_new = accept(work, now)
    if is_new:
        operation(
            work, "account_mapping__load_shared", kinds=sorted(path.stem for path in work.staging.glob("*.parquet"))
        )
    clear_staging(work)
    build_all(work)
    return result


def build_all(work: Work) -> None:
    """Build and test all models of the package after something was loaded, unless the user does."""
    try:
        build(work, "+package:account_mapping")
    except ExchangeError as error:
        raise ExchangeError(f"{error}\nWhat was received is loaded; only the build after it failed.") from None


def accept(work: Work, now: Situation) -> tuple[str, bool]:
    """Check what was delivered and lay it ready in the staging folder; returns a text and whether it is new.

    Raises Refused after having moved what was delivered into quarantine.
    """
    from . import gates

    data = files.read_at_most(work.inbox / files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
    if data is None:
        raise ExchangeError(
            f"There is no manifest.json in {shown(work.inbox)}: nothing was delivered, or not all of it yet."
        )
    checks = gates.Checks(f"What came from {work.partner_id}")
    try:
        manifest = protocol.parse_manifest(data)
        checks.passed("The manifest is readable, complete and spelt as the protocol asks for.")
        notes = protocol.check_manifest(manifest, now.secret, now.us, published_mac(work), now.accepted)
        for what, found in manifest_checks(manifest, now):
            checks.passed(what, found)
        permitted = protocol.check_consent(manifest, now.us)
        checks.passed(
            "Both sides agreed on every kind of file that came.", ", ".join(sorted(permitted.kinds)) or "none"
        )
        is_new = now.accepted is None or manifest["sequence"] > now.accepted.sequence
        if is_new:
            for entry in manifest["files"]:
                target = work.staging / f"{entry['kind']}.parquet"
                check_file(work.inbox, target, now.us, FileEntry(**entry), permitted, checks)
    except Refused as refused:
        checks.failed(str(refused))
        place = files.quarantine(work.inbox, str(refused), checks.page(f"Refused: {refused}"))
        clear_staging(work)
        raise Refused(refused.code, f"{refused} Nothing was loaded; what was delivered is in {shown(place)}") from None
    files.write_whole(work.inbox / files.PAGE, checks.page(f"All checks passed on {now.us.as_of}.").encode())
    if is_new:
        write_loads(work, manifest)
    rows = ", ".join(f"{entry['rows']:,} {entry['kind']}" for entry in manifest["files"]) or "a statement and no keys"
    news = f"number {manifest['sequence']}: {rows}" if is_new else f"number {manifest['sequence']} is loaded already"
    return "\n".join([f"{shown(work.inbox)}: {news}.", *(f"  note: {note}" for note in notes)]), is_new


def published_mac(work: Work) -> str | None:
    """The authentication code of our own manifest, by which we know it again; None where there is none to compare."""
    try:
        own = own_manifest(work)
    except Refused:
        return None
    return own["mac"] if own else None


def manifest_checks(manifest: dict[str, Any], now: Situation) -> list[tuple[str, str]]:
    """What `check_manifest` has found to be right, for the page."""
    return [
        ("It is not a file of ours sent back.", f"sender {manifest['sender']}"),
        ("Agreement and epoch are ours.", f"{manifest['agreement_id']}, {manifest['epoch']}"),
        ("Both sides hold the same secret.", f"key {manifest['key_id']}"),
        ("Nothing in it was altered (HMAC-SHA-256 with a key made of the secret).", f"code {manifest['mac']}"),
        ("Both normalisers spell the canaries alike.", f"version {manifest['normaliser_version']}"),
        ("It is not expired.", f"good until {manifest['expires_on']}, today is {now.us.as_of}"),
        ("It is not older than what was accepted before.", f"number {manifest['sequence']}"),
    ]


def check_file(
    folder: Path, target: Path, us: Party, entry: FileEntry, permitted: protocol.Allowed, checks: Any
) -> None:
    """Bring one file that was delivered to `folder` through the gate to `target`; raises Refused."""
    from . import gates

    path = folder / entry.name
    if path.is_symlink() or not path.is_file():
        raise Refused("missing_file", f"The manifest names {entry.name}, which was not delivered.")
    limit = entry.rows * gates.MAX_ROW_BYTES[entry.kind] + gates.SPARE_BYTES
    if path.stat().st_size > limit:
        raise Refused("file_too_large", f"{entry.name} has {path.stat().st_size:,} bytes, its rows may take {limit:,}.")
    # A copy is checked and used: what was delivered could change in between.
    copy = target.with_suffix(".delivered")
    files.copy_whole(path, copy)
    if files.sha256_of(copy) != entry.sha256:
        raise Refused("other_hash", f"{entry.name} is cut off or changed: its SHA-256 is not the one in the manifest.")
    rules = gates.expectations(entry.kind, us.agreement_id, us.epoch, us.normaliser.version, permitted, False)
    counts = gates.sift(copy, target, entry, gates.Gate(rules), permitted, outgoing=False)
    if entry.kind == "keys" and dict(counts) != dict(entry.rows_per_key_type):
        raise Refused("row_count", "The file of keys has other numbers of rows per key type than its manifest states.")
    checks.passed_file(entry, rules)


def write_loads(work: Work, manifest: dict[str, Any]) -> None:
    """Lay the statement and the facts of an accepted manifest ready for loading."""
    rows = [
        {name: value if value != "" else None for name, value in rule.items()}
        | {"minimum_count": rule["minimum_count"] or None, "agreement_hash": manifest["statement_hash"]}
        for rule in manifest["statement"]
    ]
    names = ("sender", "agreement_id", "epoch", "sequence", "mac", "statement_hash", "partner_statement_hash")
    facts = {name: manifest[name] for name in (*names, "created_on", "expires_on")}
    for name, value in (("statement", rows), ("accepted", [facts])):
        (work.staging / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


# ---------------------------------------------------------------- a clean room


def room(work: Work) -> str:
    """Check what both sides of a pair delivered to a clean room, load it and build; returns what was done.

    The room has no secret: see protocol.check_pair. Raises Refused, all tables as they were.
    """
    build(work, *SETTINGS)
    clear_staging(work)
    operation(work, "account_mapping__export_shared", kinds=[])
    us, _ = read_party(work)
    if not protocol.PARTNER_ID.fullmatch(us.company_id) or us.company_id == work.partner_id:
        raise ExchangeError(
            "Set the var account_mapping__company_id to the side whose view is wanted: its files lie in the inbox of "
            "that name."
        )
    told = accept_pair(work, us)
    operation(work, "account_mapping__load_room")
    clear_staging(work)
    build_all(work)
    return told


def accept_pair(work: Work, us: Party) -> str:
    """Check both deliveries and lay their keys ready in the staging folder, as own.parquet and keys.parquet.

    Raises Refused after having moved what was delivered into quarantine, on both sides.
    """
    from . import gates

    folders = {"own": work.inbox.parent / us.company_id, "keys": work.inbox}
    checks = gates.Checks(f"What came from {us.company_id} and {work.partner_id}")
    lines = []
    try:
        manifests = {}
        for name, folder in folders.items():
            data = files.read_at_most(folder / files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
            if data is None:
                raise ExchangeError(f"There is no manifest.json in {shown(folder)}: not all was delivered yet.")
            manifests[name] = protocol.parse_manifest(data)
        permitted = dict(zip(folders, protocol.check_pair(*manifests.values(), us), strict=True))
        checks.passed("Both manifests are made for this agreement and epoch, with one secret and one normaliser.")
        checks.passed("Each side published under the other's present sharing agreement.")
        for name, folder in folders.items():
            if any(folder.glob("fields-*")):
                raise Refused("readable_fields", "Agreed fields were delivered, which are readable: a room takes none.")
            entry = next((FileEntry(**e) for e in manifests[name]["files"] if e["kind"] == "keys"), None)
            if entry is None:
                raise Refused("no_keys", f"{manifests[name]['sender']} delivered no keys: none is in force.")
            check_file(folder, work.staging / f"{name}.parquet", us, entry, permitted[name], checks)
            lines.append(f"{shown(folder)}: {entry.rows:,} keys, code {manifests[name]['mac'][:16]}.")
    except Refused as refused:
        checks.failed(str(refused))
        page = checks.page(f"Refused: {refused}")
        places = [shown(files.quarantine(folder, str(refused), page)) for folder in folders.values()]
        clear_staging(work)
        told = f"{refused} Nothing was loaded; what was delivered is in {' and '.join(places)}"
        raise Refused(refused.code, told) from None
    for folder in folders.values():
        files.write_whole(folder / files.PAGE, checks.page(f"All checks passed on {us.as_of}.").encode())
    lines.append("  note: a room has no secret to tell who wrote a file: ask both sides whether these are their codes")
    return "\n".join(lines)


# ---------------------------------------------------------------- status and forget


def status(work: Work) -> str:
    """Where an exchange stands."""
    build(work, *SETTINGS)
    now = take_stock(work)
    received = read_json(work, "accepted")
    clear_staging(work)
    lines = [
        f"{now.us.company_id} and {work.partner_id} on {now.us.as_of}",
        f"  agreement   {now.us.agreement_id}, epoch {now.us.epoch}, normaliser {now.us.normaliser.version}",
        f"  key         {protocol.key_id(now.secret, now.us.agreement_id, now.us.epoch)} (equal on both sides)",
    ]
    former = former_manifest(work, now)
    lines.append("  outbox      " + (summary(former, now.us.as_of) if former else "nothing published in this epoch"))
    if now.accepted and received:
        lines.append(
            f"  received    number {now.accepted.sequence} of {received[0]['created_on']}"
            f", good until {received[0]['expires_on']}"
        )
        knows = received[0]["partner_statement_hash"] == protocol.statement_hash(now.us.statement)
        lines.append(
            "  agreement   " + ("known to the partner as it is now" if knows else "changed since the partner saw it")
        )
    else:
        lines.append("  received    nothing in this epoch")
    lines.append(f"  inbox       {waiting(work, now.accepted)}")
    ours, theirs = now.us.statement, now.partner_statement or ()
    for word, sender, receiver in (("they get", ours, theirs), ("we get", theirs, ours)):
        agreed = protocol.allowed(protocol.cells_in_force(sender, receiver, now.us.as_of))
        fields = f"; fields {', '.join(sorted(agreed.fields))}" if agreed.fields else ""
        kinds = ", ".join(kind for kind in protocol.KINDS if kind in agreed.kinds)
        lines.append(f"  {word:<10}  {kinds or 'nothing is in force'}{fields}")
    return "\n".join(lines)


def waiting(work: Work, accepted: Accepted | None) -> str:
    """What lies in the inbox, unchecked, in a few words."""
    data = files.read_at_most(work.inbox / files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
    if data is None:
        return "empty"
    try:
        mac = protocol.parse_manifest(data)["mac"]
    except Refused:
        mac = None
    return "what was received" if accepted and mac == accepted.mac else "a manifest, for `receive`"


def summary(manifest: dict[str, Any], as_of: str) -> str:
    """A manifest in a line."""
    rows = ", ".join(f"{entry['rows']:,} {entry['kind']}" for entry in manifest["files"]) or "a statement and no keys"
    state = "expired on" if manifest["expires_on"] < as_of else "good until"
    number = f"number {manifest['sequence']} of {manifest['created_on']}, code {manifest['mac'][:16]}"
    return f"{number}: {rows}; {state} {manifest['expires_on']}"


def forget(work: Work) -> str:
    """Remove all that a partner gave us, and all that was made of it; returns what was removed."""
    clear_staging(work)
    operation(work, "account_mapping__forget_partner")
    removed = [f"  {row['table_name']}  {row['removed']:,} rows" for row in read_json(work, "removed")]
    for folder in (work.outbox, work.inbox, work.staging):
        count = files.remove(folder)
        if count and folder != work.staging:
            removed.append(f"  {shown(folder)}  {count:,} files")
    return "\n".join(
        [
            f"Removed of {work.partner_id}:" if removed else f"There was nothing of {work.partner_id} to remove.",
            *removed,
            f"Now take `{work.partner_id}` out of your settings and its readable lists away, and run `dbt build`, "
            "so that "
            "tables over several partners are made without it. Its secret, and copies elsewhere, are yours to remove.",
        ]
    )


# ---------------------------------------------------------------- the command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="exchange", description="Exchange hashed keys, counts and agreed fields with a partner, by files."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "publish": "build what is shared, check it and renew the outbox",
        "receive": "check what lies in the inbox, load it and build",
        "room": "in a clean room: check what both sides delivered, load it and build",
        "reveal": "publish, with the agreed fields of shared accounts",
        "status": "say where the exchange stands",
        "forget": "remove all that is known of a partner",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.add_argument("partner_id", metavar="PARTNER_ID", help="as in account_mapping__partners")
        command.add_argument("--project-dir", type=Path, default=Path(), help="your dbt project (default: here)")
        command.add_argument("--outbox", type=Path, help="default: outbox in the project")
        command.add_argument("--inbox", type=Path, help="default: inbox in the project")
        for option in ("--profiles-dir", "--target", "--vars"):
            command.add_argument(option, help="given on to dbt")
        if name != "forget":
            command.add_argument("--no-build", action="store_true", help="dbt was run already: build nothing")
        if name in ("publish", "reveal"):
            command.add_argument(
                "--valid-days",
                type=int,
                default=protocol.DEFAULT_VALID_DAYS,
                help="days until the manifest expires (default: %(default)s)",
            )
    return made


def make_work(arguments: argparse.Namespace, parsed: DbtProject | None = None) -> Work:
    """Where the command works; ExchangeError for what cannot be."""
    if not protocol.PARTNER_ID.fullmatch(arguments.partner_id):
        raise ExchangeError(f"{arguments.partner_id!r} is no partner_id: small letters, digits and underscores only.")
    project = arguments.project_dir.resolve()
    if not (project / "dbt_project.yml").is_file():
        raise ExchangeError(f"{project} holds no dbt_project.yml: give your dbt project as --project-dir.")
    options = []
    for name in ("profiles_dir", "target", "vars"):
        value = getattr(arguments, name)
        if value is not None:
            value = str(Path(value).resolve()) if name == "profiles_dir" else value
            options += [f"--{name.replace('_', '-')}", value]
    return Work(
        arguments.partner_id,
        project,
        (arguments.outbox or project / "outbox").resolve() / arguments.partner_id,
        (arguments.inbox or project / "inbox").resolve() / arguments.partner_id,
        tuple(options),
        not getattr(arguments, "no_build", False),
        parsed,
    )


def run(arguments: argparse.Namespace, parsed: DbtProject | None = None) -> str:
    """Do what was asked; returns what to tell."""
    work = make_work(arguments, parsed)
    if arguments.command in ("publish", "reveal"):
        if not 1 <= arguments.valid_days <= 3660:
            raise ExchangeError("--valid-days is a number of days from 1 to 3660.")
        return publish(work, arguments.command == "reveal", arguments.valid_days)
    return {"receive": receive, "room": room, "status": status, "forget": forget}[arguments.command](work)


def main(command: Sequence[str] | None = None, parsed: DbtProject | None = None) -> int:
    """0: done; 1: it cannot be done; 2: wrong usage; 3: a check refused what came or was about to leave.

    parsed: the project of --project-dir, where a caller runs several commands on it.
    """
    arguments = parser().parse_args(command)
    try:
        print(run(arguments, parsed))
    except Refused as refused:
        print(f"Refused ({refused.code}): {refused}", file=sys.stderr)
        return 3
    except ImportError as error:
        print(f"The exchange needs {error.name}: run `{REQUIREMENTS}` in the environment of dbt.", file=sys.stderr)
        return 1
    except ExchangeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
