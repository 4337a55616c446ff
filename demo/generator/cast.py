"""Who plays in the demo: companies with a part of their own, and the partners.

The companies are real, and so are HOME_SCRIPT, ALIASES and REAL_FAMILIES. The
partners, the subsidiaries and the people are invented. Used by make_demo.py.
"""

from __future__ import annotations

from dataclasses import dataclass

# Names in the source that are no registrable domain, or a second entry of a
# company that is in it already.
UNUSABLE_DOMAINS = {"maglechemoswed.cow", "biz.id", "za.com", "maestrano.com"}

REGIONS: dict[str, tuple[str, ...]] = {
    "north_america": ("United States", "Canada", "Bermuda", "Cayman Islands"),
    "uk_ireland": ("United Kingdom", "Ireland", "Jersey", "Guernsey", "Isle of Man"),
    "nordics": ("Sweden", "Norway", "Denmark", "Finland", "Iceland"),
    "dach": ("Germany", "Austria", "Switzerland", "Liechtenstein"),
    "europe": (
        "France", "Italy", "Spain", "Greece", "Netherlands", "Belgium", "Portugal",
        "Luxembourg", "Czech Republic", "Poland", "Hungary", "Malta", "Cyprus",
        "Lithuania", "Latvia", "Estonia",
    ),
    "japan_korea": ("Japan", "South Korea"),
    "china": ("China", "Hong Kong", "Taiwan", "Macau"),
    "south_asia": ("India", "Thailand", "Indonesia", "Singapore", "Malaysia", "Vietnam"),
    "oceania": ("Australia", "New Zealand", "Papua New Guinea"),
    "latin_america": ("Brazil", "Chile", "Mexico", "Argentina", "Peru", "Uruguay"),
    "middle_east_africa": (
        "Israel", "Turkey", "Saudi Arabia", "South Africa", "Qatar",
        "United Arab Emirates", "Morocco", "Mauritius",
    ),
}  # fmt: skip
REGION_OF = {c: region for region, cs in REGIONS.items() for c in cs}

SECTOR_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("finance", ("bank", "financ", "insur", "capital", "securit", "invest", "trust")),
    ("health", ("pharma", "therap", "medic", "health", "bio", "diagnos", "hospital")),
    ("mining", ("mining", "mineral", "gold", "metal", "resource", "lithium", "copper")),
    ("technology", ("tech", "soft", "electr", "semicon", "digital", "data", "system",
                    "telecom", "communic", "comput", "network", "info")),
    ("energy", ("energy", "oil", "gas", "petro", "power", "solar", "wind", "coal")),
    ("consumer", ("food", "beverage", "retail", "hotel", "brew", "fashion", "entertain",
                  "media", "restaurant", "travel", "sugar")),
    ("industrial", ("industr", "engineer", "construct", "steel", "chemical", "motor",
                    "machin", "cement", "material", "logistic", "manufact")),
)  # fmt: skip

INDUSTRY_LABELS = {
    "finance": "Banking", "health": "Biotechnology", "mining": "Mining",
    "technology": "Technology", "energy": "Energy", "consumer": "Retail",
    "industrial": "Manufacturing", "other": "Other",
}  # fmt: skip

# Currency of a deal in that country; rates are to US dollars, rounded.
CURRENCY_OF = {
    "United Kingdom": "GBP", "Japan": "JPY", "Canada": "CAD", "Australia": "AUD",
    "Sweden": "SEK", "India": "INR", "South Korea": "KRW", "Switzerland": "CHF",
    "Germany": "EUR", "France": "EUR", "Italy": "EUR", "Spain": "EUR",
    "Finland": "EUR", "Netherlands": "EUR", "Singapore": "SGD", "Norway": "NOK",
}  # fmt: skip
RATES = {
    "USD": "1", "EUR": "1.09", "GBP": "1.28", "JPY": "0.0067", "CAD": "0.73",
    "AUD": "0.66", "SEK": "0.095", "INR": "0.012", "KRW": "0.00073", "CHF": "1.13",
    "SGD": "0.75", "NOK": "0.094",
}  # fmt: skip

