"""What two parties of an exchange tell each other about their files: the manifest, its authentication, the agreement.

Pure functions, no files, no database. A manifest is JSON in one spelling only (`canonical_json`), so that any changed
byte is noticed, and carries an HMAC-SHA-256 (RFC 2104) under a key derived from the pair secret (HKDF, RFC 5869).
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .text import printable

PROTOCOL = "account-mapping/v2"
MODELS = Path(__file__).resolve().parent.parent / "python_models"
MAX_MANIFEST_BYTES = 1_000_000
MAX_RULES = 1_000
MAX_ROWS = 500_000_000
# A sequence of 1,000 publications a day lasts for 2,700 years.
MAX_SEQUENCE = 10**9
DEFAULT_VALID_DAYS = 30
LEAST_MINIMUM_COUNT = 10
# What a side may call itself.
LONGEST_NAME = 100
CODE_BITS = 120
CODE_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

STATUSES = ("customer", "open_opportunity", "churned", "prospect")
PARTNER_STATUSES = (*STATUSES, "not_shared")
LEVELS = ("hidden", "counts", "overlapping", "all")
# The seeds that decide what a name becomes and which keys it makes, with the columns that count.
NORMALISER_SEEDS = {
    "legal_forms": ("form", "class", "position", "script", "jurisdictions"),
    "placeholders": ("kind", "value"),
    "name_words": ("word", "kind"),
    "common_words": ("word",),
}
NAME_KEYS = ("name", "name_sorted", "name_short", "name_core")
KEY_TYPES = (
    *(
        "domain",
        "email_domain",
        "lei",
        "duns",
        "vat_id",
        "linkedin",
        "name_initials_country",
        "name_place",
        "name_typo",
    ),
    *NAME_KEYS,
    *(f"{name}_country" for name in NAME_KEYS),
    # Of an account without any key: its own token, so that families and denominators stay whole.
    "account",
)
# A hashed address of a contact: only where the agreement names it among its fields. What else agreements name there,
# `person_rows` too, lets nothing leave: it says what the receiver may make of what it has.
PERSON = "person"
FIELDS = (
    *("name", "website", "country", "status", "segment", "owner_name", "owner_email", "open_amount"),
    *("customer_since", "deal_stage", "deal_close_date", "last_won_on"),
)
COLUMNS = {
    "keys": (
        *("agreement_id", "epoch", "normaliser_version", "key_type", "token", "account_token"),
        *("parent_account_token", "status"),
    ),
    "counts": (*("agreement_id", "epoch", "rollup", "our_status", "partner_status", "companies", "cell_state"),),
    "fields": ("agreement_id", "epoch", "account_token", "partner_account_token", "field", "value"),
    # of a private set intersection, in the order in which they can leave
    "commitments": ("agreement_id", "epoch", "mode", "most_points", "key_type", "points", "commitment"),
    "points": ("agreement_id", "epoch", "key_type", "point"),
    "answers": ("agreement_id", "epoch", "key_type", "answered", "answer"),
    "matches": ("agreement_id", "epoch", "key_type", "point", "account_token", "parent_account_token", "status"),
}
# What a row of each kind of file is told apart by, in the order in which the rows stand.
GRAIN = {
    "keys": ("key_type", "token", "account_token"),
    "counts": ("rollup", "our_status", "partner_status"),
    "fields": ("account_token", "partner_account_token", "field"),
    "commitments": ("key_type",),
    "points": ("key_type", "point"),
    # each alone; the rows stand in the order of the points that they answer
    "answers": ("key_type", "answer"),
    "matches": ("key_type", "point", "account_token"),
}
# What the models of the room `shared` hold, and what a private set intersection adds.
KINDS = ("keys", "counts", "fields")
PSI_KINDS = ("commitments", "points", "answers", "matches")
REVEAL, COUNT = "reveal", "count"

# Spellings on which both normalisers have to agree: legal forms, scripts, accents, signs, order of words; and domains
# below several kinds of public suffix. Canaries never become keys of an account.
CANARY_NAMES = (
    "Canary & Sons (Holdings) Ltd.",
    "Kanarienvögel Züchterei GmbH & Co. KG",
    "Société Générale des Canaris S.A.",
    "Канарейка ООО",
    "カナリア株式会社",
    "The A.B.C. Canary Company, Inc.",
    "Canary Islands Banking Group plc",
)
CANARY_ADDRESSES = (
    "https://www.canary.co.uk/about?x=1",
    "mail@canary.example.com",
    "canary.github.io",
    "kanarienvögel.de",
    "http://canary.com.au:8080",
    "localhost",
)

SHA256 = re.compile(r"[0-9a-f]{64}")
KEY_ID = re.compile(r"[0-9a-f]{32}")
FILE_NAME = re.compile(rf"({'|'.join(COLUMNS)})-[0-9a-f]{{12}}\.parquet")
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
PARTNER_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,99}")


class Refused(Exception):
    """What was delivered, or was about to leave, fails a check.

    code: a short name of the check, for programs; the message is one sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# ---------------------------------------------------------------- what the package's models already know


