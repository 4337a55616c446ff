"""Domains and pages that websites and e-mail hosts, as people type them, stand for.

`https://www.shop.example.co.uk/path` is example.co.uk by the Public Suffix List (publicsuffix.org). The list's private
part counts too: at github.io or blogspot.com every subdomain is a registrant of its own. The snapshot of the list that
tldextract ships is used: nothing is fetched, nothing is cached on disk.

At hosts of the seed account_mapping__hosts the page is the registrant: `t.me/acme`, `acme.sharepoint.com`,
`dmv.ca.gov`. The host alone names nobody.

Each value depends on its own row and the seed only. Changing any output, an upgrade of the suffix list included, needs
a new NORMALISER_VERSION, here and in int_account_mapping__normalized.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

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
        ("host_kind", pa.string()),
    ]
)

# A query may hold the characters that separate values.
QUERY = re.compile(r"[?#][^\s;|]*")
VALUE_SEPARATOR = re.compile(r"[\s;,|<>\"]+")
BRACKETS = "'()[]{}"
# Scheme, also as mistyped: `http:/`, `http//`, `https:`, repeated.
SCHEME = re.compile(r"(?:[a-z][a-z0-9+.\-]*:/+|(?:https?|mailto):|https?//+:?/*|//+)+")
HOST_END = re.compile(r"[/\\:?#]")
# Invisible characters that come along when an address is pasted.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})+")
MAX_HOST_LENGTH = 253

# How nearly all addresses look: what comes below would read them no otherwise.
USUAL_ADDRESS = re.compile(r"(?:https?://)?((?:[a-z0-9\-]+\.)+[a-z]+)(?:/([a-z0-9/._~%\-]*))?")
# Addresses that only lead to another one, which they hold in their query.
REDIRECT = re.compile(
    r"(?<![^\s;|<>\"])[^\s;|<>\"]*(?:safelinks\.protection\.outlook\.com|\blm?\.facebook\.com/l\.php|\bgoogle\.[a-z.]+/url"
    r"|linkedin\.com/(?:redir|safety)/\w+|youtube\.com/redirect|slack-redir\.net/link|duckduckgo\.com/l)"
    r"[^\s?]*\?(?:[^\s#]*?&)?(?:url|u|q|uddg)=([^&\s]+)\S*",
    re.IGNORECASE,
)
REDIRECT_PATH = re.compile(r"(?<!\S)\S*urldefense\.(?:proofpoint\.)?(?:com|us)/v3/__(.+?)__\S*", re.IGNORECASE)
REDIRECT_CODED = re.compile(r"(?<!\S)\S*urldefense\.proofpoint\.com/v[12]/url\?(?:\S*?&)?u=([^&\s]+)\S*", re.IGNORECASE)
CODED = str.maketrans("-_", "%/")
MOST_REDIRECTS = 3
# Longer texts are not looked through: the time would grow with their square.
MAX_REDIRECT_LENGTH = 4_000

# `acme.co,uk`: without its last label it would be another domain.
COMMA_IN_SUFFIX = re.compile(
    r"\.(co|ac|gov|org|com(?=,(?:ar|au|br|cn|hk|mx|my|sg|tr|tw)\b)),(?=[a-z]{2}(?![a-z0-9.\-]))"
)
# What is tried on a text in which no address is found.
LAST_LABELS = (
    r"(?:com|net|org|info|biz|io|co|edu|gov|eu|de|uk|fr|it|es|nl|be|ch|at|se|no|dk|fi|pl|cz|pt|br|mx|ca|au|nz|in)"
)
WRITTEN_DOT = re.compile(r"\s*(?:\[\.\]|\(\.\)|[\[(]dot[\])]|\sdot\s)\s*")
SPACE_AT_DOT = re.compile(rf"(?<=[a-z0-9])(?:\s+\.\s*|\.\s+)(?={LAST_LABELS}\b)|(?<=\bwww)\s*\.\s+")
OTHER_DOT = re.compile(rf"(?<=[a-z0-9])[,;:](?={LAST_LABELS}\b)|(?<=\bwww)[,;:](?=[a-z0-9])")
MANY_DOTS = re.compile(r"\.{2,}")
# Only what is no public suffix itself: .cm, .co and .om are countries.
# fmt: off
MISTYPED = {
    "com": (
        "con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "cim", "clm", "cm0", "c0m", "comn", "conm", "cok",
        "copm", "ccom",
    ),
    "net": ("ner", "nte", "ent", "nett", "bet", "neet"),
    "org": ("rog", "ogr", "orgg", "orh", "otg"),
    "co.uk": ("couk", "co.ul", "co.ik"),
}
# fmt: on
RIGHT_ENDING = {wrong: right for right, many in MISTYPED.items() for wrong in many}
WRONG_ENDING = re.compile(rf"\.({'|'.join(sorted(map(re.escape, RIGHT_ENDING), reverse=True))})(?=$|[\s/:;,|?#)\]])")

# Labels before a domain and parts of a path that lead to its first page, or to that of a language.
FIRST_PAGE_LABEL = re.compile(
    r"w{1,4}[0-9]{0,2}|[a-z]{2}(?:-[a-z]{2})?|web|home|mobile|mail|intl|int|corp|corporate|global|info"
)
WWW = re.compile(r"^(?:w{2,4}[0-9]{0,2}(?:\.|$))+")
FIRST_PAGE_PART = re.compile(
    r"|(?:[a-z]{2}|eng)(?:[-_][a-z]{2})?|(?:index|home|default|main|start|welcome|about(?:-?us)?|contact(?:-?us)?)(?:\.\w+)?"
    r"|english|global|corporate|company|site|web"
)
# Parts of a path that say what kind of page follows, not whose.
# fmt: off
PAGE_KINDS = frozenset((
    "a", "c", "channel", "companies", "company", "e", "firma", "group", "groups", "h", "hotel", "in", "o",
    "organization", "organizations", "p", "page", "pages", "people", "pg", "place", "places", "profile", "pub", "s",
    "shop", "shops", "showcase", "site", "store", "stores", "u", "user", "users", "view", "w", "web", "maps", "message",
    "orgs",
))
# Parts of a path that name nobody.
NO_PAGE = frozenset((
    "category", "city", "country", "district", "events", "explore", "feed", "hashtag", "help", "home", "intent",
    "landmark", "legal", "login", "playlist", "privacy", "region", "results", "search", "share", "sharer", "signup",
    "status", "terms", "video", "videos", "watch",
))
# fmt: on
PAGE_PART = re.compile(r"@?[a-z0-9_][a-z0-9_.~%+\-]*")
KINDS = ("mail", "host", "public", "dummy")
PAGES = ("subdomain", "path", "path2", "identifier")

EXTRACTORS: dict = {}


class Host(NamedTuple):
    """A row of the seed. is_pattern: whether `domain` stands for many, each a body of its own."""

    domain: str
    kind: str
    pages: str
    is_pattern: bool


class Hosts(NamedTuple):
    """Hosts by what an address is looked up by.

    exact: registrable domain. deeper: registrable domain, for hosts below it. labels: first label of patterns such as
    `hotmail.*`, with what the suffix has to match. suffixes: what the suffix has to match in patterns such as `*.gov`.
    known_suffixes: answers for suffixes met before.
    """

    exact: dict[str, Host]
    deeper: dict[str, list[Host]]
    labels: dict[str, list[tuple[re.Pattern, Host]]]
    suffixes: list[tuple[re.Pattern, Host]]
    known_suffixes: dict[str, Host | None]


class Found(NamedTuple):
    """What an address stands for. domain: null for pages that are read as identifiers."""

    domain: str | None
    has_page: bool
    host_kind: str | None


def compile_hosts(rows: Iterable[Mapping[str, str | None]]) -> Hosts:
    """The seed account_mapping__hosts for look-ups.

    rows: columns domain, kind, pages (optional). Raises ValueError for an unknown kind or pages, and for a pattern
    whose `*` is not a whole label.
    """
    hosts = Hosts({}, {}, {}, [], {})
    for row in sorted(rows, key=lambda row: (row.get("domain") or "", row.get("kind") or "", row.get("pages") or "")):
        domain, kind, pages = ((row.get(name) or "").strip().lower() for name in ("domain", "kind", "pages"))
        if not domain:
            continue
        if kind not in KINDS or (pages and pages not in PAGES):
            raise ValueError(
                f"account_mapping__hosts: `{domain}` is of kind `{kind}` and pages `{pages}`; kinds are "
                f"{', '.join(KINDS)}, pages are empty, {', '.join(PAGES)}"
            )
        labels = domain.split(".")
        if any("*" in label and label != "*" for label in labels) or len(labels) < 2:
            raise ValueError(f"account_mapping__hosts: `{domain}` is no domain, or its `*` is not a whole label")
        host = Host(domain, kind, pages, labels[0] == "*")
        suffix = re.compile(re.escape(".".join(labels[1:])).replace(r"\*", ".+"))
        if labels[0] == "*":
            hosts.suffixes.append((re.compile(rf"(?:.+\.)?{suffix.pattern}"), host))
        elif "*" in labels:
            hosts.labels.setdefault(labels[0], []).append((suffix, host))
        else:
            registrable = registrable_domain(domain) or domain
            if registrable == domain:
                hosts.exact.setdefault(domain, host)
            else:
                hosts.deeper.setdefault(registrable, []).append(host)
    for several in hosts.deeper.values():
        several.sort(key=lambda host: (-len(host.domain), host.domain))
    return hosts


NO_HOSTS = Hosts({}, {}, {}, [], {})


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


def host_and_path(address: str) -> tuple[str, str]:
    """Host and path of a URL, an e-mail address or a bare host, lower case. A mail address has no path."""
    text = SCHEME.sub("", address.lower(), count=1)
    # The path may hold an @, the user's part a slash or colon never.
    authority, *rest = re.split(r"[/\\?#]", text, maxsplit=1)
    host = authority.rpartition("@")[2]
    return HOST_END.split(host, maxsplit=1)[0].removeprefix("*.").strip("."), rest[0] if rest else ""


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


def registrable_domain(address: str) -> str | None:
    """The domain somebody registered, ASCII lower case, or None: see split_host."""
    host = ascii_host(host_and_path(address)[0])
    parts = split_host(host) if host else None
    return f"{parts.domain}.{parts.suffix}" if parts else None


def host_of_seed(hosts: Hosts, parts: tldextract.tldextract.ExtractResult, domain: str, path: str) -> Host | None:
    """The seed's row that an address falls under, or None. domain: the registrable domain."""
    if domain in hosts.deeper:
        address = f"{parts.subdomain}.{domain}/{path}"
        for host in hosts.deeper[domain]:
            if f".{host.domain}/" in f".{address}/" or f".{domain}/{path}/".startswith(f".{host.domain}/"):
                return host
    if domain in hosts.exact:
        return hosts.exact[domain]
    for suffix, host in hosts.labels.get(parts.domain, ()):
        if suffix.fullmatch(parts.suffix):
            return host
    if parts.suffix not in hosts.known_suffixes:
        hosts.known_suffixes[parts.suffix] = next(
            (host for suffix, host in hosts.suffixes if not parts.is_private and suffix.fullmatch(parts.suffix)), None
        )
    return hosts.known_suffixes[parts.suffix]