# Companies that differ but nearly share a name. One side gets the first, a
# partner the second, and some systems hold both.
NEAR_NAMES: tuple[tuple[str, str], ...] = (
    ("NCC Group plc", "NCC AB (publ)"),
    ("EQ Inc.", "eQ Oyj"),
    ("Titanium Corporation Inc.", "Titanium Oyj"),
    ("CoStar Group, Inc.", "Costar Group Co., Ltd."),
    ("The GEO Group, Inc.", "Geo Limited"),
    ("Wilton Resources Inc.", "Wilton Resources Corporation Limited"),
    ("SENKO Group Holdings Co., Ltd.", "Senko Co., Ltd"),
    ("NextEra Energy, Inc.", "Nexera Energy Inc."),
    ("Perpetua Resources Corp.", "Perpetual Resources Limited"),
    ("Kingfisher plc", "The Kingfish Company N.V."),
    ("Conduit Capital Limited", "Conduity Capital Plc"),
    ("Toyoda Gosei Co., Ltd.", "Toyo Gosei Co.,Ltd."),
    ("iRobot Corporation", "Robot, S.A."),
    ("Gold Line Resources Ltd.", "GOLD LION RESOURCES INC"),
    ("Titan Minerals Limited", "Triton Minerals Limited"),
    ("Fuji Electric Co., Ltd.", "Funai Electric Co., Ltd."),
    ("Azure Minerals Limited", "Azucar Minerals Ltd."),
    ("Takeda Pharmaceutical Co. Ltd.", "Tianda Pharmaceuticals Limited"),
    ("Daewoong pharmaceutical Co.,Ltd.", "Daewon Pharmaceutical Co., Ltd."),
    ("Uber Technologies, Inc.", "Nubeva Technologies Ltd."),
    ("Aspen Technology, Inc.", "ASE Technology Holding Co., Ltd."),
    ("Sonos, Inc.", "TBK & Sons Holdings Limited"),
    ("Hyosung Advanced Materials Corporation", "Osung Advanced Materials Co., Ltd."),
    ("Wave Life Sciences Ltd.", "Anavex Life Sciences Corp."),
    ("BK Technologies Corporation", "BM Technologies, Inc."),
    ("Integral Diagnostics Limited", "Integrated Diagnostics Holdings Plc"),
    ("Chicony Electronics Co., Ltd.", "Cincon Electronics Co., Ltd."),
    ("Haesung Industrial Co., Ltd.", "Hwasung Industrial Co., Ltd."),
    ("C3 Metals Inc.", "E3 Metals Corp."),
    ("Trek Metals Limited", "Trekor Metals Limited"),
    ("Risen Energy Co.,Ltd.", "Misen Energy AB (publ)"),
    ("Alfa Laval AB (publ)", "Alfa Financial Software Holdings PLC"),
    ("Parker-Hannifin Corporation", "Parker Corporation"),
    ("Tandem Diabetes Care, Inc.", "Tandem Group plc"),
    ("Redline Communications Group Inc.", "Reliance Communications Limited"),
    ("LCI Industries", "CLC Industries Limited"),
)

# Listed companies of one group whose names are alike: a match between them is
# a match of the family, not an error.
REAL_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("Telefonica, S.A.", "Telefonica Chile S.A."),
    ("Absa Group Limited", "Absa Bank Limited"),
    (
        "Aeon Co., Ltd.",
        "AEON Thana Sinsap (Thailand) Public Company Limited",
        "Aeon Hokkaido Corporation",
        "Aeon Fantasy Co., Ltd.",
    ),
    ("Hitachi, Ltd.", "Hitachi Metals, Ltd."),
    (
        "Hyosung Corporation",
        "Hyosung TNC Corporation",
        "Hyosung Heavy Industries Corporation",
        "Hyosung Advanced Materials Corporation",
    ),
    ("ILJIN Holdings Co., Ltd.", "Iljin Diamond Co. Ltd.", "Iljin Electric Co.,Ltd"),
    ("Kintetsu Group Holdings Co.,Ltd.", "Kintetsu Department Store Co., Ltd."),
    (
        "LOTTE Corporation",
        "Lotte Chemical Corporation",
        "Lotte Chilsung Beverage Co.,Ltd.",
        "PT Lotte Chemical Titan Tbk",
    ),
    ("The Procter & Gamble Company", "Procter & Gamble Health Limited"),
    ("SECOM CO., LTD.", "Secom Joshinetsu Co., Ltd."),
    ("Vesuvius plc", "Vesuvius India Limited"),
    ("Wemade Co.,Ltd.", "Wemade Max Co., Ltd."),
    (
        "PTT Global Chemical Public Company Limited",
        "PTT Oil and Retail Business Public Company Limited",
    ),
    ("Hanil Holdings Co., Ltd.", "Hanil Hyundai Cement Co., Ltd"),
    ("Isetan (Singapore) Limited", "Isetan Mitsukoshi Holdings Ltd."),
    ("NOROO Holdings Co., Ltd.", "NOROO PAINT & COATINGS Co., Ltd."),
    (
        "Doosan Infracore Co., Ltd.",
        "Doosan Heavy Industries & Construction Co., Ltd.",
    ),
)

