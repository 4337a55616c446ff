"""How the same company gets spelled in different systems.

Pure functions of a name (or domain, country, city) and a seeded `random.Random`;
used by make_demo.py only. Each returns one spelling; none keeps state.
"""

from __future__ import annotations

import random
import re
import unicodedata

# Pattern at the end of a name -> the spellings met for that legal form; the
# empty string drops it. Longer patterns first: the first that fits wins.
LEGAL_FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"public company limited", ("PCL", "Public Co Ltd", "Public Co., Ltd.", "")),
    (r"public limited company", ("plc", "PLC", "")),
    (r"public joint[ -]stock company", ("PJSC", "")),
    (r"joint[ -]stock company", ("JSC", "")),
    (r"s\.?a\.?b\.? de c\.?v\.?", ("SAB de CV", "S.A.B. de C.V.", "")),
    (r"societe anonyme", ("S.A.", "SA", "")),
    (r"anonim sirketi", ("A.S.", "A.\u015e.", "Anonim \u015eirketi", "")),
    (r"aktiengesellschaft", ("AG", "")),
    (r"(?:company|co)[.,]*[ ,]*(?:limited|ltd)\.?",
     ("Co., Ltd.", "Co Ltd", "Co. Ltd", "Company Limited", "Ltd", "")),
    (r"ab \(publ\.?\)", ("AB", "AB (publ)", "AB (Publ.)", "")),
    (r"(?:limited|ltd)\.?", ("Ltd", "Ltd.", "Limited", "LTD", "")),
    (r"(?:incorporated|inc)\.?", ("Inc", "Inc.", ", Inc.", "Incorporated", "")),
    (r"corp(?:oration|\.)?", ("Corp", "Corp.", "Corporation", "")),
    (r"(?:plc|p\.l\.c\.)", ("PLC", "plc", "Plc", "P.L.C.", "")),
    (r"s\.?p\.?a\.?", ("SpA", "S.p.A.", "Spa", "")),
    (r"s\.a\.?|sa", ("SA", "S.A.", "S.A", "")),
    (r"n\.?v\.?", ("NV", "N.V.", "")),
    (r"a/s", ("A/S", "AS", "a/s", "")),
    (r"a\.s\.", ("A.S.", "AS", "A.\u015e.", "")),
    (r"asa", ("ASA", "")),
    (r"ab", ("AB", "")),
    (r"as", ("AS", "")),
    (r"ag", ("AG", "")),
    (r"oyj", ("Oyj", "Oyj.", "")),
    (r"se", ("SE", "")),
    (r"k\. ?k\.", ("KK", "K.K.", "")),
    (r"tbk\.?", ("Tbk", "Tbk.", "")),
    (r"hf\.", ("hf", "hf.", "")),
)  # fmt: skip

# Forms that stand before the name, with the spellings met; `{}` is the rest.
LEADING_FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"public joint[ -]stock company", ("PJSC {}", "{} PJSC", "{}")),
    (r"joint[ -]stock company", ("JSC {}", "{} JSC", "{}")),
    (r"pjsc", ("{} PJSC", "PJSC {}", "{}")),
    (r"pt", ("PT. {}", "PT {}", "{}")),
)

ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    "international": ("Intl", "Int'l", "Intl."),
    "manufacturing": ("Mfg", "Mfg."),
    "technologies": ("Tech", "Technology"),
    "technology": ("Tech",),
    "holdings": ("Hldgs", "Holding"),
    "industries": ("Inds", "Ind."),
    "pharmaceuticals": ("Pharma", "Pharmaceutical"),
    "pharmaceutical": ("Pharma", "Pharm"),
    "engineering": ("Eng.", "Engg"),
    "development": ("Dev",),
    "electronics": ("Elec", "Electronic"),
    "communications": ("Comms", "Communication"),
    "company": ("Co", "Co."),
    "services": ("Svcs", "Service"),
    "resources": ("Res", "Resource"),
    "group": ("Grp",),
    "systems": ("Sys", "System"),
    "management": ("Mgmt",),
    "investments": ("Inv", "Investment"),
    "and": ("&",),
    "&": ("and",),
}

ACCENTED: dict[str, str] = {
    "telefonica": "Telef\u00f3nica", "societe": "Soci\u00e9t\u00e9",
    "generale": "G\u00e9n\u00e9rale", "fonciere": "Fonci\u00e8re",
    "compania": "Compa\u00f1\u00eda", "companhia": "Companhia",
    "participacoes": "Participa\u00e7\u00f5es", "saude": "Sa\u00fade",
    "construcoes": "Constru\u00e7\u00f5es", "electricite": "\u00c9lectricit\u00e9",
    "credit": "Cr\u00e9dit", "banque": "Banque", "energia": "Energ\u00eda",
    "sirketi": "\u015eirketi", "turk": "T\u00fcrk", "isik": "I\u015f\u0131k",
    "nestle": "Nestl\u00e9", "hermes": "Herm\u00e8s", "loreal": "L'Or\u00e9al",
    "sao": "S\u00e3o", "goteborg": "G\u00f6teborg", "malmo": "Malm\u00f6",
    "zurich": "Z\u00fcrich", "genevieve": "Genevi\u00e8ve",
    "malaga": "M\u00e1laga", "bogota": "Bogot\u00e1", "orebro": "\u00d6rebro",
    "umea": "Ume\u00e5", "linkoping": "Link\u00f6ping", "jonkoping": "J\u00f6nk\u00f6ping",
    "dusseldorf": "D\u00fcsseldorf", "munchen": "M\u00fcnchen", "munich": "M\u00fcnchen",
    "cologne": "K\u00f6ln", "istanbul": "\u0130stanbul", "geneva": "Gen\u00e8ve",
    "copenhagen": "K\u00f8benhavn", "aarhus": "\u00c5rhus", "montreal": "Montr\u00e9al",
    "quebec": "Qu\u00e9bec",
}  # fmt: skip

