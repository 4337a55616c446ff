"""Exchange hashed keys or blinded points, counts and agreed fields with a partner, by files.

usage: python dbt_packages/account_mapping/exchange COMMAND PARTNER_ID (of `ledger` it may be left out)

Runs dbt on your project, and moves files between the database and two folders:
outbox/<partner_id> is what you send, inbox/<partner_id> what the partner sent.
Copy them by whatever channel you like. What the command keeps for itself (pages of
checks, quarantine, locks) lies in exchange_state/<partner_id>, what left in exchange_state/ledger.jsonl.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import secrets
import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from . import files, jail, ledger, locks, protocol, ristretto
from .dbt_project import DbtError, DbtProject
from .files import NotPlain
from .protocol import Accepted, FileEntry, Party, Refused, Rule
from .text import printable, printable_lines

REQUIREMENTS = "pip install -r dbt_packages/account_mapping/requirements-exchange.txt"
SETTINGS = (
    "+stg_account_mapping__settings_partners",
    "+stg_account_mapping__settings_sharing_agreements",
    *(f"+account_mapping__{seed}" for seed in protocol.NORMALISER_SEEDS),
)
SHOWN_LINES = 30
PREVIEWED_LINES = 5
BLINDED = "+int_account_mapping__blinded_keys"
# Where the matrix of an epoch is kept for good: a preview must not add to it.
KEPT_COUNTS = "int_account_mapping__frozen_counts"
SHOWN_LINKS = 10
DEFAULT_WAIT = 10.0
# Our own pages and notes in the state folder of a partner.
SENT_PAGE = "sent.html"
WITHHELD = "withheld"
ROOM = "room.json"


class ExchangeError(Exception):
    """A step that cannot be done; the message says what to do. Nothing was changed."""


@dataclass(frozen=True)
class Work:
    """Where one command works.

    staging: below the project's target folder, of this process alone, for files that are on their way; never copied to
    a partner. state: what we keep about the exchange, where no partner writes. options: given on to dbt. parsed: the
    project, where the caller has it, so that it is not parsed again. states: the folder of all partners' states. wait:
    seconds that another command may take. command: what this one is called, for others that wait for it.
    """

    partner_id: str
    project: Path
    outbox: Path
    inbox: Path
    options: tuple[str, ...] = ()
    build: bool = True
    parsed: DbtProject | None = None
    states: Path | None = None
    wait: float = DEFAULT_WAIT
    command: str = "exchange"

    @cached_property
    def warehouse(self) -> DbtProject:
        return self.parsed or DbtProject(self.project, self.options)

    @cached_property
    def staging(self) -> Path:
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        return self.project / "target" / "account_mapping_exchange" / self.partner_id / name

    @property
    def state(self) -> Path:
        return self.state_of(self.partner_id)

    def state_of(self, partner_id: str) -> Path:
        """The folder of what we keep about one partner."""
        return (self.states or self.project / "exchange_state") / partner_id

    def lock(self, name: str) -> Path:
        """A lock file; no partner's folder begins with a dot."""
        return self.state_of(".locks") / f"{name}.lock"


@dataclass(frozen=True)
class Situation:
    """What the warehouse knows about an exchange.

    partner_statement: rules of the last manifest of the partner that was accepted in this epoch; None before the first.
    known_sender: what the partner called itself in what was accepted, in whatever epoch. exchange: `keys` or `psi`, and
    of the latter how many points of a key type either side may send.
    """

    us: Party
    secret: bytes
    accepted: Accepted | None
    partner_statement: tuple[Rule, ...] | None
    known_sender: str | None = None
    exchange: str = "keys"
    most_points: int = 0

    @property
    def mode(self) -> str | None:
        """How far a private set intersection goes under both statements."""
        return protocol.psi_mode(self.us.statement, self.partner_statement or (), self.us.as_of)

    def permitted(self) -> protocol.Allowed:
        """What may leave under both statements."""
        cells = protocol.cells_in_force(self.us.statement, self.partner_statement or (), self.us.as_of)
        agreed = protocol.allowed(cells)
        return protocol.psi_allowed(agreed, self.mode) if self.exchange == "psi" else agreed


@dataclass(frozen=True)
class Checked:
    """A file in the staging folder that passed its checks: what of it has to be loaded, no more and no less."""

    kind: str
    path: Path
    rows: int
    sha256: str


# By option, where nothing else is said.
FOLDERS = {"outbox": "outbox", "inbox": "inbox", "state": "exchange_state"}


# ---------------------------------------------------------------- what people read


def tell(text: str, to_errors: bool = False) -> None:
    """Print lines of ours in which foreign text may stand: here at the latest it becomes harmless."""
    file = sys.stderr if to_errors else sys.stdout
    encoding = getattr(file, "encoding", None) or "utf-8"
    try:
        print(printable_lines(text).encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)
    except BrokenPipeError:
        # nobody reads on, as with `| head`; nor does Python find anything left to write when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def tell_aside(text: str) -> None:
    """The same beside the result: for who looks on."""
    tell(text, to_errors=True)


# ---------------------------------------------------------------- one at a time


@contextmanager
def alone(work: Work, *names: str, forget: bool = False) -> Iterator[None]:
    """Be the only command for this partner while the block runs, with an empty staging folder of one's own.

    names: of further locks. forget: leave no lock file of the partner. Raises ExchangeError where another command is at
    work for longer than `work.wait` seconds.
    """
    with ExitStack() as stack:
        try:
            for name in (f"partner-{work.partner_id}", *names):
                what = f"Partner `{work.partner_id}`" if name.startswith("partner-") else f"The {name}"
                stack.enter_context(
                    locks.held(work.lock(name), work.command, what, work.wait, tell_aside, forget and name not in names)
                )
        except locks.Busy as busy:
            raise ExchangeError(str(busy)) from None
        stack.enter_context(own_staging(work))
        if not forget:
            narrow(work)
        yield


@contextmanager
def own_staging(work: Work) -> Iterator[None]:
    """A staging folder that is locked while it is in use, and removed; those of processes that are dead go first."""
    clear_staging(work)
    with files.open_folder(work.staging) as staging, files.open_folder(work.staging.parent) as siblings:
        staging.lock(locks.try_lock)
        for name in siblings.names():
            if name != work.staging.name and is_dead(siblings, name):
                files.remove_entry(siblings, name, files.Removed())
        try:
            yield
        finally:
            files.remove(work.staging)