# How these companies write themselves at home.
HOME_SCRIPT: dict[str, str] = {
    "Public Joint Stock Company Magnit": "ПАО «Магнит»",
    "Sberbank of Russia": "Сбербанк России",
    "PJSC LUKOIL": "ПАО «ЛУКОЙЛ»",
    "Surgutneftegas Public Joint Stock Company": "ПАО «Сургутнефтегаз»",
    "Public Joint-Stock Company PhosAgro": "ПАО «ФосАгро»",
    "Hitachi, Ltd.": "株式会社日立製作所",
    "Toyota Tsusho Corp.": "豊田通商株式会社",
    "Suzuki Motor Corporation": "スズキ株式会社",
    "Yamaha Corporation": "ヤマハ株式会社",
    "Kao Corporation": "花王株式会社",
    "Nippon Yusen Kabushiki Kaisha": "日本郵船株式会社",
    "PetroChina Co., Ltd.": "中国石油天然气股份有限公司",
    "China Vanke Co., Ltd.": "万科企业股份有限公司",
    "Xiaomi Corporation": "小米集团",
    "Midea Group Co., Ltd.": "美的集团股份有限公司",
    "China Yangtze Power Co., Ltd.": "中国长江电力股份有限公司",
    "Hyundai Motor Company": "현대자동차",
    "Kia Corporation": "기아",
    "Kakao Corp.": "카카오",
    "LOTTE Corporation": "롯데지주",
    "ASUSTeK Computer Inc.": "華碩電腦股份有限公司",
    "Bank Leumi le- Israel B.M.": "בנק לאומי לישראל",
    "Strauss Group Ltd.": "שטראוס גרופ",
    "Aegean Airlines SA": "Αεροπορία Αιγαίου",
}

# Further domains of companies in the file: (domain, canonical, relation).
ALIASES: tuple[tuple[str, str, str], ...] = (
    ("telefonica.es", "telefonica.com", "alias"),
    ("asus.com.tw", "asus.com", "alias"),
    ("hitachi.com", "hitachi.co.jp", "alias"),
    ("groupon.co.uk", "groupon.com", "alias"),
    ("magnit.ru", "magnit.com", "alias"),
    ("sberbank.com", "sberbank.ru", "alias"),
    ("xiaomi.com", "mi.com", "alias"),
    ("lukoil.ru", "lukoil.com", "alias"),
    ("siemens.de", "siemens.com", "alias"),
    ("nestle.de", "nestle.com", "subsidiary"),
    ("carlsberg.dk", "carlsberggroup.com", "subsidiary"),
)

SUBSIDIARIES: tuple[tuple[str, str, str, str], ...] = (
    ("{} Deutschland GmbH", "Germany", "Frankfurt", "de"),
    ("{} France SAS", "France", "Paris", "fr"),
    ("{} UK Limited", "United Kingdom", "London", "uk"),
    ("{} USA, Inc.", "United States", "Chicago", "us"),
    ("{} Japan K.K.", "Japan", "Tokyo", "jp"),
    ("{} (Singapore) Pte. Ltd.", "Singapore", "Singapore", "sg"),
    ("{} do Brasil Ltda.", "Brazil", "Sao Paulo", "br"),
    ("{} Italia S.r.l.", "Italy", "Milan", "it"),
    ("{} Nordic AB", "Sweden", "Stockholm", "se"),
    ("{} Canada Inc.", "Canada", "Toronto", "ca"),
)

FIRST_NAMES = (
    "Alex", "Avery", "Bo", "Casey", "Dana", "Eden", "Finley", "Gray", "Harper",
    "Indigo", "Jules", "Kim", "Lane", "Marlow", "Noor", "Onyx", "Parker", "Quinn",
    "Robin", "Sasha", "Taylor", "Uma", "Val", "Wren",
)  # fmt: skip
LAST_NAMES = (
    "Ashdown", "Birchley", "Cloverfield", "Dunmoor", "Elmsworth", "Fernhollow",
    "Greystone", "Hazelby", "Ivorsson", "Juniperton", "Kestrel", "Larkwood",
    "Mossbank", "Nettlecombe", "Oakhurst", "Pinegrove", "Quillby", "Rowanberg",
)  # fmt: skip
FREE_MAIL = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "qq.com", "gmx.de")

PARTNER_ROW_COLUMNS = (
    "partner_id", "account_id", "account_name", "website", "email_domain", "country",
    "state", "city", "postal_code", "status", "segment", "owner_name", "owner_email",
    "open_amount", "currency", "customer_since", "annual_revenue", "employee_count",
    "industry", "lei", "duns", "vat_id", "linkedin_url", "parent_account_id",
    "updated_at",
)  # fmt: skip

BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Company:
    """A real company, or an invented country subsidiary of one.

    `entity` is unique, `family` is shared by the members of one group.
    `size` is a positive weight, `affinity` a standard normal: how willing the
    company is to buy software from anyone; both invented.
    """

    entity: str
    family: str
    name: str
    domain: str
    country: str
    city: str
    region: str
    sector: str
    size: float
    affinity: float
    duns: str


@dataclass(frozen=True)
class PartnerProfile:
    """What a fictional partner's list looks like; rates are shares of its rows."""

    partner_id: str
    name: str
    exchange: str
    accounts: int
    regions: dict[str, float]
    sectors: dict[str, float]
    size_power: float
    website_rate: float
    country_rate: float
    country_style: str
    city_rate: float
    dirt: float
    words: dict[str, str]
    id_format: str
    list_age_days: int
    duns_rate: float = 0.0
    amounts: bool = False
    owners: bool = False


PARTNERS: tuple[PartnerProfile, ...] = (
    PartnerProfile(
        partner_id="northwind_cloud", name="Northwind Cloud", exchange="list",
        accounts=2500,
        regions={"north_america": 2.6, "uk_ireland": 1.6, "europe": 1.2, "dach": 1.4,
                 "nordics": 0.9, "china": 0.35},
        sectors={"technology": 1.8, "finance": 1.4, "mining": 0.7},
        size_power=0.8, website_rate=0.82, country_rate=0.9, country_style="code",
        city_rate=0.6, dirt=0.9,
        words={"customer": "Customer", "open_opportunity": "Open Opportunity",
               "churned": "Former Customer", "prospect": "Prospect"},
        id_format="NW-{:06d}", list_age_days=9, duns_rate=0.12, amounts=True,
        owners=True,
    ),
    PartnerProfile(
        partner_id="lumen_data", name="Lumen Data", exchange="list", accounts=1250,
        regions={"japan_korea": 2.6, "south_asia": 2.2, "oceania": 2.4, "china": 0.8,
                 "north_america": 0.5},
        sectors={"technology": 1.6, "industrial": 1.5, "mining": 0.5},
        size_power=0.7, website_rate=0.74, country_rate=0.8, country_style="free",
        city_rate=0.5, dirt=1.1,
        words={"customer": "Client", "open_opportunity": "In pipeline",
               "churned": "Lost client", "prospect": "Lead"},
        id_format="{:06d}", list_age_days=38, amounts=True, owners=True,
    ),
    PartnerProfile(
        partner_id="quillfjord_systems", name="Quillfjord Systems", exchange="list",
        accounts=420,
        regions={"nordics": 6.0, "dach": 3.0, "europe": 2.0, "uk_ireland": 1.2,
                 "china": 0.05, "japan_korea": 0.1, "south_asia": 0.1},
        sectors={"industrial": 1.8, "energy": 1.5},
        size_power=0.5, website_rate=0.70, country_rate=0.95, country_style="name",
        city_rate=0.8, dirt=1.15,
        words={"customer": "Active customer", "open_opportunity": "Negotiation",
               "churned": "Ex-customer", "prospect": "Target"},
        id_format="QF/{:05d}", list_age_days=212,
    ),
    PartnerProfile(
        partner_id="papermoon_payments", name="Papermoon Payments", exchange="keys",
        accounts=1500,
        regions={"uk_ireland": 2.6, "europe": 2.4, "oceania": 1.6, "dach": 1.8,
                 "latin_america": 1.8, "nordics": 1.2, "china": 0.3},
        sectors={"consumer": 2.6, "finance": 1.8, "mining": 0.3, "health": 0.7},
        size_power=0.7, website_rate=0.85, country_rate=0.85, country_style="code",
        city_rate=0.5, dirt=0.8,
        words={"customer": "Customer", "open_opportunity": "Negotiating",
               "churned": "Lapsed", "prospect": "Prospect"},
        id_format="pm_{:06d}", list_age_days=4, duns_rate=0.1,
    ),
    PartnerProfile(
        partner_id="brasshelm_security", name="Brasshelm Security", exchange="keys",
        accounts=900,
        regions={"north_america": 2.4, "middle_east_africa": 2.8, "dach": 1.4,
                 "japan_korea": 0.9, "china": 0.2},
        sectors={"finance": 2.0, "health": 1.8, "energy": 1.6, "technology": 1.4},
        size_power=1.0, website_rate=0.80, country_rate=0.9, country_style="name",
        city_rate=0.6, dirt=0.8,
        words={"customer": "Customer", "open_opportunity": "Negotiating",
               "churned": "Lapsed", "prospect": "Prospect"},
        id_format="{}", list_age_days=21,
    ),
)  # fmt: skip