# Country as its source spells it -> alpha-2 code and other spellings seen.
COUNTRIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "United States": ("US", ("USA", "U.S.A.", "United States of America")),
    "United Kingdom": ("GB", ("UK", "Great Britain", "England")),
    "China": ("CN", ("P.R. China", "People's Republic of China", "PRC")),
    "Japan": ("JP", ("JPN", "\u65e5\u672c")),
    "Canada": ("CA", ("CAN", "canada")),
    "South Korea": ("KR", ("Korea, Republic of", "Republic of Korea", "Korea")),
    "India": ("IN", ("IND", "INDIA")),
    "Australia": ("AU", ("AUS", "AUSTRALIA")),
    "Taiwan": ("TW", ("Taiwan, Province of China", "Taiwan, R.O.C.")),
    "Hong Kong": ("HK", ("Hong Kong SAR", "HongKong")),
    "Sweden": ("SE", ("Sverige", "SWE")),
    "Thailand": ("TH", ("THA",)),
    "France": ("FR", ("FRA", "FRANCE")),
    "Indonesia": ("ID", ("IDN",)),
    "Singapore": ("SG", ("SGP",)),
    "Israel": ("IL", ("ISR",)),
    "Italy": ("IT", ("Italia",)),
    "Turkey": ("TR", ("T\u00fcrkiye", "Turkiye")),
    "Brazil": ("BR", ("Brasil",)),
    "Norway": ("NO", ("Norge",)),
    "South Africa": ("ZA", ("RSA",)),
    "Switzerland": ("CH", ("Schweiz", "Suisse")),
    "Germany": ("DE", ("Deutschland", "DEU")),
    "Spain": ("ES", ("Espa\u00f1a",)),
    "Denmark": ("DK", ("Danmark",)),
    "Saudi Arabia": ("SA", ("KSA",)),
    "Chile": ("CL", ()),
    "Russia": ("RU", ("Russian Federation",)),
    "Finland": ("FI", ("Suomi",)),
    "Greece": ("GR", ("Hellas",)),
    "Mexico": ("MX", ("M\u00e9xico",)),
    "New Zealand": ("NZ", ("NZL",)),
    "Netherlands": ("NL", ("The Netherlands", "Holland")),
    "Belgium": ("BE", ("Belgique",)),
    "Cayman Islands": ("KY", ()),
    "Ireland": ("IE", ("Republic of Ireland",)),
    "Argentina": ("AR", ()),
    "Malaysia": ("MY", ()),
    "Austria": ("AT", ("\u00d6sterreich",)),
    "Qatar": ("QA", ()),
    "Portugal": ("PT", ()),
    "Luxembourg": ("LU", ()),
    "Jersey": ("JE", ()),
    "Iceland": ("IS", ()),
    "Czech Republic": ("CZ", ("Czechia",)),
    "Bermuda": ("BM", ()),
    "Cyprus": ("CY", ()),
}

TRACKING = ("utm_source=crm", "utm_campaign=spring", "gclid=Cj0KCQ", "ref=email")
HOSTING = (
    "https://www.facebook.com/{}",
    "https://www.linkedin.com/company/{}",
    "https://sites.google.com/view/{}",
    "https://{}.wixsite.com/home",
    "https://{}.wordpress.com",
)
BROKEN_WEBSITES = ("www.expressl&t.net", "http://", "n/a", "TBD", "none", "localhost")