def path_page(path: str, parts_wanted: int) -> str:
    """The beginning of a path that tells whose page it is: its first part or parts, and one more for each that only
    tells a kind of page or a country. Empty if it is shorter, or no page."""
    page: list[str] = []
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts):
        is_language = FIRST_PAGE_PART.fullmatch(part) and part not in PAGE_KINDS
        if not page and is_language and number + 1 < len(parts):
            continue
        if not PAGE_PART.fullmatch(part) or part in NO_PAGE or part.endswith(".php"):
            break
        page.append(part)
        is_kind = part in PAGE_KINDS if parts_wanted == 1 else len(page) > 1 and len(part) == 2
        parts_wanted += is_kind
        if len(page) == parts_wanted:
            # Booking portals append the language and the file type.
            page[-1] = part.partition(".htm")[0].partition(".en")[0] if ".htm" in part else part
            return "/".join(page)
    return ""


def page_of(host: Host, name: str, domain: str, path: str) -> Found:
    """What an address at a host stands for: a page and its owner, or the host itself.

    name: the full host of the address. domain: its registrable domain.
    """
    base = domain if "*" in host.domain else host.domain
    below = name.removesuffix(base).strip(".")
    below = WWW.sub("", below) if DOMAIN.fullmatch(f"{below}.{base.partition('/')[0]}") else ""
    page = ""
    if host.kind == "public":
        page = f"{below}.{base}" if below else ""
        if not page and host.is_pattern:
            # A body's own domain, as mit.edu: it is no less its owner's than a company's.
            page = domain
    elif host.pages == "subdomain" and below:
        label = below.rpartition(".")[2]
        page = "" if FIRST_PAGE_LABEL.fullmatch(label) else f"{label}.{base}"
    elif host.pages in ("path", "path2"):
        tail = path_page(path.removeprefix(base.partition("/")[2]), 2 if host.pages == "path2" else 1)
        page = f"{base}/{tail}" if tail else ""
    elif host.pages == "identifier" and path.strip("/"):
        return Found(None, True, None)
    return Found(page or base, False, None if page else host.kind)