@cache
def load_model(name: str) -> ModuleType:
    """A Python model of the package as a module, by its path: models are no Python package that could be imported."""
    spec = importlib.util.spec_from_file_location(f"account_mapping_exchange_{name}", next(MODELS.rglob(f"{name}.py")))
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def derive_key(secret: bytes, agreement_id: str, epoch: str, purpose: str) -> bytes:
    """The 32-byte key of one purpose of one epoch of one agreement.

    It does not depend on the normaliser version, since that is one of the things that a manifest tells.
    """
    return load_model("int_account_mapping__match_keys").derive_key(secret, agreement_id, epoch, purpose, "")


def derive_account_key(secret: bytes, us: Party) -> bytes:
    """The key by which ids of our accounts become their tokens."""
    derive = load_model("int_account_mapping__match_keys").derive_key
    return derive(secret, us.agreement_id, us.epoch, "account", us.normaliser.version)


def read_secret(variable: str, others: Iterable[str] = ()) -> bytes:
    """The pair secret in environment variable `variable`; ValueError says what is wrong with it, never its value.

    others: the variables of other partners' secrets, as far as their names do not begin as usual.
    """
    return load_model("int_account_mapping__match_keys").read_secret(variable, others)


# ---------------------------------------------------------------- JSON in one spelling