def is_dead(siblings: files.Folder, name: str) -> bool:
    """Whether a staging folder belongs to nobody: a living process has it locked, through whatever state folder."""
    try:
        with siblings.sub(name) as folder:
            return folder.lock(locks.try_lock)
    except (NotPlain, OSError):
        return True


@contextmanager
def warehouse(work: Work, name: str = "warehouse") -> Iterator[None]:
    """Be the only command that has dbt at work on the warehouse, or uses what else is named, while the block runs."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.held(work.lock(name), work.command, f"The {name}", work.wait, tell_aside))
        except locks.Busy as busy:
            raise ExchangeError(str(busy)) from None
        yield


def narrow(work: Work) -> None:
    """Make the partner's folders readable by us alone, and say where that is not possible."""
    for path in (work.outbox, work.inbox, work.state):
        folder = files.open_folder(path)
        if folder is None:
            continue
        with folder:
            if folder.is_wide() and not folder.narrow():
                tell_aside(f"note: {shown(path)} is open to other users of this machine: make it your own (chmod 700)")


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


def build(work: Work, *selection: str, without: str | None = None) -> None:
    """Build and test models, unless the user does. without: a model that is left as it is."""
    if work.build:
        # cautious: a test that also reads a model outside of the selection would find it missing, or of another run
        options = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
        options += ("--exclude", without) if without else ()
        dbt(work, "build", "--select", *selection, *options)


def clear_staging(work: Work) -> None:
    """An empty staging folder, for us alone."""
    with files.open_folder(work.staging, create=True) as staging:
        for name in staging.names():
            files.remove_entry(staging, name, files.Removed())


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


def read_party(work: Work, exchanges: Sequence[str] = ("keys",)) -> tuple[Party, str]:
    """The settings in the staging folder, checked, and the name of the secret's variable.

    ExchangeError says what is missing.
    """
    rows = read_json(work, "settings")
    if not rows:
        raise ExchangeError(f"There is no partner `{work.partner_id}` in the settings account_mapping__partners.")
    settings = rows[0]
    if settings["exchange"] not in exchanges or not settings["is_active"]:
        state = "inactive" if not settings["is_active"] else f"set to exchange `{settings['exchange']}`"
        wanted = " or ".join(f"`{exchange}`" for exchange in exchanges)
        raise ExchangeError(
            f"Partner `{work.partner_id}` is {state}; this command is for active partners with {wanted}."
        )
    for name in ("agreement_id", "epoch"):
        if not settings[name]:
            raise ExchangeError(
                f"Partner `{work.partner_id}` has no {name} in account_mapping__partners: agree on one."
            )
    problem = protocol.name_problem(settings["company_id"])
    if problem:
        raise ExchangeError(f"The var account_mapping__company_id {problem}: choose a short, readable name.")
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
    us, secret_env = read_party(work, ("keys", "psi"))
    settings = read_json(work, "settings")[0]
    try:
        secret = protocol.read_secret(secret_env, settings.get("other_secret_envs") or ())
    except ValueError as error:
        raise ExchangeError(f"{error}.") from None
    latest = read_json(work, "accepted")
    accepted, partner_statement = None, None
    known_sender = latest[0].get("sender") if latest else None
    if latest and (latest[0]["agreement_id"], latest[0]["epoch"]) == (us.agreement_id, us.epoch):
        accepted = Accepted(*(latest[0][name] for name in Accepted.__dataclass_fields__))
        partner_statement = protocol.make_statement(read_json(work, "partner_statement"))
    terms = (settings["exchange"], settings.get("most_points") or 0)
    return Situation(us, secret, accepted, partner_statement, known_sender, *terms)


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

    with warehouse(work):
        build(work, *SETTINGS, *(f"+account_mapping__shared_{kind}" for kind in protocol.KINDS), BLINDED)
        now = take_stock(work, (*protocol.KINDS, "blinded"))
    known = ledger.read_rows(read_json(work, ledger.TABLE))
    former = former_manifest(work, now)
    if reveal and now.partner_statement is None:
        raise ExchangeError(f"Nothing can be revealed to `{work.partner_id}` before its keys were received.")
    checks = gates.Checks(f"What was about to leave {now.us.company_id}")
    ready: list[tuple[Path, FileEntry]] = []
    if now.partner_statement is not None:
        permitted = now.permitted()
        kinds = permitted.kinds - (set() if reveal or has_kind(former, "fields") else {"fields"})
        if now.exchange == "psi":
            kinds = next_rounds(work, now, kinds)
        try:
            ready = [
                made
                for kind in protocol.COLUMNS
                if kind in kinds and (made := prepare(work, now, kind, permitted, checks)) is not None
            ]
        except Refused as refused:
            checks.failed(str(refused))
            told = stop_leak(work, checks, str(refused))
            us = {"company_id": now.us.company_id, "agreement_id": now.us.agreement_id, "epoch": now.us.epoch}
            note_down(work, known, ("withheld", us | {"as_of": now.us.as_of, "reason": refused.code}))
            bring_up_to_date(work, known)
            raise Refused(refused.code, told) from None
    manifest = protocol.make_manifest(
        now.secret,
        now.us,
        [entry for _, entry in ready],
        now.accepted.statement_hash if now.accepted else None,
        next_sequence(former),
        valid_days,
    )
    leaves = []
    if former and is_current(former, manifest, now.us.as_of):
        manifest = former
        note = "nothing has changed"
    else:
        note = f"number {manifest['sequence']}"
        event = "reveal" if has_kind(manifest, "fields") else "publish"
        leaves.append((event, ledger.of_manifest(manifest) | {"as_of": now.us.as_of}))
    # before it leaves: whoever is killed in between leaves an entry too many, which the next command corrects
    entries = note_down(work, known, *leaves)
    files.replace_outbox(work.outbox, [(path, entry.name) for path, entry in ready], protocol.canonical_json(manifest))
    # also when nothing has changed: a run that was killed may have left the page of an earlier number
    checks.title = f"What left {now.us.company_id}, number {manifest['sequence']}"
    verdict = f"All checks passed on {manifest['created_on']}." if ready else "Nothing but the sharing agreement left."
    files.write_whole(work.state / SENT_PAGE, checks.page(verdict).encode())
    bring_up_to_date(work, known)
    clear_staging(work)
    told = describe(work, manifest, note, now) + f"\n  ledger: entry {entries[-1]['number']}, {entries[-1]['hash']}"
    told += "".join(f"\n  run: {line}" for line in run_of(work, now))
    if reveal and not has_kind(manifest, "fields"):
        told += "\n  no fields: none is in force, or no account is shared yet"
    return told