def read_host(name: str, path: str, hosts: Hosts, is_mail: bool = False) -> Found | None:
    """What a host and a path stand for, or None if the host is none: see split_host.

    name: in ASCII lower case. path: without the first slash. is_mail: whether it is from a mail address.
    """
    parts = split_host(name)
    if parts is None:
        return None
    domain = f"{parts.domain}.{parts.suffix}"
    host = host_of_seed(hosts, parts, domain, path)
    if host:
        return page_of(host, f"{parts.subdomain}.{domain}".strip("."), domain, path)
    has_page = not is_mail and (
        any(not FIRST_PAGE_LABEL.fullmatch(label) for label in parts.subdomain.split(".") if label)
        or any(not FIRST_PAGE_PART.fullmatch(part) for part in path.split("/"))
    )
    return Found(domain, has_page, None)


def follow_redirects(text: str) -> str:
    """A text in which addresses of mail filters and portals that lead on are replaced by where they lead."""
    for _ in range(MOST_REDIRECTS):
        followed = REDIRECT.sub(lambda match: f" {unquote(match[1])} ", text)
        followed = REDIRECT_CODED.sub(lambda match: f" {unquote(match[1].translate(CODED))} ", followed)
        followed = REDIRECT_PATH.sub(lambda match: f" {match[1]} ", followed)
        if followed == text:
            break
        text = followed
    return text


