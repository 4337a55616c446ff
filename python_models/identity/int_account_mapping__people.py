"""Contacts of both sides by their e-mail addresses, written in one way, so that equal addresses are equal texts.

A person is an e-mail address: ` Ann.Lee@Acme.com` and `ann.lee@acme.com` are one, `ann.lee+news@acme.com` is another,
since only the host of the mail could say that both reach her. Unicode is brought to NFKC, a host in another script to
ASCII as the domains of websites are (IDNA 2008 after UTS 46 mapping). What is no address has no row value but a
problem: it is counted and never told.

Nothing comes here unless var account_mapping__people is true.
"""

import re
import unicodedata
from functools import partial

try:
    import idna
    import pyarrow as pa
    import tldextract
except ImportError as error:
    raise ImportError(
        f"account_mapping needs the Python library {error.name}, which is not "
        "installed where dbt runs. Install all it needs by "
        "`pip install -r dbt_packages/account_mapping/requirements.txt`"
    ) from error

INPUT_COLUMNS = ["side", "partner_id", "account_id", "source", "contact_id", "raw_email", "raw_role"]
SCHEMA = pa.schema([(name, pa.string()) for name in (*INPUT_COLUMNS[:5], "email", "email_host", "role", "problem")])

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
# What RFC 5321 and 6531 let stand before the @ without quotes; a quoted part is met in no CRM.
LOCAL_PART = re.compile(r"""[^\s@<>()\[\],;:\\"'`|]+""")
MAX_LOCAL_BYTES = 64
MAX_ADDRESS_BYTES = 254
LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})+")
MAX_HOST_LENGTH = 253
MAX_ROLE_LENGTH = 255

EXTRACTORS: dict = {}


def extractor() -> tldextract.TLDExtract:
    """The suffix list, loaded once per process."""
    if not EXTRACTORS:
        EXTRACTORS["bundled"] = tldextract.TLDExtract(
            cache_dir=None,
            suffix_list_urls=(),
            fallback_to_snapshot=True,
            include_psl_private_domains=True,
        )
    return EXTRACTORS["bundled"]


def ascii_host(host: str) -> str | None:
    """Host in ASCII (IDNA 2008 after UTS 46 mapping), or None."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode().strip(".")
    except UnicodeError:
        return None


def split_host(host: str) -> tldextract.tldextract.ExtractResult | None:
    """The parts of a host, ASCII lower case, that somebody registered, or None.

    None for an IP address, a name without public suffix (localhost), a bare
    suffix (co.uk, www.co.uk), and whatever cannot be a host name.
    """
    if "." not in host or len(host) > MAX_HOST_LENGTH:
        return None
    parts = extractor().extract_str(host)
    if parts.domain == "www" and "." in parts.suffix:
        # The website of the suffix itself, not somebody who registered www.
        return None
    if not parts.domain or not parts.suffix or not DOMAIN.fullmatch(f"{parts.domain}.{parts.suffix}"):
        return None
    return parts


def folded(text: str) -> str:
    """Text in NFKC and lower case, without invisible characters and blanks around it."""
    lowered = unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).lower()
    return unicodedata.normalize("NFKC", lowered).strip()


def normalised_email(value: str) -> tuple[str, str] | None:
    """An address in its one spelling, and its host; None for what is no address of a host that somebody registered.

    At most 64 bytes stand before the @, and 254 in all, in UTF-8 (RFC 5321). Tags after a plus sign stay.
    """
    local, at, host = folded(value).partition("@")
    if not at or not LOCAL_PART.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    name = ascii_host(host)
    if not name or not DOMAIN.fullmatch(name) or split_host(name) is None:
        return None
    email = f"{local}@{name}"
    if len(local.encode()) > MAX_LOCAL_BYTES or len(email.encode()) > MAX_ADDRESS_BYTES:
        return None
    return email, name


def normalised_role(value: str | None) -> str | None:
    """A job title by which titles are compared: folded, one blank between words, at most 255 characters; or None."""
    return " ".join(folded(value).split())[:MAX_ROLE_LENGTH] or None if value else None


def read_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """SCHEMA: one row per row of `batch`, of INPUT_COLUMNS (strings). Of what is no address nothing stays but where it
    was: role and address are null, and `problem` is `invalid_email`."""
    emails, hosts, roles, problems = [], [], [], []
    columns = zip(batch.column("raw_email").to_pylist(), batch.column("raw_role").to_pylist(), strict=True)
    for value, role in columns:
        found = normalised_email(value or "")
        emails.append(found and found[0])
        hosts.append(found and found[1])
        roles.append(normalised_role(role) if found else None)
        problems.append(None if found else "invalid_email")
    kept = [batch.column(name).cast(pa.string()) for name in INPUT_COLUMNS[:5]]
    made = [pa.array(column, pa.string()) for column in (emails, hosts, roles, problems)]
    return pa.record_batch([*kept, *made], schema=SCHEMA)


# The engine, in the same lines in every model: the relation tells which one it is, since dbt wraps a session.
def read(relation, size: int = 65_536) -> pa.RecordBatchReader:
    """The rows of a relation as record batches; on DuckDB they come as they are read."""
    return relation.toArrow().to_reader() if hasattr(relation, "mapInArrow") else relation.to_arrow_reader(size)


def rows(relation) -> list[dict]:
    """The rows of a small relation."""
    return read(relation).read_all().to_pylist()


def mapped(relation, function, schema: pa.Schema, size: int = 65_536):
    """`function`, from record batches to batches of `schema`, over a relation that need not fit into memory."""
    if not hasattr(relation, "mapInArrow"):
        return pa.RecordBatchReader.from_batches(schema, function(read(relation, size)))
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark looks at the signature, which a partial of a built-in has not
    return relation.mapInArrow(lambda batches: function(batches), from_arrow_schema(schema))


def result(session, schema: pa.Schema, batches):
    """Record batches of `schema` as what a model gives back."""
    if not hasattr(session, "createDataFrame"):
        return pa.RecordBatchReader.from_batches(schema, batches)
    # in one batch: PySpark 4.3 loses whatever follows an empty one
    return session.createDataFrame(pa.Table.from_batches(batches, schema).combine_chunks())


def model(dbt, session):
    return mapped(dbt.ref("int_account_mapping__people_inputs"), partial(map, read_batch), SCHEMA)