def next_rounds(work: Work, now: Situation, kinds: Set[str]) -> set[str]:
    """Which of `kinds` a private set intersection has reached; writes their files to the staging folder.

    Begins the run of this agreement and epoch, where there is none. Raises Refused for lists that are too large.
    """
    from . import psi_run

    run = psi_run.open_run(work.state, now.us)
    blinded = work.staging / "blinded.parquet"
    if now.mode is None:
        return set()
    if not blinded.exists():
        raise ExchangeError("The keys to be blinded are not built yet: run this again without --no-build.")
    if run.facts is None:
        rows = psi_run.list_of(blinded, now.mode)
        if not rows.num_rows:
            return set()
        psi_run.begin(run, rows, now.mode, now.most_points, read_master(now), secrets.token_bytes(psi_run.NONCE_BYTES))
        psi_run.end_former(work.state, now.us)
        run = psi_run.open_run(work.state, now.us)
    reached = psi_run.outgoing(run, blinded, work.staging, now.mode)
    # fields are of accounts that both have
    return {*reached, *({"fields"} if "matches" in reached else ())} & kinds


def read_master(now: Situation) -> bytes:
    """The secret of which scalars are made; ExchangeError says what is wrong with it."""
    from . import psi_run

    try:
        return psi_run.read_master(now.secret)
    except ValueError as error:
        raise ExchangeError(f"{error}.") from None


def run_of(work: Work, now: Situation) -> list[str]:
    """Where a private set intersection stands, in lines; none for a partner that exchanges keys."""
    from . import psi_run

    if now.exchange != "psi":
        return []
    run = psi_run.open_run(work.state, now.us)
    if now.partner_statement is None:
        return ["waiting for the partner's sharing agreement"]
    if now.mode is None:
        return ["nothing is compared: the agreement lets neither keys nor counts cross in both directions"]
    lines = [f"mode {now.mode}, {run.waits_for}"]
    if run.facts is not None and run.facts["mode"] != now.mode:
        lines.append(f"the run began in the mode {run.facts['mode']}, and nothing of it leaves: agree on a new epoch")
    if now.mode == protocol.COUNT and run.numbers is not None:
        lines.append("counts are all that this agreement gives: no matrix, and nothing leaves after them")
    if any(protocol.PERSON in rule.fields.split(";") for rule in now.us.statement):
        lines.append("our rules name persons, who are compared with partners that exchange keys only")
    return lines


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
    page = checks.page(f"Nothing left: {reason}")
    kept = files.quarantine(work.staging, work.state / WITHHELD, reason, page)
    told = f"{reason} Nothing was published, the outbox is as it was; the files are in {shown(kept.place)}"
    return ". ".join([told, *kept.notes])


def describe(work: Work, manifest: dict[str, Any], note: str, now: Situation) -> str:
    """What the outbox holds, for people."""
    lines = [f"{shown(work.outbox)}: {note}, good until {manifest['expires_on']}."]
    lines.append(f"  code {protocol.delivery_code(manifest)}")
    lines += [f"  {entry['name']}  {entry['rows']:,} rows" for entry in manifest["files"]]
    if now.partner_statement is None:
        lines.append(
            f"  handshake: waiting for the statement of {work.partner_id}; no keys leave before it is received"
        )
    elif not manifest["files"]:
        lines.append("  no files: nothing that is offered and accepted by both sides has rows")
    return "\n".join(lines)


# ---------------------------------------------------------------- preview


def preview(work: Work, everything: bool = False) -> str:
    """What would leave if it were published now, and what that changes; nothing leaves, and no matrix is kept.

    Goes through the gates of `publish`, so that the names of files, which are made of their content, are those that it
    would write. Raises Refused where publishing would be refused. everything: all lines, unchanged ones too.
    """
    from . import gates
    from . import preview as previews

    with warehouse(work):
        build(work, *SETTINGS, "+account_mapping__sharing_preview", without=KEPT_COUNTS)
        clear_staging(work)
        operation(work, "account_mapping__export_preview")
        now = read_situation(work)
    if now.exchange == "psi":
        raise ExchangeError(
            f"Nothing leaves to `{work.partner_id}`, whose exchange is `psi`, that a preview could show: points tell "
            "no account before both sides have the matches. `int_account_mapping__blinded_keys` lists what is blinded."
        )
    former = former_manifest(work, now)
    ready: dict[str, tuple[Path, FileEntry]] = {}
    if now.partner_statement is not None:
        permitted = now.permitted()
        checks = gates.Checks(f"What would leave {now.us.company_id}")
        try:
            for kind in protocol.KINDS:
                made = prepare(work, now, kind, permitted, checks) if kind in permitted.kinds else None
                if made is not None:
                    ready[kind] = made
        except Refused as refused:
            raise Refused(
                refused.code, f"{refused} Publishing would be refused for that. Nothing was published by this preview."
            ) from None
    key = protocol.derive_account_key(now.secret, now.us)
    most = None if everything else PREVIEWED_LINES
    with previews.Preview(
        work.staging, {kind: path for kind, (path, _) in ready.items()}, published_files(work, former), key
    ) as found:
        lines = [f"A preview of what {work.partner_id} would get of {now.us.company_id} on {now.us.as_of}."]
        published = f"compared with number {former['sequence']}" if former else "nothing was published before"
        lines.append(f"  Nothing has left by this; {published}.")
        if former and former["statement_hash"] != protocol.statement_hash(now.us.statement):
            lines.append("  agreement: our rules have changed since they were published")
        if now.partner_statement is None:
            lines += pending_lines(work, now, found, most)
        for difference in found.differences():
            made = ready.get(difference.kind)
            if made is None and not difference.removed:
                continue
            note = ""
            if difference.kind == "fields" and made is not None and not has_kind(former, "fields"):
                note = " by `reveal`, not by `publish`"
            name = f"{made[1].name}  {difference.rows:,} rows" if made else f"{difference.kind}: none any more"
            lines.append(f"  {name}{note}: {difference.added:,} new, {difference.removed:,} gone")
            lines += previews.shown_lines(difference.lines if everything else difference.changed, most)
        staying = found.staying()
        if staying:
            lines.append("  accounts that stay at home:")
            lines += previews.shown_lines(staying, None)
    if now.partner_statement is not None and not ready:
        lines.append("  no files: nothing that is offered and accepted by both sides has rows")
    return "\n".join(lines)


