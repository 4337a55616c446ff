"""One HTML page on which a person decides the pairs that await one. The same marts give the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from .charts import label
from .decisions import COLUMNS
from .export import FORMULA
from .marts import Marts, Row
from .page import HERE, embedded, partner_names, shown

# where the sentence of a reason ends and tells that it awaits a person
VERDICT = re.compile(r"\. (?:Awaits a person|Not counted): ")
# where a piece of a reason ends
END = re.compile(r"; |, but |: (?=our name begins|their name begins)|, (?=so taken for)")
# beginnings of what speaks for a pair; everything else that a reason adds to its ground speaks against it
FOR = ("same ", "ours is ", "our name begins", "their name begins", "so taken for")
# the sides' columns of account_mapping__match_review by what the page calls them
SIDES = {
    "name": ("our_name", "partner_name"),
    "websites": ("our_domains", "partner_domains"),
    "country": ("our_country", "partner_country"),
    "city": ("our_city", "partner_city"),
    "status": ("our_status", "partner_status"),
    "owner": ("our_owner", None),
    "id": ("account_id", "partner_account_id"),
}


def clauses(row: Row) -> list[str]:
    """What a reason says, piece by piece, the ground first.

    Names and words stand in quotation marks, and a semicolon in them ends nothing.
    """
    text = VERDICT.split(row["match_reason"], maxsplit=1)[0].removesuffix(".")
    quoted = [row[name] for name in ("our_name", "partner_name", "our_other_words", "partner_other_words")]
    for number, value in enumerate(quoted):
        if value:
            text = text.replace(f'"{value}"', f"\0{number}\0")
    pieces = END.split(text.replace(", which several accounts bear", "; several accounts bear that name"))
    return [re.sub("\0([0-3])\0", lambda found: f'"{quoted[int(found[1])]}"', piece) for piece in pieces]


def evidence(row: Row) -> tuple[list[str], list[str]]:
    """What speaks for a pair, and what against it, each a sentence without an end.

    row: of account_mapping__match_review. It repeats the reason, which the matcher wrote; nothing is judged anew.
    """
    ground, *others = clauses(row)
    speaks_for = [ground, *(piece for piece in others if piece.startswith(FOR))]
    against = [piece.removeprefix("but ") for piece in others if not piece.startswith(FOR)]
    if row["shared_words"]:
        speaks_for.append(f'both say "{row["shared_words"]}"')
    for words, side in ((row["our_other_words"], "ours"), (row["partner_other_words"], "theirs")):
        told = f'only {side} says "{words}"'
        if words and told not in against:
            against.append(told)
    if row["is_account_already_matched"]:
        against.append("ours has an accepted match with this partner already")
    return [piece[:1].upper() + piece[1:] for piece in speaks_for], [piece[:1].upper() + piece[1:] for piece in against]


def rival(row: Row) -> str | None:
    """What else ours could be, or None."""
    if row["rival_partner_account_id"] is None:
        return None
    return (
        f"{row['rival_name'] or 'an account known by its hash only'} ({row['rival_partner_account_id']}), "
        f"probability {row['rival_probability']:.2f}"
    )


def key(row: Row) -> str:
    """By what the browser remembers a pair: a hash, since it outlives the page.

    The names and websites are part of it. Whoever decided on other ones has not decided on this.
    """
    told = [row[name] for name in ("partner_id", "account_id", "partner_account_id")]
    told += [row[name] for name in ("our_name", "partner_name", "our_domains", "partner_domains")]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def card(row: Row, partner: str) -> dict[str, Any]:
    """One pair as the page shows it."""
    speaks_for, against = evidence(row)
    sides = [[row[column] if column else None for column in columns] for columns in SIDES.values()]
    sides[list(SIDES).index("status")] = [label(row[name]) if row[name] else None for name in SIDES["status"]]
    return {
        "key": key(row),
        "partner": partner,
        "sides": sides,
        "probability": f"{row['match_probability']:.2f}",
        "method": label(row["match_method"]),
        "reason": row["match_reason"],
        "for": speaks_for,
        "against": against,
        "rival": rival(row),
        "waiting": row["pairs_waiting"],
        "amount": round(row["our_open_amount"]),
    }


def read(marts: Marts) -> dict[str, Any]:
    """All that the page shows, the pair first on whose account most hangs."""
    build = marts.rows("select cast(as_of as varchar) as day, currency from account_mapping__build")[0]
    rows = marts.rows(
        "select * from account_mapping__match_review order by is_account_already_matched, our_open_amount desc, "
        "match_probability desc, account_id, partner_id, partner_account_id"
    )
    partners = {row["partner_id"]: row["partner_display_name"] for row in rows}
    names = partner_names([{"partner_id": key, "partner_name": partners[key]} for key in sorted(partners)])
    return {
        "as_of": build["day"],
        "currency": build["currency"],
        "partners": sorted(names.values()),
        "pairs": [card(row, names[row["partner_id"]]) for row in rows],
        "ids": [[row[name] for name in COLUMNS[:3]] for row in rows],
    }


def allowed(texts: Sequence[str]) -> str:
    """Sources of a policy that lets these texts run, and no other."""
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)


def page(data: Mapping[str, Any]) -> str:
    """The whole page as HTML."""
    # ids are what the seed joins by, so they stay as they are; nothing of them is shown but what the pairs hold
    told = shown({name: value for name, value in data.items() if name != "ids"})
    script, style = ((HERE / f"review.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("review.html").render(
        **told,
        script=script,
        style=style,
        script_source=allowed([script]),
        style_source=allowed([style]),
        pairs_json=embedded({"pairs": told["pairs"], "sides": list(SIDES), "currency": told["currency"]}),
        # as numbers: no sign in them may deceive who reads the source
        ids_json=embedded_ascii({"columns": COLUMNS, "ids": data["ids"], "formula": FORMULA.replace(r"\x{", r"\u{")}),
    )


def embedded_ascii(value: Any) -> str:
    """The same as `embedded`, in ASCII."""
    return "".join(
        sign if sign.isascii() else "".join(f"\\u{unit:04x}" for unit in units(sign)) for sign in embedded(value)
    )


def units(sign: str) -> list[int]:
    """UTF-16 code units of a character, by which JSON names it."""
    code = sign.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(code[place : place + 2]) for place in range(0, len(code), 2)]