def repair(text: str) -> str:
    """A text in which no address was found, with the usual slips mended."""
    text = " ".join(text.lower().replace("](", " ").replace("+", " ").split())
    text = WRITTEN_DOT.sub(".", text)
    text = SPACE_AT_DOT.sub(".", text)
    text = OTHER_DOT.sub(".", text)
    text = MANY_DOTS.sub(".", text)
    return WRONG_ENDING.sub(lambda match: f".{RIGHT_ENDING[match[1]]}", text)


def addresses_of(text: str, hosts: Hosts) -> list[Found]:
    """What the addresses in a text stand for, in order. text: separated by white space, `;`, `,` or `|`."""
    found = []
    for address in VALUE_SEPARATOR.split(text):
        if "." in address or not address.isascii():
            host, path = host_and_path(address.strip(BRACKETS))
            name = ascii_host(host)
            answer = read_host(name, path, hosts, "@" in address) if name else None
            if answer:
                found.append(answer)
    return found


def read_value(value: str, hosts: Hosts = NO_HOSTS) -> list[Found]:
    """What a text stands for: one entry per distinct domain, by domain; pages that are identifiers come last.

    Empty if no address is in it.
    """
    usual = USUAL_ADDRESS.fullmatch(value.strip().lower())
    if usual and len(value) < MAX_HOST_LENGTH:
        answer = read_host(usual[1], usual[2] or "", hosts)
        if answer:
            return [answer]
    text = INVISIBLE.sub("", value)
    if len(text) <= MAX_REDIRECT_LENGTH and ("?" in text or "urldefense" in text):
        text = follow_redirects(text)
    text = QUERY.sub(" ", text).replace("\\", "/")
    if "," in text:
        text = COMMA_IN_SUFFIX.sub(r".\1.", text.lower())
    found = addresses_of(text, hosts) or addresses_of(repair(text), hosts)
    several: dict[str | None, Found] = {}
    for answer in found:
        known = several.setdefault(answer.domain, answer)
        if known.has_page and not answer.has_page:
            several[answer.domain] = answer
    return sorted(several.values(), key=lambda answer: (answer.domain is None, answer.domain))


def domains_of(value: str, hosts: Hosts = NO_HOSTS) -> list[str]:
    """Distinct domains and pages in a text, sorted."""
    return [answer.domain for answer in read_value(value, hosts) if answer.domain]


def extract_batch(batch: pa.RecordBatch, hosts: Hosts = NO_HOSTS) -> pa.RecordBatch:
    """SCHEMA: one row per raw value and domain; a value without any valid domain has one row with a problem; null, and
    a value of nothing but pages that are read as identifiers, has none.

    batch: column raw_value (string).
    """
    raw, domains, problems, pages, kinds = [], [], [], [], []
    for value in batch.column("raw_value").cast(pa.string()).to_pylist():
        if value is None:
            continue
        found = read_value(value, hosts)
        for answer in found:
            if answer.domain:
                raw.append(value)
                domains.append(answer.domain)
                problems.append(None)
                pages.append(answer.has_page)
                kinds.append(answer.host_kind)
        if not found:
            raw.append(value)
            domains.append(None)
            problems.append("invalid_domain")
            pages.append(False)
            kinds.append(None)
    return pa.record_batch(
        [
            *(pa.array(column, pa.string()) for column in (raw, domains, problems)),
            pa.array(pages, pa.bool_()),
            pa.array(kinds, pa.string()),
        ],
        schema=SCHEMA,
    )


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
    # Before the stream opens: DuckDB holds one open result per connection.
    hosts = compile_hosts(rows(dbt.ref("account_mapping__hosts")))
    extract = partial(map, partial(extract_batch, hosts=hosts))
    return mapped(dbt.ref("int_account_mapping__domain_inputs"), extract, SCHEMA)
