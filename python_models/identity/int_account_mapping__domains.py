"""Registrable domains of websites and e-mail hosts as people type them.

`https://www.shop.example.co.uk/path` is example.co.uk by the Public Suffix List (publicsuffix.org). The list's private
part counts too: at github.io or blogspot.com every subdomain is a registrant of its own. The snapshot of the list that
tldextract ships is used: nothing is fetched, nothing is cached on disk.

Each value depends on its own row only. Changing any output, an upgrade of the suffix list included, needs a new
NORMALISER_VERSION, here and in int_account_mapping__normalized.
"""

import re

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

NORMALISER_VERSION = "3"

SCHEMA = pa.schema(
    [
        ("raw_value", pa.string()),
        ("domain", pa.string()),
        ("problem", pa.string()),
        ("has_page", pa.bool_()),
    ]
)

# A query may hold the characters that separate values.
QUERY = re.compile(r"[?#][^\s;|]*")
VALUE_SEPARATOR = re.compile(r"[\s;,|<>\"]+")
BRACKETS = "'()[]{}"
# Scheme, also as mistyped: `http:/`, `http//`, `https:`, repeated.
SCHEME = re.compile(r"(?:[a-z][a-z0-9+.\-]*:/+|(?:https?|mailto):|https?//+|//+)+")
HOST_END = re.compile(r"[/\\:?#]")
# Invisible characters that come along when an address is pasted.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})+")
MAX_HOST_LENGTH = 253

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


def host_of(address: str) -> str:
    """Host of a URL, an e-mail address or a bare host, lower case."""
    text = SCHEME.sub("", address.lower(), count=1)
    # The path may hold an @, the user's part a slash or colon never.
    authority = re.split(r"[/\\?#]", text, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return HOST_END.split(host, maxsplit=1)[0].removeprefix("*.").strip(".")


def ascii_host(host: str) -> str | None:
    """Host in ASCII (IDNA 2008 after UTS 46 mapping), or None."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode().strip(".")
    except UnicodeError:
        return None


def registrable_domain(address: str) -> str | None:
    """The domain somebody registered, ASCII lower case, or None.

    None for an IP address, a name without public suffix (localhost), a bare
    suffix (co.uk, www.co.uk), and whatever cannot be a host name.
    """
    host = ascii_host(host_of(address))
    if not host or "." not in host or len(host) > MAX_HOST_LENGTH:
        return None
    parts = extractor().extract_str(host)
    if parts.domain == "www" and "." in parts.suffix:
        # The website of the suffix itself, not somebody who registered www.
        return None
    domain = f"{parts.domain}.{parts.suffix}"
    if not parts.domain or not parts.suffix or not DOMAIN.fullmatch(domain):
        return None
    return domain


def domains_of(value: str) -> list[str]:
    """Distinct registrable domains in a text, sorted.

    value: addresses separated by white space, `;`, `,` or `|`.
    """
    text = INVISIBLE.sub("", QUERY.sub(" ", value))
    found = {
        registrable_domain(address.strip(BRACKETS))
        for address in VALUE_SEPARATOR.split(text)
        if "." in address or not address.isascii()
    }
    return sorted(found - {None})


def extract_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """SCHEMA: one row per raw value and domain; a value without any valid
    domain has one row with a problem; null has none.

    batch: column raw_value (string).
    """
    raw, domains, problems, pages = [], [], [], []
    for value in batch.column("raw_value").cast(pa.string()).to_pylist():
        if value is None:
            continue
        found = domains_of(value)
        raw += [value] * max(len(found), 1)
        domains += found or [None]
        problems += [None] * len(found) or ["invalid_domain"]
        pages += [False] * max(len(found), 1)
    return pa.record_batch(
        [*(pa.array(column, pa.string()) for column in (raw, domains, problems)), pa.array(pages, pa.bool_())],
        schema=SCHEMA,
    )


def map_arrow(relation, function, schema):
    """Apply `function` to every record batch of `relation`, without holding the whole table.

    The relation tells the engine, not the session: PySpark has mapInArrow, DuckDB a record-batch reader.
    """
    if hasattr(relation, "mapInArrow"):
        from pyspark.sql.pandas.types import from_arrow_schema

        mapped = relation.mapInArrow(lambda batches: map(function, batches), from_arrow_schema(schema))
    else:
        mapped = pa.RecordBatchReader.from_batches(schema, map(function, relation.to_arrow_reader(65_536)))
    return mapped


def model(dbt, session):
    return map_arrow(dbt.ref("int_account_mapping__domain_inputs"), extract_batch, SCHEMA)