def strip_accents(text: str) -> str:
    """Drop combining marks: `Klépierre` -> `Klepierre`."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def split_legal_form(name: str) -> tuple[str, tuple[str, ...]]:
    """Core of a name and the spellings of its trailing legal form (or none)."""
    for pattern, spellings in LEGAL_FORMS:
        found = re.search(rf"[\s,]+(?:{pattern})\s*$", name, re.IGNORECASE)
        if found and found.start() > 1:
            return name[: found.start()].rstrip(" ,-"), spellings
    return name, ()


def core_name(name: str) -> str:
    """Name without a leading or trailing legal form."""
    core = split_legal_form(name)[0]
    for pattern, _ in LEADING_FORMS:
        found = re.match(rf"{pattern}\s+", core, re.IGNORECASE)
        if found and len(core) - found.end() > 2:
            return core[found.end() :]
    return core


def other_legal_form(rng: random.Random, name: str) -> str:
    """The same name with its legal form respelled or left out."""
    core, spellings = split_legal_form(name)
    for pattern, shapes in LEADING_FORMS:
        found = re.match(rf"{pattern}\s+", core, re.IGNORECASE)
        if found and len(core) - found.end() > 2:
            core = rng.choice(shapes).format(core[found.end() :])
            break
    form = rng.choice(spellings) if spellings else ""
    if not form:
        return core
    return core + form if form.startswith(",") else f"{core} {form}"


def abbreviated(rng: random.Random, name: str) -> str:
    """Every word that has a common abbreviation, shortened."""
    words = []
    for word in name.split():
        choices = ABBREVIATIONS.get(word.lower().strip(".,"))
        words.append(rng.choice(choices) if choices else word)
    return " ".join(words)


def accented(rng: random.Random, text: str) -> str:
    """Accents added where we know them; else those present dropped."""
    words = [ACCENTED.get(word.lower().strip(",."), word) for word in text.split()]
    changed = " ".join(words)
    return changed if changed != text else strip_accents(text)


def typo(rng: random.Random, name: str) -> str:
    """One letter doubled, left out or swapped with its neighbour."""
    places = [i for i in range(1, len(name) - 1) if name[i : i + 2].isalpha()]
    if not places:
        return name
    i = rng.choice(places)
    kind = rng.randrange(3)
    if kind == 0:
        return name[:i] + name[i] + name[i:]
    if kind == 1:
        return name[:i] + name[i + 1 :]
    return name[:i] + name[i + 1] + name[i] + name[i + 2 :]


def trade_name(name: str) -> str:
    """The first two words of the core: what people call the company."""
    return " ".join(core_name(name).split()[:2]).rstrip(" ,&-")


def acronym(name: str) -> str | None:
    """Initials of a core of at least four words, else None."""
    words = re.findall(r"[A-Za-z]+", core_name(name))
    return "".join(w[0] for w in words).upper() if len(words) >= 4 else None


def decorated(rng: random.Random, name: str, city: str) -> str:
    """A name with what people add to it in a CRM."""
    place = city or "HQ"
    return rng.choice(
        (
            f"{name} (HQ)",
            f"{name} - {place}",
            f"{name} ({place})",
            f"The {name}",
            f"  {name}  ",
            f"{name} *",
        )
    )


def spelled(rng: random.Random, name: str, city: str, dirt: float) -> tuple[str, str]:
    """One spelling of a company's name, and the kind of change.

    `dirt` scales how often the name differs from its source's spelling.
    """
    roll = rng.random() / dirt
    if roll < 0.22:
        return other_legal_form(rng, name), "legal_form"
    if roll < 0.28:
        return core_name(name), "no_legal_form"
    if roll < 0.34:
        return other_legal_form(rng, name).upper(), "upper"
    if roll < 0.36:
        return name.lower(), "lower"
    if roll < 0.42:
        return abbreviated(rng, name), "abbreviated"
    if roll < 0.44:
        return accented(rng, name), "accents"
    if roll < 0.465:
        return typo(rng, other_legal_form(rng, name)), "typo"
    if roll < 0.485:
        return decorated(rng, name, city), "decorated"
    if roll < 0.495:
        return other_legal_form(rng, name)[:25].rstrip(), "cut_off"
    if roll < 0.51 and len(trade_name(name)) > 5:
        return trade_name(name), "trade_name"
    if roll < 0.515 and acronym(name):
        return str(acronym(name)), "acronym"
    return name, "as_source"


def website(rng: random.Random, domain: str) -> str:
    """A website cell as typed or copied from a browser."""
    shapes = (
        (20, domain), (20, f"www.{domain}"), (18, f"https://www.{domain}"),
        (9, f"https://www.{domain}/"), (9, f"http://{domain}"),
        (6, f"https://{domain}/en/index.html"), (4, f"HTTP://WWW.{domain.upper()}"),
        (6, f"https://www.{domain}/about/us?{rng.choice(TRACKING)}"),
        (3, f" {domain} "), (2, f"https://investors.{domain}/home.aspx"),
        (1, f"https://{domain}:443/"), (2, f"www.{domain}; careers.{domain}"),
    )  # fmt: skip
    weights, cells = zip(*shapes, strict=True)
    return rng.choices(cells, weights)[0]


def country(rng: random.Random, name: str, style: str) -> str:
    """A country as a system of that style holds it: `name`, `code` or `free`."""
    code, others = COUNTRIES.get(name, ("", ()))
    if style == "code" and code:
        return code
    if style == "free" and rng.random() < 0.35:
        return rng.choice((*others, code)) or name
    return name


def city(rng: random.Random, name: str) -> str:
    """A city with its case or accents changed now and then."""
    roll = rng.random()
    if roll < 0.06:
        return name.upper()
    if roll < 0.14:
        return accented(rng, name)
    return name