def published_files(work: Work, former: dict[str, Any] | None) -> dict[str, Path]:
    """Copies of the files in our outbox, by kind; ExchangeError where one is not as it was published."""
    copies = {}
    for entry in former["files"] if former else ():
        copy = work.staging / f"former-{entry['kind']}.parquet"
        with files.open_folder(work.outbox) as outbox:
            found = outbox.take(entry["name"], copy, sys.maxsize)
        if found != entry["sha256"]:
            raise ExchangeError(
                f"{entry['name']} in {shown(work.outbox)} is not as it was published: `publish` writes it anew."
            )
        copies[entry["kind"]] = copy
    return copies


def pending_lines(work: Work, now: Situation, found: Any, most: int | None) -> list[str]:
    """What would leave once a partner that has stated nothing in this epoch accepts all that we offer."""
    from .preview import shown_lines

    rows, accounts = found.if_accepted()
    welcome = [Rule("accepted", "*", "*", "all", ";".join(sorted({*protocol.FIELDS, protocol.PERSON})))]
    offered = protocol.allowed(protocol.cells_in_force(now.us.statement, welcome, now.us.as_of))
    lines = [
        f"  handshake: the statement of {work.partner_id} has not come, so nothing but our own would leave now.",
        f"  If it accepts all that we offer: {rows:,} keys of {len(accounts):,} accounts",
        *shown_lines(accounts, most),
    ]
    if "counts" in offered.kinds:
        lines.append("  and counts, which cannot be told before its keys have come")
    if "fields" in offered.kinds:
        fields = sorted(offered.fields & {*protocol.FIELDS})
        lines.append(
            f"  and, by `reveal`, the fields {', '.join(fields)} of accounts that both have (of others "
            "too where our rule says `all`)"
        )
    return lines


# ---------------------------------------------------------------- receive


def receive(work: Work) -> str:
    """Check what was delivered, load it and build; returns what was done. Raises Refused, all tables as they were."""
    with warehouse(work):
        build(work, *SETTINGS)
        now = take_stock(work)
    result, checked = accept(work, now)
    with warehouse(work):
        if checked is not None:
            load(work, "account_mapping__load_shared", checked)
        clear_staging(work)
        build_all(work)
    return result


def load(work: Work, macro: str, checked: Sequence[Checked]) -> None:
    """Have a macro load the files that were checked, by their names and with their numbers of rows, or none of them."""
    for file in checked:
        if files.sha256_of(file.path) != file.sha256:
            raise ExchangeError(
                f"{file.path.name} in {shown(work.staging)} changed after it was checked, so nothing was loaded: run "
                "this again, and let nobody else write there."
            )
    operation(work, macro, files={file.kind: {"name": file.path.name, "rows": file.rows} for file in checked})


def build_all(work: Work) -> None:
    """Build and test all models of the package after something was loaded, unless the user does."""
    try:
        build(work, "+package:account_mapping")
    except ExchangeError as error:
        raise ExchangeError(f"{error}\nWhat was received is loaded; only the build after it failed.") from None


def accept(work: Work, now: Situation) -> tuple[str, list[Checked] | None]:
    """Check what was delivered and lay it ready in the staging folder.

    Returns a text, and the files that are to be loaded; None where they are loaded already. Raises Refused after having
    moved what was delivered into quarantine.
    """
    from . import gates, psi_run

    checks = gates.Checks(f"What came from {work.partner_id}")
    checked, run, came = None, None, None
    with delivery(work.inbox) as inbox:
        try:
            manifest = read_manifest(inbox)
            checks.passed("The manifest is readable, complete and spelt as the protocol asks for.")
            notes = protocol.check_manifest(
                manifest, now.secret, now.us, published_mac(work), now.accepted, now.known_sender
            )
            for what, found in manifest_checks(manifest, now):
                checks.passed(what, found)
            permitted = protocol.check_consent(manifest, now.us, now.exchange)
            checks.passed(
                "Both sides agreed on every kind of file that came.", ", ".join(sorted(permitted.kinds)) or "none"
            )
            if now.accepted is None or manifest["sequence"] > now.accepted.sequence:
                checked = [
                    check_file(
                        *(inbox, work.staging / f"{entry['kind']}.parquet"),
                        *(now.us, FileEntry(**entry), permitted, checks),
                    )
                    for entry in manifest["files"]
                ]
                if now.exchange == "psi":
                    run, came, checked = check_rounds(work, now, manifest, checked, checks)
        except Refused as refused:
            checks.failed(str(refused))
            place = set_aside(work, work.partner_id, str(refused), checks.page(f"Refused: {refused}"))
            clear_staging(work)
            raise Refused(refused.code, f"{refused} Nothing was loaded; what was delivered {place}") from None
    if run is not None:
        # before the tables: whoever is killed in between checks the same delivery again, and finds the same
        psi_run.keep(run, came)
    files.write_whole(work.state / files.PAGE, checks.page(f"All checks passed on {now.us.as_of}.").encode())
    if checked is not None:
        checked += write_loads(work, manifest)
    rows = ", ".join(f"{entry['rows']:,} {entry['kind']}" for entry in manifest["files"]) or "a statement and no keys"
    is_known = checked is None
    news = f"number {manifest['sequence']} is loaded already" if is_known else f"number {manifest['sequence']}: {rows}"
    told = [f"{shown(work.inbox)}: {news}.", f"  code {protocol.delivery_code(manifest)}"]
    told += [f"  note: {note}" for note in notes]
    stated = replace(now, partner_statement=protocol.make_statement(manifest["statement"]))
    return "\n".join([*told, *(f"  run: {line}" for line in run_of(work, stated))]), checked


def check_rounds(
    work: Work, now: Situation, manifest: dict[str, Any], checked: list[Checked], checks: Any
) -> tuple[Any, Any, list[Checked]]:
    """Check the rounds of a private set intersection that came, against our run, and compute what follows.

    Returns the run, what it is to keep, and the files that are to be loaded. Raises Refused, nothing being kept.
    """
    from . import psi_run

    run = psi_run.open_run(work.state, now.us)
    theirs = protocol.make_statement(manifest["statement"])
    mode = protocol.psi_mode(now.us.statement, theirs, now.us.as_of)
    rounds = {file.kind: file.path for file in checked if file.kind in protocol.PSI_KINDS}
    master = read_master(now) if "points" in rounds else b""
    came = psi_run.incoming(run, rounds, work.staging, mode, now.most_points, master, now.us.normaliser.version)
    if rounds:
        checks.passed("The rounds answer ours: commitments, points of ristretto255, numbers.", ", ".join(rounds))
    loaded = [file for file in checked if file.kind not in rounds]
    if came.keys is not None:
        path = work.staging / "keys.parquet"
        psi_run.write_keys(came.keys, path)
        loaded.append(Checked("keys", path, came.keys.num_rows, files.sha256_of(path)))
    return run, came, loaded