def canonical_json(value: Any) -> bytes:
    """`value` as JSON in its only spelling: ASCII, sorted keys, no white space.

    value: dicts with text keys, lists, text, whole numbers, true, false, null. TypeError for anything else, floating
    numbers too, which have several spellings.
    """
    _check_plain(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def _check_plain(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("keys of canonical JSON are text")
            _check_plain(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_plain(item)
    elif value is not None and not isinstance(value, (str, int, bool)):
        raise TypeError(f"canonical JSON has no {type(value).__name__}")


def digest(value: Any) -> str:
    """SHA-256 in hex of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


# ---------------------------------------------------------------- authentication


def authentication_code(secret: bytes, manifest: Mapping[str, Any]) -> str:
    """HMAC-SHA-256 in hex over the canonical JSON of all of `manifest` but its `mac`."""
    content = {key: value for key, value in manifest.items() if key != "mac"}
    key = derive_key(secret, manifest["agreement_id"], manifest["epoch"], "manifest")
    return hmac.digest(key, canonical_json(content), "sha256").hex()


def delivery_code(manifest: Mapping[str, Any]) -> str:
    """What people compare out loud: a hash of the whole manifest, its `mac` and the hashes of its files included.

    The first 120 bits of a SHA-256, in Crockford's base 32 (no I, L, O, U), six groups of four. To make another
    manifest with the code of a given one takes about 2^120 attempts; to make two with one code, for who writes both,
    2^60.
    """
    hashed = hashlib.sha256(b"account-mapping/v1 delivery code\x00" + canonical_json(manifest)).digest()
    number = int.from_bytes(hashed[: CODE_BITS // 8], "big")
    signs = "".join(CODE_SIGNS[number >> shift & 31] for shift in range(CODE_BITS - 5, -1, -5))
    return "-".join(signs[place : place + 4] for place in range(0, len(signs), 4))


def key_id(secret: bytes, agreement_id: str, epoch: str) -> str:
    """A name of the pair's key by which both sides see that they hold the same: an HMAC of a constant, so that it can
    be told without telling anything about the secret."""
    key = derive_key(secret, agreement_id, epoch, "key_id")
    return hmac.digest(key, b"account-mapping key id", "sha256").hex()[:32]


@dataclass(frozen=True)
class Normaliser:
    """How this installation spells names and domains.

    version: of the package's rules. outputs: of the canaries, and a hash of the legal forms. suffix_list: which copy of
    the Public Suffix List.
    """

    version: str
    outputs: tuple[str, ...]
    suffix_list: str

    @property
    def vectors(self) -> str:
        """A hash of the outputs: differs as soon as one spelling does."""
        return digest(list(self.outputs))


def installed_normaliser(version: str, seeds: Mapping[str, Sequence[Mapping[str, Any]]]) -> Normaliser:
    """What the installed normaliser makes of the canaries.

    version: of the macro account_mapping__normaliser_version. seeds: rows of the seeds in NORMALISER_SEEDS, by name
    without prefix.
    """
    names = load_model("int_account_mapping__normalized")
    domains = load_model("int_account_mapping__domains")
    rows = {seed: [dict(row) for row in seeds[seed]] for seed in NORMALISER_SEEDS}
    forms = names.compile_legal_forms(rows["legal_forms"])
    nobody = names.compile_placeholders(rows["placeholders"], forms)
    words = names.compile_name_words(rows["name_words"], [row["word"] for row in rows["common_words"]])
    columns, _ = names.normalise_names(CANARY_NAMES, forms, nobody, words)
    outputs = [
        *(
            digest(sorted([str(row.get(name) or "") for name in columns] for row in rows[seed]))
            for seed, columns in NORMALISER_SEEDS.items()
        ),
        *("\x1f".join(map(str, parts)) for parts in zip(*(column.to_pylist() for column in columns), strict=True)),
        *(str(domains.registrable_domain(address)) for address in CANARY_ADDRESSES),
    ]
    return Normaliser(version, tuple(outputs), suffix_list_version())


def suffix_list_version() -> str:
    """Which copy of the Public Suffix List tldextract ships: its version and the start of a hash of the copy."""
    import tldextract

    snapshot = Path(tldextract.__file__).parent / ".tld_set_snapshot"
    return f"tldextract {tldextract.__version__}, sha256 {hashlib.sha256(snapshot.read_bytes()).hexdigest()[:16]}"


def canaries(secret: bytes, agreement_id: str, epoch: str, normaliser: Normaliser) -> dict[str, str]:
    """Two tokens: of the canaries as they are, which tells secrets apart, and of what the normaliser makes of them,
    which tells normalisers apart."""
    key = derive_key(secret, agreement_id, epoch, "canary")
    raw = "\x1e".join((*CANARY_NAMES, *CANARY_ADDRESSES)).encode()
    normalised = "\x1e".join(normaliser.outputs).encode()
    return {
        "raw": hmac.digest(key, b"raw\x1e" + raw, "sha256").hex(),
        "normalised": hmac.digest(key, b"normalised\x1e" + normalised, "sha256").hex(),
    }


# ---------------------------------------------------------------- the agreement


@dataclass(frozen=True, order=True)
class Rule:
    """One row of a side's sharing agreement, in the words of the side that wrote it.

    fields: sorted and separated by `;`. valid_from and valid_until: first and last day as YYYY-MM-DD, "" when open.
    minimum_count: 0 where the rule names none.
    """

    direction: str
    our_status: str
    partner_status: str
    level: str
    fields: str = ""
    minimum_count: int = 0
    valid_from: str = ""
    valid_until: str = ""

    def is_valid(self, as_of: str) -> bool:
        """Whether the rule holds on the day `as_of`."""
        return (not self.valid_from or self.valid_from <= as_of) and (not self.valid_until or as_of <= self.valid_until)


def make_rule(row: Mapping[str, Any]) -> Rule:
    """A Rule of a row of settings or of a manifest's statement; ValueError names what cannot be read."""
    unknown = sorted(set(row) - set(Rule.__dataclass_fields__))
    if unknown:
        raise ValueError(f"unknown column {_short(unknown[0])}")
    for name, value in row.items():
        wanted = (int,) if name == "minimum_count" else (str,)
        if value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise ValueError(f"{name} is no {'whole number' if name == 'minimum_count' else 'text'}")
    rule = Rule(
        direction=row.get("direction") or "",
        our_status=row.get("our_status") or "*",
        partner_status=row.get("partner_status") or "*",
        level=row.get("level") or "",
        fields=";".join(sorted({part.strip() for part in re.split("[;,]", row.get("fields") or "")} - {""})),
        minimum_count=row.get("minimum_count") or 0,
        valid_from=row.get("valid_from") or "",
        valid_until=row.get("valid_until") or "",
    )
    known = {
        "direction": ("offered", "accepted"),
        "our_status": ("*", *STATUSES),
        "partner_status": ("*", *PARTNER_STATUSES),
        "level": LEVELS,
    }
    for name, words in known.items():
        if getattr(rule, name) not in words:
            raise ValueError(f"{name} is {getattr(rule, name)[:40]!r}, not one of {', '.join(words)}")
    for name in filter(None, rule.fields.split(";")):
        if not FIELD_NAME.fullmatch(name):
            raise ValueError(f"{_short(name)} is no name of a field")
    if not 0 <= rule.minimum_count <= MAX_SEQUENCE:
        raise ValueError("minimum_count is no usable number")
    for day in (rule.valid_from, rule.valid_until):
        if day:
            _day(day)
    return rule


def make_statement(rows: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """A side's rules, distinct and sorted."""
    return tuple(sorted({make_rule(row) for row in rows}))


def statement_rows(statement: Iterable[Rule]) -> list[dict[str, Any]]:
    """The rules as a manifest states them."""
    return [asdict(rule) for rule in sorted(statement)]


def statement_hash(statement: Iterable[Rule]) -> str:
    """One hash over a side's rules: differs as soon as one rule does."""
    return digest(statement_rows(statement))


@dataclass(frozen=True)
class Cell:
    """What is in force between one status of the side that sends and one of the side that receives."""

    sender_status: str
    receiver_status: str
    level: str
    fields: frozenset[str]
    minimum_count: int

    def shares(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


def _decide(rules: Iterable[Rule], own: str, other: str) -> tuple[int, frozenset[str], int] | None:
    """Level, fields and minimum count that one side's rules give a cell; None without a rule.

    own, other: the statuses from the side that wrote the rules. The most specific rules decide; of several, the least.
    """
    fitting = [rule for rule in rules if rule.our_status in ("*", own) and rule.partner_status in ("*", other)]
    if not fitting:
        return None

    def specificity(rule: Rule) -> tuple[bool, bool]:
        return rule.our_status != "*", rule.partner_status != "*"

    best = max(map(specificity, fitting))
    deciding = [rule for rule in fitting if specificity(rule) == best]
    return (
        min(LEVELS.index(rule.level) for rule in deciding),
        frozenset.intersection(*(frozenset(rule.fields.split(";")) - {""} for rule in deciding)),
        max(rule.minimum_count for rule in deciding),
    )


def cells_in_force(sender: Iterable[Rule], receiver: Iterable[Rule], as_of: str) -> list[Cell]:
    """Every combination of both sides' statuses, with what both statements together let cross from one to the other.

    sender, receiver: statements, each in the words of its writer. In force is what one side offers and the other
    accepts, the lesser of both; without a rule on a side nothing is.
    """
    offered = [rule for rule in sender if rule.direction == "offered" and rule.is_valid(as_of)]
    accepted = [rule for rule in receiver if rule.direction == "accepted" and rule.is_valid(as_of)]
    cells = []
    for own in STATUSES:
        for other in PARTNER_STATUSES:
            offer, acceptance = _decide(offered, own, other), _decide(accepted, other, own)
            if offer is None or acceptance is None:
                cells.append(Cell(own, other, "hidden", frozenset(), LEAST_MINIMUM_COUNT))
            else:
                level = LEVELS[min(offer[0], acceptance[0])]
                least = max(offer[2], acceptance[2], LEAST_MINIMUM_COUNT)
                cells.append(Cell(own, other, level, offer[1] & acceptance[1], least))
    return cells


@dataclass(frozen=True)
class Allowed:
    """What may cross in one direction, in the words of the side that sends.

    kinds: of files. statuses: of the sender's accounts that may stand beside their keys. fields: that may be told.
    minimum_counts: least count by (sender's status, receiver's status) of the cells whose counts may cross.
    """

    kinds: frozenset[str]
    statuses: frozenset[str]
    fields: frozenset[str]
    minimum_counts: Mapping[tuple[str, str], int]


def allowed(cells: Iterable[Cell]) -> Allowed:
    """What `cells` let cross."""
    kinds, fields = set(), set()
    told: dict[str, list[bool]] = {}
    minimum_counts = {}
    for cell in cells:
        if cell.shares("counts"):
            kinds.add("counts")
            minimum_counts[cell.sender_status, cell.receiver_status] = cell.minimum_count
        if cell.shares("overlapping"):
            kinds.add("keys")
            told.setdefault(cell.sender_status, []).append("status" in cell.fields)
            fields |= cell.fields
    # what agreements name beside fields, as persons, makes no file of fields
    if fields & {*FIELDS}:
        kinds.add("fields")
    statuses = frozenset(status for status, answers in told.items() if all(answers))
    return Allowed(frozenset(kinds), statuses, frozenset(fields), minimum_counts)


# ---------------------------------------------------------------- the manifest


@dataclass(frozen=True)
class FileEntry:
    """One file that travels with a manifest. rows_per_key_type: of a file of keys, else empty."""

    name: str
    kind: str
    rows: int
    sha256: str
    rows_per_key_type: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Party:
    """What one side knows before it writes or reads a manifest. company_id: what it calls itself."""

    company_id: str
    agreement_id: str
    epoch: str
    as_of: str
    statement: tuple[Rule, ...]
    normaliser: Normaliser


MANIFEST_TYPES: dict[str, type | tuple[type, ...]] = {
    "protocol": str,
    "sender": str,
    "agreement_id": str,
    "epoch": str,
    "key_id": str,
    "normaliser_version": str,
    "golden_vectors": str,
    "public_suffix_list": str,
    "canaries": dict,
    "statement": list,
    "statement_hash": str,
    "partner_statement_hash": (str, type(None)),
    "sequence": int,
    "created_on": str,
    "expires_on": str,
    "files": list,
    "mac": str,
}
# What may differ between two manifests of the same content.
ENVELOPE = ("sequence", "created_on", "expires_on", "mac")


def make_manifest(
    secret: bytes,
    party: Party,
    files: Sequence[FileEntry],
    partner_statement_hash: str | None,
    sequence: int,
    valid_days: int = DEFAULT_VALID_DAYS,
) -> dict[str, Any]:
    """A signed manifest.

    partner_statement_hash: of the last statement of the partner that was verified. valid_days: days until it expires.
    """
    manifest = {
        "protocol": PROTOCOL,
        "sender": party.company_id,
        "agreement_id": party.agreement_id,
        "epoch": party.epoch,
        "key_id": key_id(secret, party.agreement_id, party.epoch),
        "normaliser_version": party.normaliser.version,
        "golden_vectors": party.normaliser.vectors,
        "public_suffix_list": party.normaliser.suffix_list,
        "canaries": canaries(secret, party.agreement_id, party.epoch, party.normaliser),
        "statement": statement_rows(party.statement),
        "statement_hash": statement_hash(party.statement),
        "partner_statement_hash": partner_statement_hash,
        "sequence": sequence,
        "created_on": party.as_of,
        "expires_on": (_day(party.as_of) + datetime.timedelta(days=valid_days)).isoformat(),
        "files": [asdict(entry) for entry in sorted(files, key=lambda entry: entry.name)],
    }
    return manifest | {"mac": authentication_code(secret, manifest)}


def content_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says, apart from when it says so: two with the same need not both be sent."""
    return {key: value for key, value in manifest.items() if key not in ENVELOPE}


def _day(text: str) -> datetime.date:
    """YYYY-MM-DD as a date; ValueError for any other spelling."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"{text[:40]!r} is no date like 2026-12-31")
    return datetime.date.fromisoformat(text)


def middle(first: str, last: str) -> str:
    """The day half-way between two days."""
    return (_day(first) + (_day(last) - _day(first)) // 2).isoformat()


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def parse_manifest(data: bytes) -> dict[str, Any]:
    """The manifest in `data`, with every type as it should be. Nothing in it can be believed before `check_manifest`.

    Raises Refused: manifest_too_large, not_json, unknown_protocol, malformed_manifest, not_canonical.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise Refused(
            "manifest_too_large", f"The manifest is larger than {MAX_MANIFEST_BYTES:,} bytes, which none needs to be."
        )
    try:
        manifest = json.loads(data.decode("utf-8"), object_pairs_hook=_no_doubled_keys)
    except (ValueError, RecursionError):
        raise Refused("not_json", "The manifest is no readable JSON: it was cut off or changed on its way.") from None
    if _has_broken_text(manifest):
        raise Refused("broken_text", "The manifest holds half a character (a lone surrogate), which no text has.")
    if not isinstance(manifest, dict) or manifest.get("protocol") != PROTOCOL:
        stated = manifest.get("protocol") if isinstance(manifest, dict) else None
        raise Refused(
            "unknown_protocol",
            f"The manifest speaks the protocol {_short(stated)}, this version of the package only {PROTOCOL}.",
        )
    problem = _shape_problem(manifest)
    if problem:
        raise Refused("malformed_manifest", f"The manifest is not what the protocol asks for: {problem}.")
    try:
        is_canonical = canonical_json(manifest) == data
    except (TypeError, ValueError):
        is_canonical = False
    if not is_canonical:
        raise Refused(
            "not_canonical", "The manifest was altered: it is not spelt, byte by byte, as the package writes it."
        )
    return manifest


def _has_broken_text(value: Any) -> bool:
    """Whether a text has a surrogate without its other half, as JSON lets one write: nothing can encode it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    except RecursionError:
        # refused by its shape: nothing that the protocol knows is as deep
        return False
    return False


def name_problem(name: str) -> str | None:
    """What is wrong with what a side calls itself, or None: people read it, and compare it with another."""
    if not name.strip() or len(name) > LONGEST_NAME:
        return f"has no characters, or more than {LONGEST_NAME}"
    if printable(name) != name:
        return "has characters that cannot be seen"
    return None


def _short(value: Any) -> str:
    """A stranger's value, fit for a message: short and printable."""
    return ascii(value)[:60] if value is not None else "none"


def _shape_problem(manifest: Mapping[str, Any]) -> str | None:
    """What is wrong with the manifest's keys, types and spellings, or None."""
    for name in [*MANIFEST_TYPES, *manifest]:
        if name not in manifest:
            return f"it has no {name}"
        if name not in MANIFEST_TYPES:
            return f"it has an unknown entry {_short(name)}"
        value = manifest[name]
        if not isinstance(value, MANIFEST_TYPES[name]) or isinstance(value, bool):
            return f"{name} is of the wrong type"
    canary = manifest["canaries"]
    if set(canary) != {"raw", "normalised"} or not all(isinstance(v, str) for v in canary.values()):
        return "canaries are not as they should be"
    problem = name_problem(manifest["sender"])
    if problem:
        return f"the name of its sender {problem}"
    for name in ("golden_vectors", "statement_hash", "partner_statement_hash", "mac"):
        if manifest[name] is not None and not SHA256.fullmatch(manifest[name]):
            return f"{name} is no hash"
    if not KEY_ID.fullmatch(manifest["key_id"]):
        return "key_id is no hash"
    if not 1 <= manifest["sequence"] <= MAX_SEQUENCE:
        return "the sequence is out of bounds"
    try:
        _day(manifest["created_on"])
        _day(manifest["expires_on"])
        if len(manifest["statement"]) > MAX_RULES:
            return "the statement has too many rules"
        statement = make_statement(row if isinstance(row, dict) else {"?": None} for row in manifest["statement"])
    except ValueError as error:
        return f"{error}"
    if statement_rows(statement) != manifest["statement"]:
        return "the statement's rules are not sorted, distinct and complete"
    return _files_problem(manifest["files"])


def _files_problem(files: Sequence[Any]) -> str | None:
    """What is wrong with the entries of the files, or None."""
    kinds = set()
    for entry in files:
        if not isinstance(entry, dict) or set(entry) != set(FileEntry.__dataclass_fields__):
            return "an entry of a file is not as it should be"
        counts = entry["rows_per_key_type"]
        numbers = [entry["rows"], *(counts.values() if isinstance(counts, dict) else ("",))]
        if any(not isinstance(n, int) or isinstance(n, bool) or not 0 <= n <= MAX_ROWS for n in numbers):
            return "a file's number of rows is no usable number"
        texts = (entry["name"], entry["kind"], entry["sha256"])
        if not all(isinstance(text, str) for text in texts) or not SHA256.fullmatch(entry["sha256"]):
            return "a file's name or hash is not as it should be"
        if (
            not FILE_NAME.fullmatch(entry["name"])
            or entry["name"] != f"{entry['kind']}-{entry['sha256'][:12]}.parquet"
            or entry["kind"] in kinds
        ):
            return "a file is not named after its kind and content"
        kinds.add(entry["kind"])
        if set(counts) - {*KEY_TYPES, PERSON} or (
            "key_type" in COLUMNS[entry["kind"]] and sum(counts.values()) != entry["rows"]
        ):
            return "the rows per key type are not as they should be"
    return None


@dataclass(frozen=True)
class Accepted:
    """The last manifest of a partner that was loaded."""

    agreement_id: str
    epoch: str
    sequence: int
    mac: str
    statement_hash: str


def check_manifest(
    manifest: Mapping[str, Any],
    secret: bytes,
    us: Party,
    own_mac: str | None = None,
    accepted: Accepted | None = None,
    known_sender: str | None = None,
) -> list[str]:
    """Notes on a parsed manifest that can be believed and used; raises Refused for any other.

    own_mac: of the manifest in our own outbox. accepted: what was loaded last. known_sender: of the first manifest that
    was accepted of this partner, in whatever epoch. The first failing check speaks, so that a wrong secret, another
    epoch and another normaliser are told apart.
    """
    if manifest["mac"] == own_mac:
        raise Refused("own_file", "This is our own manifest sent back: the inbox holds what our outbox says.")
    if manifest["sender"] == us.company_id:
        raise Refused(
            "own_name",
            f"The manifest names {_short(us.company_id)} as its sender, which is our own name: it is an old file "
            "of ours, "
            "or both sides have the same var account_mapping__company_id.",
        )
    _check_terms(manifest, us)
    if not hmac.compare_digest(manifest["key_id"].encode(), key_id(secret, us.agreement_id, us.epoch).encode()):
        raise Refused(
            "wrong_secret",
            "The pair secrets differ: agreement and epoch are the same, the key made of the secret is not, so no "
            "key of "
            "theirs could match one of ours.",
        )
    if not hmac.compare_digest(manifest["mac"].encode(), authentication_code(secret, manifest).encode()):
        raise Refused(
            "altered_manifest",
            "The manifest was altered, or written by somebody without the secret: its authentication code does not fit "
            "its content.",
        )
    check_sender(manifest, known_sender)
    _check_normaliser(manifest, secret, us)
    _check_validity(manifest, us)
    _check_sequence(manifest, us, accepted)
    return _notes(manifest, us)


def check_sender(manifest: Mapping[str, Any], known_sender: str | None) -> None:
    """Raises Refused where this partner called itself otherwise when something of it was accepted first."""
    if known_sender is not None and manifest["sender"] != known_sender:
        raise Refused(
            "other_sender",
            f"The manifest names {_short(manifest['sender'])} as its sender, and what was accepted of this partner "
            f"before came from {_short(known_sender)}: ask both whether that is one company; `forget` the partner to "
            "begin anew.",
        )


def _check_terms(manifest: Mapping[str, Any], us: Party) -> None:
    """Raises Refused unless the manifest is made for our agreement and epoch."""
    for name, ours in (("agreement", us.agreement_id), ("epoch", us.epoch)):
        stated = manifest["agreement_id" if name == "agreement" else "epoch"]
        if stated != ours:
            raise Refused(
                f"other_{name}",
                f"The manifest is made for the {name} {_short(stated)}, our settings for this partner say "
                f"{_short(ours)}: "
                f"both sides need the same {name}.",
            )


def _check_validity(manifest: Mapping[str, Any], us: Party) -> None:
    """Raises Refused where the manifest contradicts itself about its statement, or is expired."""
    if manifest["statement_hash"] != digest(manifest["statement"]):
        raise Refused("malformed_manifest", "The manifest's hash of its statement is not that of its statement.")
    if manifest["expires_on"] < us.as_of:
        raise Refused(
            "expired",
            f"The manifest expired on {manifest['expires_on']}, today is {us.as_of}: ask the partner to publish anew.",
        )


def _check_version(manifest: Mapping[str, Any], ours: Normaliser) -> None:
    """Raises Refused unless the sender's normaliser has our version."""
    if manifest["normaliser_version"] != ours.version:
        raise Refused(
            "other_normaliser_version",
            f"The partner's normaliser has version {_short(manifest['normaliser_version'])}, ours "
            f"{_short(ours.version)}: "
            "the secret is right, but names would be spelt differently before hashing, so both sides have to install "
            "the same version of the package.",
        )


def _check_normaliser(manifest: Mapping[str, Any], secret: bytes, us: Party) -> None:
    """Raises Refused unless the partner spells the canaries as we do."""
    ours = us.normaliser
    _check_version(manifest, ours)
    expected = canaries(secret, us.agreement_id, us.epoch, ours)
    if manifest["canaries"]["raw"] != expected["raw"]:
        raise Refused(
            "other_canaries",
            "The partner hashes other canaries than we do: both sides have to install the same version of the package.",
        )
    if manifest["canaries"]["normalised"] != expected["normalised"] or manifest["golden_vectors"] != ours.vectors:
        raise Refused(
            "other_normaliser",
            f"The partner's normaliser has our version, {_short(ours.version)}, and spells the canaries "
            "differently: the "
            "secret is right; compare the seeds account_mapping__legal_forms, account_mapping__placeholders and "
            "account_mapping__name_words, and the versions of anyascii and tldextract.",
        )


def _check_sequence(manifest: Mapping[str, Any], us: Party, accepted: Accepted | None) -> None:
    """Raises Refused for a manifest that is older than, or other than, the one accepted last in this epoch."""
    if accepted is None or (accepted.agreement_id, accepted.epoch) != (us.agreement_id, us.epoch):
        return
    if manifest["sequence"] < accepted.sequence:
        raise Refused(
            "replayed",
            f"The manifest has number {manifest['sequence']}, number {accepted.sequence} was accepted before: an "
            "old outbox "
            "was sent again; a partner that lost its outbox needs a new epoch.",
        )
    if manifest["sequence"] == accepted.sequence and manifest["mac"] != accepted.mac:
        raise Refused(
            "replayed",
            f"The manifest has number {manifest['sequence']}, which was accepted before with other content: the "
            "partner's "
            "outbox was set back, so both sides need a new epoch.",
        )


def _notes(manifest: Mapping[str, Any], us: Party) -> list[str]:
    """What is worth telling about a manifest that is accepted."""
    notes = []
    if manifest["public_suffix_list"] != us.normaliser.suffix_list:
        notes.append(
            f"the partner's Public Suffix List is another ({_short(manifest['public_suffix_list'])}, ours "
            f"{_short(us.normaliser.suffix_list)}): domains under a few suffixes may not match"
        )
    if manifest["partner_statement_hash"] != statement_hash(us.statement):
        notes.append("the partner has not yet received our present sharing agreement")
    return notes


def psi_mode(ours: Iterable[Rule], theirs: Iterable[Rule], as_of: str) -> str | None:
    """How far a private set intersection goes under two statements: both sides learn the same by it.

    REVEAL where keys may cross in both directions, COUNT where counts may, else None.
    """
    kinds = [allowed(cells_in_force(*pair, as_of)).kinds for pair in ((ours, theirs), (theirs, ours))]
    if all("keys" in crossing for crossing in kinds):
        return REVEAL
    return COUNT if all("counts" in crossing for crossing in kinds) else None


def psi_allowed(agreed: Allowed, mode: str | None) -> Allowed:
    """What may cross to or from a partner whose exchange is `psi`, of what the agreement lets cross."""
    kinds = {REVEAL: {*PSI_KINDS, *(agreed.kinds & {"fields"})}, COUNT: {*PSI_KINDS} - {"matches"}, None: set()}[mode]
    return replace(agreed, kinds=frozenset(kinds))


def check_consent(manifest: Mapping[str, Any], us: Party, exchange: str = "keys") -> Allowed:
    """What of the manifest both sides agreed on; raises Refused when it brings files for which nothing is in force.

    exchange: how we compare lists with the partner, by `keys` or by `psi`.
    """
    theirs = make_statement(manifest["statement"])
    agreed = allowed(cells_in_force(theirs, us.statement, us.as_of))
    if exchange == "psi":
        agreed = psi_allowed(agreed, psi_mode(us.statement, theirs, us.as_of))
    others = {"psi": {*KINDS} - {"fields"}, "keys": {*PSI_KINDS}}[exchange]
    for entry in manifest["files"]:
        if entry["kind"] in others:
            raise Refused(
                "other_exchange",
                f"The partner sends {entry['kind']}, and our settings compare lists with it by `{exchange}`: both "
                "sides need the same `exchange` in account_mapping__partners.",
            )
        if entry["kind"] not in agreed.kinds:
            raise Refused(
                "unilateral",
                f"The partner sends {entry['kind']}, and nothing of what it offers is accepted by our sharing "
                "agreement on "
                f"{us.as_of}: add a rule with the direction `accepted`, or ask the partner to send none.",
            )
    return agreed


# ---------------------------------------------------------------- a clean room


def check_pair(own: Mapping[str, Any], other: Mapping[str, Any], us: Party) -> tuple[Allowed, Allowed]:
    """What each of two parsed manifests may bring into a clean room; raises Refused unless they belong together.

    own, other: of the side whose view is wanted, and of its partner. A room has no secret and cannot tell who wrote a
    manifest: it checks the two against each other, and against its own settings `us`, whose statement is not used.
    """
    for manifest in (own, other):
        _check_terms(manifest, us)
        _check_version(manifest, us.normaliser)
        _check_validity(manifest, us)
    if own["sender"] == other["sender"]:
        raise Refused("one_sender", f"Both manifests are from {_short(own['sender'])}: a clean room takes two sides.")
    if own["key_id"] != other["key_id"]:
        raise Refused("wrong_secret", "The two sides used different secrets, so no key of one could match the other's.")
    if own["canaries"] != other["canaries"] or own["golden_vectors"] != other["golden_vectors"]:
        raise Refused(
            "other_normaliser",
            "The two sides' normalisers have one version and spell the canaries differently: they have to compare the "
            "seeds account_mapping__legal_forms, account_mapping__placeholders and account_mapping__name_words, and "
            "the versions of anyascii and tldextract.",
        )
    permitted = []
    for manifest, partner in ((own, other), (other, own)):
        if manifest["partner_statement_hash"] != partner["statement_hash"]:
            raise Refused(
                "other_statement",
                f"{_short(manifest['sender'])} published before it had the present sharing agreement of "
                f"{_short(partner['sender'])}: it has to receive that and publish again.",
            )
        permitted.append(check_consent(manifest, replace(us, statement=make_statement(partner["statement"]))))
    return permitted[0], permitted[1]