@contextmanager
def delivery(path: Path) -> Iterator[files.Folder]:
    """An open inbox; ExchangeError where there is none, or where its manifest did not come yet."""
    try:
        inbox = files.open_folder(path)
    except NotPlain as error:
        raise ExchangeError(f"{error}, not a folder: give the folder that holds the real one as --inbox.") from None
    try:
        if inbox is None or inbox.state(files.MANIFEST) is None:
            raise ExchangeError(
                f"There is no manifest.json in {shown(path)}: nothing was delivered, or not all of it yet."
            )
        yield inbox
    finally:
        if inbox is not None:
            inbox.close()


def read_manifest(inbox: files.Folder) -> dict[str, Any]:
    """The manifest of a delivery, parsed; raises Refused."""
    try:
        data = inbox.read_at_most(files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
    except NotPlain as error:
        raise Refused("no_plain_file", f"What should be the manifest, {files.MANIFEST}, is {error.kind}.") from None
    if data is None:
        raise Refused("missing_file", "The manifest was taken away while it was being read.")
    return protocol.parse_manifest(data)


def set_aside(work: Work, partner_id: str, reason: str, page: str) -> str:
    """Move a delivery that was refused into quarantine; returns where it is now, for the end of a sentence."""
    inbox = work.inbox.parent / partner_id
    try:
        kept = files.quarantine(inbox, work.state_of(partner_id), reason, page)
    except (OSError, NotPlain) as error:
        return f"stays in {shown(inbox)}, since {shown(work.state_of(partner_id))} could not be written: {error}"
    return ". ".join([f"is in {shown(kept.place)}", *kept.notes])


def published_mac(work: Work) -> str | None:
    """The authentication code of our own manifest, by which we know it again; None where there is none to compare."""
    try:
        own = own_manifest(work)
    except (Refused, NotPlain):
        return None
    return own["mac"] if own else None


def manifest_checks(manifest: dict[str, Any], now: Situation) -> list[tuple[str, str]]:
    """What `check_manifest` has found to be right, for the page."""
    return [
        ("It is not a file of ours sent back.", f"sender {printable(manifest['sender'])}"),
        ("Its sender is who it was from the first delivery on.", printable(now.known_sender or "this is the first")),
        ("Agreement and epoch are ours.", f"{manifest['agreement_id']}, {manifest['epoch']}"),
        ("Both sides hold the same secret.", f"key {manifest['key_id']}"),
        (
            "Nothing in it was altered (HMAC-SHA-256 with a key made of the secret).",
            f"code {protocol.delivery_code(manifest)}",
        ),
        ("Both normalisers spell the canaries alike.", f"version {manifest['normaliser_version']}"),
        ("It is not expired.", f"good until {manifest['expires_on']}, today is {now.us.as_of}"),
        ("It is not older than what was accepted before.", f"number {manifest['sequence']}"),
    ]


def check_file(
    inbox: files.Folder, target: Path, us: Party, entry: FileEntry, permitted: protocol.Allowed, checks: Any
) -> Checked:
    """Bring one file that was delivered through the gate to `target`; raises Refused."""
    from . import gates

    limit = gates.most_bytes(entry)
    # A copy is checked and used: what was delivered could change in between.
    copy = target.with_suffix(".delivered")
    try:
        found = inbox.take(entry.name, copy, limit)
    except NotPlain as error:
        raise Refused("no_plain_file", f"What should be the file {entry.name} is {error.kind}.") from None
    except files.TooLarge:
        raise Refused(
            "file_too_large", f"{entry.name} has more than {limit:,} bytes, which is all that its rows may take."
        ) from None
    if found is None:
        raise Refused("missing_file", f"The manifest names {entry.name}, which was not delivered.")
    if found != entry.sha256:
        raise Refused("other_hash", f"{entry.name} is cut off or changed: its SHA-256 is not the one in the manifest.")
    rules = gates.expectations(entry.kind, us.agreement_id, us.epoch, us.normaliser.version, permitted, False)
    counts = gates.sift(copy, target, entry, gates.Gate(rules), permitted, outgoing=False)
    if "key_type" in protocol.COLUMNS[entry.kind] and dict(counts) != dict(entry.rows_per_key_type):
        raise Refused(
            "row_count", f"The file of {entry.kind} has other numbers of rows per key type than its manifest states."
        )
    checks.passed_file(entry, rules)
    copy.unlink()
    return Checked(entry.kind, target, entry.rows, files.sha256_of(target))


def write_loads(work: Work, manifest: dict[str, Any]) -> list[Checked]:
    """Lay the statement and the facts of an accepted manifest ready for loading; returns these files."""
    rows = [
        {name: value if value != "" else None for name, value in rule.items()}
        | {"minimum_count": rule["minimum_count"] or None, "agreement_hash": manifest["statement_hash"]}
        for rule in manifest["statement"]
    ]
    names = ("sender", "agreement_id", "epoch", "sequence", "mac", "statement_hash", "partner_statement_hash")
    facts = {name: manifest[name] for name in (*names, "created_on", "expires_on")}
    made = []
    for name, value in (("statement", rows), ("accepted", [facts])):
        path = work.staging / f"{name}.json"
        files.write_whole(path, json.dumps(value).encode())
        made.append(Checked(name, path, len(value), files.sha256_of(path)))
    return made


# ---------------------------------------------------------------- a clean room


def room(work: Work) -> str:
    """Check what both sides of a pair delivered to a clean room, load it and build; returns what was done.

    The room has no secret: see protocol.check_pair. Raises Refused, all tables as they were.
    """
    with warehouse(work):
        build(work, *SETTINGS)
        clear_staging(work)
        operation(work, "account_mapping__export_shared", kinds=[])
    us, _ = read_party(work)
    if not protocol.PARTNER_ID.fullmatch(us.company_id) or us.company_id == work.partner_id:
        raise ExchangeError(
            "Set the var account_mapping__company_id to the side whose view is wanted: its files lie in the inbox of "
            "that name."
        )
    told, checked, senders = accept_pair(work, us)
    with warehouse(work):
        load(work, "account_mapping__load_room", checked)
        files.write_whole(work.state / ROOM, protocol.canonical_json(senders))
        clear_staging(work)
        build_all(work)
    return told


def room_senders(work: Work) -> dict[str, str]:
    """What both sides called themselves in what a room accepted first, by whose folder it was; none before."""
    data = files.read_at_most(work.state / ROOM, protocol.MAX_MANIFEST_BYTES)
    if data is None:
        return {}
    try:
        return {str(side): str(name) for side, name in json.loads(data).items()}
    except (ValueError, AttributeError):
        raise ExchangeError(
            f"{shown(work.state / ROOM)} cannot be read: `forget` the partner, and let both sides deliver again."
        ) from None


def accept_pair(work: Work, us: Party) -> tuple[str, list[Checked], dict[str, str]]:
    """Check both deliveries and lay their keys, and the counts that came with them, ready in the staging folder.

    Returns a text, the files that are to be loaded, and what each side calls itself. Raises Refused after having moved
    what was delivered into quarantine, on both sides.
    """
    from . import gates

    sides = {"own": us.company_id, "keys": work.partner_id}
    known = room_senders(work)
    checks = gates.Checks(f"What came from {us.company_id} and {work.partner_id}")
    lines, checked = [], []
    with ExitStack() as stack:
        inboxes = {side: stack.enter_context(delivery(work.inbox.parent / name)) for side, name in sides.items()}
        try:
            manifests = {side: read_manifest(inbox) for side, inbox in inboxes.items()}
            permitted = dict(zip(sides, protocol.check_pair(*manifests.values(), us), strict=True))
            checks.passed("Both manifests are made for this agreement and epoch, with one secret and one normaliser.")
            checks.passed("Each side published under the other's present sharing agreement.")
            for side, inbox in inboxes.items():
                protocol.check_sender(manifests[side], known.get(sides[side]))
                if any(name.startswith("fields-") for name in inbox.names()):
                    raise Refused(
                        "readable_fields", "Agreed fields were delivered, which are readable: a room takes none."
                    )
                entry = next((FileEntry(**e) for e in manifests[side]["files"] if e["kind"] == "keys"), None)
                sender = printable(manifests[side]["sender"])
                if entry is None:
                    raise Refused("no_keys", f"{sender} delivered no keys: none is in force.")
                counts = next((FileEntry(**e) for e in manifests[side]["files"] if e["kind"] == "counts"), None)
                # counts are read beside the room's own; keys alone do as well
                brought = [entry] if counts is None or counts.name not in inbox.names() else [entry, counts]
                for file in brought:
                    name = side if file.kind == "keys" else f"{side}_counts"
                    target = work.staging / f"{name}.parquet"
                    found = check_file(inbox, target, us, file, permitted[side], checks)
                    checked.append(Checked(name, found.path, found.rows, found.sha256))
                rows = ", ".join(f"{file.rows:,} {file.kind}" for file in brought)
                lines.append(f"{shown(inbox.path)}: {rows} of {sender}")
                lines.append(f"  code {protocol.delivery_code(manifests[side])}")
        except Refused as refused:
            checks.failed(str(refused))
            page = checks.page(f"Refused: {refused}")
            places = [set_aside(work, name, str(refused), page) for name in sides.values()]
            clear_staging(work)
            told = f"{refused} Nothing was loaded; what was delivered {' and '.join(places)}"
            raise Refused(refused.code, told) from None
    for name in sides.values():
        files.write_whole(work.state_of(name) / files.PAGE, checks.page(f"All checks passed on {us.as_of}.").encode())
    lines.append("  note: a room has no secret to tell who wrote a file: ask both sides whether these are their codes")
    senders = {name: manifests[side]["sender"] for side, name in sides.items()}
    return "\n".join(lines), checked, senders


# ---------------------------------------------------------------- the ledger


def read_ledger(work: Work) -> ledger.Read:
    """The ledger's file, verified."""
    data = files.read_at_most(work.state_of(ledger.FILE), ledger.MOST_BYTES)
    if data is not None and len(data) > ledger.MOST_BYTES:
        raise ExchangeError(
            f"{shown(work.state_of(ledger.FILE))} is larger than any ledger: set it aside and look at it."
        )
    return ledger.read_lines(data or b"")


def note_down(
    work: Work, known: ledger.Read, *events: tuple[str, dict[str, Any]], of_outbox: bool = True
) -> tuple[ledger.Entry, ...]:
    """Add entries to the ledger's file, after those that are missing; returns all. Raises Refused for a broken ledger.

    known: the warehouse's copy, from which a file that is lost or behind is made again. events: (event, values).
    of_outbox: whether our outbox for the partner can be read, to see what is missing.
    """
    with warehouse(work, "ledger"):
        file = read_ledger(work)
        entries = ledger.longer(file, known)
        if entries is None:
            raise Refused(
                "ledger_broken",
                f"The ledger in {shown(work.state_of(ledger.FILE))} and its copy in the warehouse are not one whole "
                "chain, so nothing was published: `exchange ledger` says where; keep a copy of both, and set the wrong "
                f"one aside (the file, or the table `{ledger.TABLE}`).",
            )
        manifest = own_manifest(work) if of_outbox else None
        missing = ledger.catching_up(entries, work.partner_id, manifest) if of_outbox else []
        recorded_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        for event, values in (*missing, *events):
            entries = (*entries, ledger.following(entries, event, work.partner_id, recorded_at, **values))
        if entries != file.entries:
            files.write_whole(work.state_of(ledger.FILE), b"".join(map(ledger.line_of, entries)))
    return entries


def bring_up_to_date(work: Work, known: ledger.Read) -> None:
    """Have the warehouse hold every entry of the file. known: what it held."""
    new = [ledger.row_of(entry) for entry in read_ledger(work).entries[len(known.entries) :]]
    if not new:
        return
    files.write_whole(work.staging / "new_entries.json", json.dumps(new).encode())
    try:
        with warehouse(work):
            operation(work, "account_mapping__record_ledger")
    except ExchangeError as error:
        raise ExchangeError(
            f"{error}\nWhat was to be done is done, and the ledger's file has it; only the warehouse's copy of the "
            "ledger is behind: run this again."
        ) from None


def outboxes(work: Work, entries: Sequence[ledger.Entry]) -> list[str]:
    """Every partner that the ledger knows, or that has an outbox."""
    root = work.outbox.parent
    there = [path.name for path in root.iterdir()] if root.is_dir() else []
    return sorted({entry["partner_id"] for entry in entries} | {n for n in there if protocol.PARTNER_ID.fullmatch(n)})


def show_ledger(work: Work, partner_id: str | None, head: str | None) -> str:
    """Tell the entries, of one partner or of all, and verify the whole chain; Refused where something is not whole."""
    with own_staging(work), warehouse(work):
        operation(work, "account_mapping__export_ledger")
        table = ledger.read_rows(read_json(work, ledger.TABLE))
        with warehouse(work, "ledger"):
            file = read_ledger(work)
    entries = max(file.entries, table.entries, key=len)
    problems = [
        *(f"In the file: {problem}" for problem in file.problems),
        *(f"In the warehouse: {problem}" for problem in table.problems),
        *ledger.differences(file.entries, table.entries),
    ]
    for name in outboxes(work, entries):
        try:
            manifest = own_manifest(replace(work, outbox=work.outbox.parent / name))
        except (Refused, NotPlain):
            problems.append(f"The manifest in the outbox of {name} cannot be read: publish anew.")
            continue
        problem = ledger.outbox_problem(entries, name, manifest)
        problems += [problem] if problem else []
    lines = [f"{shown(work.state_of(ledger.FILE))}: {len(entries):,} entries"]
    shown_entries = [entry for entry in entries if partner_id in (None, entry["partner_id"])]
    if partner_id is not None:
        lines[0] += f", {len(shown_entries):,} about {partner_id}"
    lines += [line for entry in shown_entries for line in ledger.described(entry)]
    if head is not None:
        kept = next((entry for entry in entries if entry["hash"] == head), None)
        if kept:
            lines.append(f"The hash that you kept is of entry {kept['number']}: no entry up to it was changed.")
        else:
            problems.append("No entry has the hash that you kept: entries were cut off or replaced since.")
    lines.append(
        "A chain shows what was altered or taken out of its middle. Who can write both the file and the warehouse can "
        "cut both at the end, or make them anew: keep the last hash elsewhere, and give it as --head."
    )
    if problems:
        tell("\n".join(lines))
        raise Refused("ledger_broken", "The ledger is not whole, or not up to date.\n" + "\n".join(problems))
    verdict = f"Whole: file and warehouse agree, each entry follows the one before; the last hash is {file.head}."
    return "\n".join([*lines, verdict if entries else "Nothing has left yet."])


# ---------------------------------------------------------------- status and forget


def status(work: Work) -> str:
    """Where an exchange stands."""
    with warehouse(work):
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
    lines.append(f"  inbox       {waiting(work, now)}")
    lines += [f"  run         {line}" for line in run_of(work, now)]
    ours, theirs = now.us.statement, now.partner_statement or ()
    for word, sender, receiver in (("they get", ours, theirs), ("we get", theirs, ours)):
        agreed = protocol.allowed(protocol.cells_in_force(sender, receiver, now.us.as_of))
        if now.exchange == "psi":
            agreed = protocol.psi_allowed(agreed, now.mode)
        fields = f"; fields {', '.join(sorted(agreed.fields))}" if agreed.fields else ""
        kinds = ", ".join(kind for kind in protocol.COLUMNS if kind in agreed.kinds)
        lines.append(f"  {word:<10}  {kinds or 'nothing is in force'}{fields}")
    return "\n".join(lines)


def waiting(work: Work, now: Situation) -> str:
    """What lies in the inbox, in a few words, with the code of what was received; nothing else of it is believed."""
    try:
        data = files.read_at_most(work.inbox / files.MANIFEST, protocol.MAX_MANIFEST_BYTES)
    except NotPlain as error:
        return f"{error}: for `receive` to refuse"
    if data is None:
        return "empty"
    try:
        manifest = protocol.parse_manifest(data)
    except Refused:
        return "a manifest that cannot be read, for `receive` to refuse"
    code = protocol.delivery_code(manifest)
    # an unchecked manifest could hold the code of another, in its text; that it is signed makes it the partner's
    is_theirs = manifest["mac"] == protocol.authentication_code(now.secret, manifest)
    if is_theirs and now.accepted and manifest["mac"] == now.accepted.mac:
        return f"what was received, code {code}"
    return f"a manifest, not checked yet, for `receive`, code {code}"


def summary(manifest: dict[str, Any], as_of: str) -> str:
    """A manifest in a line."""
    rows = ", ".join(f"{entry['rows']:,} {entry['kind']}" for entry in manifest["files"]) or "a statement and no keys"
    state = "expired on" if manifest["expires_on"] < as_of else "good until"
    number = f"number {manifest['sequence']} of {manifest['created_on']}"
    code = f"\n  code        {protocol.delivery_code(manifest)}"
    return f"{number}: {rows}; {state} {manifest['expires_on']}{code}"


def forget(work: Work) -> str:
    """Remove all that a partner gave us, and all that was made of it; returns what was removed, and what was left."""
    clear_staging(work)
    with warehouse(work):
        operation(work, "account_mapping__forget_partner")
    known = ledger.read_rows(read_json(work, ledger.TABLE))
    lines = [f"  {row['table_name']}  {row['removed']:,} rows" for row in read_json(work, "removed")]
    try:
        others = [
            name for name in room_senders(work) if name != work.partner_id and protocol.PARTNER_ID.fullmatch(name)
        ]
    except (ExchangeError, NotPlain):
        others = []
    left = [
        f"  {shown(path)}: of the other side of this room"
        for name in others
        for path in (work.inbox.parent / name, work.state_of(name))
        if path.exists()
    ]
    kept = note_forgotten(work, known, bool(lines))
    for folder in (work.outbox, work.inbox, work.state, work.staging.parent):
        gone = files.remove(folder)
        if gone.files and folder != work.staging.parent:
            lines.append(f"  {shown(folder)}  {gone.files:,} files")
        left += [f"  what a link in {shown(folder)} points at: {link}" for link in gone.links[:SHOWN_LINKS]]
        if len(gone.links) > SHOWN_LINKS:
            left.append(f"  what {len(gone.links) - SHOWN_LINKS:,} more links in {shown(folder)} point at")
        left += [f"  in {shown(folder)}: {what}" for what in gone.left[:SHOWN_LINKS]]
        if len(gone.left) > SHOWN_LINKS:
            left.append(f"  in {shown(folder)}: {len(gone.left) - SHOWN_LINKS:,} more")
    return "\n".join(
        [
            f"Removed of {work.partner_id}:" if lines else f"There was nothing of {work.partner_id} to remove.",
            *lines,
            *(["Left, for you to look at:", *left] if left else []),
            *kept,
            f"Now take `{work.partner_id}` out of your settings and its readable lists away, and run `dbt build`, "
            "so that "
            "tables over several partners are made without it. Its secret, and copies elsewhere, are yours to remove.",
        ]
    )


def note_forgotten(work: Work, known: ledger.Read, had_rows: bool) -> list[str]:
    """Note in the ledger that a partner is forgotten; returns what the ledger keeps, for people.

    Forgetting goes on whatever is wrong with the ledger.
    """
    try:
        of_outbox = True
        try:
            own_manifest(work)
        except (Refused, NotPlain):
            of_outbox = False
        entries = ledger.longer(read_ledger(work), known) or ()
        about = [entry for entry in entries if entry["partner_id"] == work.partner_id]
        if about or had_rows or work.outbox.exists():
            entries = note_down(work, known, ("forget", {}), of_outbox=of_outbox)
            bring_up_to_date(work, known)
    except (Refused, ExchangeError) as error:
        return [f"note: the ledger does not tell that {work.partner_id} was forgotten. {error}"]
    number = sum(entry["partner_id"] == work.partner_id for entry in entries)
    if not number:
        return []
    return [
        f"The ledger keeps {number:,} entries about {work.partner_id}: that things left, when and under which "
        "agreement, with numbers of rows and hashes of files; no row, no name of an account and no person."
    ]


# ---------------------------------------------------------------- the command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="exchange", description="Exchange hashed keys, counts and agreed fields with a partner, by files."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "preview": "show what would leave under the rules as they are now, and what that changes; nothing leaves",
        "publish": "build what is shared, check it and renew the outbox",
        "receive": "check what lies in the inbox, load it and build",
        "room": "in a clean room: check what both sides delivered, load it and build",
        "reveal": "publish, with the agreed fields of shared accounts",
        "status": "say where the exchange stands",
        "forget": "remove all that is known of a partner; the ledger keeps that things left",
        "ledger": "tell what left to whom, when and under which agreement, and verify that nothing of it was changed",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        partner = {"nargs": "?", "default": None} if name == "ledger" else {}
        command.add_argument("partner_id", metavar="PARTNER_ID", help="as in account_mapping__partners", **partner)
        command.add_argument("--project-dir", type=Path, default=Path(), help="your dbt project (default: here)")
        command.add_argument("--outbox", type=Path, help="default: outbox in the project")
        command.add_argument("--inbox", type=Path, help="default: inbox in the project")
        command.add_argument(
            "--state", type=Path, help="pages of checks, quarantine and locks; default: exchange_state in the project"
        )
        command.add_argument(
            "--wait",
            type=float,
            default=DEFAULT_WAIT,
            metavar="SECONDS",
            help="how long to wait for another command that is at work (default: %(default)g)",
        )
        for option in ("--profiles-dir", "--target", "--vars"):
            command.add_argument(option, help="given on to dbt")
        if name == "ledger":
            command.add_argument("--head", metavar="HASH", help="a hash of an entry that you kept: is it there still?")
        if name not in ("forget", "ledger"):
            command.add_argument("--no-build", action="store_true", help="dbt was run already: build nothing")
        if name == "preview":
            command.add_argument("--all", action="store_true", help="every line, what stays as it was published too")
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
    # no partner's name begins with a dot: where the ledger of all is asked for, this one works
    partner_id = arguments.partner_id if arguments.partner_id is not None else f".{arguments.command}"
    if arguments.partner_id is not None and not protocol.PARTNER_ID.fullmatch(partner_id):
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
    if not (math.isfinite(arguments.wait) and arguments.wait >= 0):
        raise ExchangeError("--wait is a number of seconds, 0 or more.")
    roots = {name: (getattr(arguments, name) or project / default).resolve() for name, default in FOLDERS.items()}
    for name, root in roots.items():
        for other, folder in roots.items():
            if name != other and (root / partner_id).is_relative_to(folder / partner_id):
                raise ExchangeError(f"--{name} lies in --{other}: choose folders that do not lie in each other.")
    return Work(
        partner_id,
        project,
        roots["outbox"] / partner_id,
        roots["inbox"] / partner_id,
        tuple(options),
        not getattr(arguments, "no_build", False),
        parsed,
        roots["state"],
        arguments.wait,
        f"{arguments.command} {arguments.partner_id or ''}".rstrip(),
    )


def run(arguments: argparse.Namespace, parsed: DbtProject | None = None) -> str:
    """Do what was asked; returns what to tell."""
    work = make_work(arguments, parsed)
    command = arguments.command
    if command in ("publish", "reveal") and not 1 <= arguments.valid_days <= 3660:
        raise ExchangeError("--valid-days is a number of days from 1 to 3660.")
    if command == "ledger":
        return show_ledger(work, arguments.partner_id, arguments.head)
    # both sides of a room lie in one inbox, which rooms of several partners have in common
    with alone(work, *(["room"] if command == "room" else []), forget=command == "forget"):
        if command in ("publish", "reveal"):
            return publish(work, command == "reveal", arguments.valid_days)
        if command == "preview":
            return preview(work, arguments.all)
        return {"receive": receive, "room": room, "status": status, "forget": forget}[command](work)


def main(command: Sequence[str] | None = None, parsed: DbtProject | None = None) -> int:
    """0: done; 1: it cannot be done; 2: wrong usage; 3: a check refused what came or was about to leave.

    parsed: the project of --project-dir, where a caller runs several commands on it. Whatever happens is told in a
    sentence: a traceback would quote what a stranger wrote.
    """
    arguments = parser().parse_args(command)
    jail.leave_no_core()
    try:
        tell(run(arguments, parsed))
    except Refused as refused:
        tell_aside(f"Refused ({refused.code}): {refused}")
        return 3
    except ImportError as error:
        tell_aside(f"The exchange needs {error.name}: run `{REQUIREMENTS}` in the environment of dbt.")
        return 1
    except (ExchangeError, ristretto.NoLibrary) as error:
        tell_aside(str(error))
        return 1
    except NotPlain as error:
        tell_aside(f"{error}, which this command does not use: take it away, or name another folder.")
        return 1
    except OSError as error:
        where = f" ({printable(error.filename)})" if error.filename else ""
        tell_aside(f"The system refused: {error.strerror or error}{where}. Mend that and run this again.")
        return 1
    except MemoryError:
        tell_aside("There was not enough memory. Nothing was loaded by this step; run this again where there is more.")
        return 1
    except KeyboardInterrupt:
        tell_aside("Stopped. Run this again: it ends what was begun.")
        return 130
    except Exception as error:
        tell_aside(f"The command stopped at an error that it does not know ({place_of(error)}): please report it.")
        return 1
    return 0


def place_of(error: BaseException) -> str:
    """What kind of error it is and where it arose, without its text, which may quote a stranger or a secret."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {Path(place.tb_frame.f_code.co_filename).name}, line {place.tb_lineno}" if place else ""
    return f"{type(error).__name__}{where}"
