"""Print the overlap matrix, partner coverage, match quality, three matches, what to do today and what partners did.

usage: python -m demo.player.show [DATABASE]

Reads the marts of a built project; changes nothing.
DATABASE: default demo/account_mapping_demo.duckdb.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from math import floor
from pathlib import Path

from exchange.text import printable_lines

from .load import DATABASE

WIDTH = 98
MOVES = {"deal_opened": "opened", "deal_won": "won", "deal_lost": "lost"}
STATUSES = ("customer", "open_opportunity", "churned", "prospect", "not_shared")


def money(amount: object) -> str:
    """An amount in few characters: 950, 42k, 3.1M."""
    value = float(str(amount or 0))
    if value >= 1e6:
        return f"{value / 1e6:.1f}M"
    return f"{value / 1e3:.0f}k" if value >= 1e3 else f"{value:.0f}"


def percent(rate: object) -> str:
    """A rate between 0 and 1 as a percentage, a dash where there is none."""
    return "-" if rate is None else f"{float(str(rate)):.1%}"


def count(number: object) -> str:
    """A whole number with separators, a dash where there is none."""
    return "-" if number is None else f"{int(str(number)):,}"


def words(code: str) -> str:
    """A code as people read it: `open_opportunity` -> `open opportunity`."""
    return code.replace("_", " ")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned text: the first column to the left, the others to the right."""
    widths = [max(len(r[i]) for r in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        padded = [cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True)]
        return "  ".join((first.ljust(widths[0]), *padded)).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join((line(header), rule, *map(line, rows)))


def in_order(statuses: Sequence[str]) -> list[str]:
    """Statuses from customer down; unknown ones last, by name."""
    rank = {status: place for place, status in enumerate(STATUSES)}
    return sorted(set(statuses), key=lambda s: (rank.get(s, len(rank)), s))


def matrix_text(rows: Sequence[tuple[str, str, int, object, str]]) -> str:
    """One partner's matrix from (our status, theirs, accounts, pipeline, state)."""
    ours = in_order([row[0] for row in rows])
    theirs = in_order([row[1] for row in rows])
    cells = {}
    for our, their, accounts, pipeline, state in rows:
        text = f"{accounts:,} / {money(pipeline)}" if pipeline else count(accounts)
        # A status that the partner does not share is unknown, never zero.
        if accounts is None:
            text = words(state)
        cells[our, their] = text
    header = ["we \\ they", *map(words, theirs)]
    return table(header, [[words(o), *(cells.get((o, t), "-") for t in theirs)] for o in ours])


def show(database: Path = DATABASE) -> str:
    """All tables as one text."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:

        def query(sql: str) -> list[tuple]:
            return connection.execute(sql).fetchall()

        names = dict(query("select partner_id, partner_name from account_mapping__partners"))
        matrix = query(
            """
            select partner_id, our_status, partner_status, our_accounts,
                open_pipeline_amount, cell_state
            from account_mapping__overlap_matrix
            where rollup = 'account'
            order by partner_id, our_status, partner_status
            """
        )
        coverage = query(
            """
            select partner_id, target_list, our_accounts, covered_accounts,
                coverage_rate, partner_accounts, partner_match_rate,
                unique_accounts, list_age_days
            from account_mapping__partner_coverage
            where rollup = 'account' and our_status = 'all'
            order by partner_id, target_list
            """
        )
        covered, accounts = query(
            """
            select
                (
                    select count(distinct account_id)
                    from account_mapping__overlaps
                    where relationship = 'same'
                ),
                (
                    select count(*) from account_mapping__accounts
                    where not is_excluded
                )
            """
        )[0]
        quality = query(
            """
            select partner_id, match_method, accepted_pairs, review_pairs,
                estimated_precision, estimated_recall, how_estimated
            from account_mapping__match_quality
            where match_method in ('all', 'name_exact', 'name_fuzzy')
            order by partner_id, match_method
            """
        )
        matches = query(
            """
            with ranked as (
                select matches.*, accounts.name as account_name,
                    row_number() over (
                        partition by match_method
                        order by match_probability desc, partner_id,
                            account_id, partner_account_id
                    ) as place
                from account_mapping__matches as matches
                inner join account_mapping__accounts as accounts
                    using (account_id)
                where decision = 'accepted'
            )
            select partner_id, account_id, account_name, partner_account_id,
                match_method, match_probability, relationship, match_reason
            from ranked
            where place = 1
            order by case match_method
                when 'name_fuzzy' then 1 when 'hierarchy' then 2
                when 'domain' then 3 when 'name_exact' then 4 else 5 end,
                match_method
            limit 3
            """
        )
        helped = query(
            """
            select deal_name, account_name, amount, deal_stage, partner_name, why, ask
            from account_mapping__deals
            where is_recommended and deal_state = 'open'
            order by score desc, amount desc, deal_id, partner_id
            limit 2
            """
        )
        people = query(
            """
            select partner_name, count(*), sum(shared_contacts), sum(only_partner_contacts)
            from account_mapping__people
            where people_state = 'counted' and partner_contacts > 0
            group by partner_name
            order by partner_name
            """
        )
        # one by one where both sides said so
        persons = query(
            """
            select partner_name, count(distinct email), min_by(email, (length(email), email))
            from account_mapping__known_people
            where who_knows = 'both'
            group by partner_name
            order by partner_name
            """
        )
        # of partners that exchange hashes: what they tell of deals, they tell as agreed fields
        told = query(
            """
            select partner_name, count(distinct account_id) filter (partner_deal_stage is not null),
                count(distinct account_id) filter (partner_last_won_on is not null)
            from account_mapping__overlaps
            group by partner_name
            having count(coalesce(partner_deal_stage, partner_last_won_on::varchar)) > 0
            order by partner_name
            """
        )
        leads = query(
            """
            with buyers as (
                select distinct account_id from account_mapping__overlaps
                where partner_status = 'customer'
            )
            select count(*), count(*) filter (status = 'prospect'),
                count(buyers.account_id) filter (status = 'prospect')
            from account_mapping__accounts
            left join buyers using (account_id)
            where leads > 0
            """
        )[0]
        # the last three months at accounts where we have an open deal
        moves = query(
            """
            with ours as (
                select account_id, account_name,
                    max_by(deal_name, (coalesce(amount, 0), deal_id)) as deal_name
                from account_mapping__deals
                where deal_state = 'open'
                group by account_id, account_name
            ),
            recent as (
                -- a deal once, whatever the number of our accounts for that company
                select distinct on (signals.partner_id, signals.signal, signals.deal_id)
                    signals.partner_name, signals.signal, signals.happened_on, signals.deal_id,
                    signals.amount, ours.account_name, ours.deal_name
                from account_mapping__signals as signals
                inner join ours using (account_id)
                cross join account_mapping__build as build
                where signals.is_shared_now
                    and signals.happened_on between build.as_of - interval 3 months and build.as_of
                order by signals.partner_id, signals.signal, signals.deal_id, account_id
            )
            select partner_name, signal, happened_on, account_name, amount, deal_name
            from recent
            order by happened_on, partner_name, deal_id, signal
            """
        )
        alerts = query(
            """
            select coalesce(recipient, 'nobody yet'), count(*), min_by(title, (happened_on, alert_id))
            from account_mapping__alerts
            group by recipient
            order by recipient
            """
        )
    parts = [heading("Overlap matrix: our accounts / open pipeline (USD) per cell")]
    for partner_id in dict.fromkeys(row[0] for row in matrix):
        own = [row[1:] for row in matrix if row[0] == partner_id]
        parts += [names.get(partner_id, partner_id), matrix_text(own), ""]
    parts.append(heading("Partner coverage of our accounts"))
    columns = (
        "partner", "our accounts", "covered", "coverage", "their accounts",
        "matched", "only they", "list age",
    )  # fmt: skip
    parts.append(
        table(
            columns,
            [
                [names.get(p, p), count(total), count(hit), percent(rate),
                 count(theirs), percent(matched), count(only),
                 "-" if age is None else f"{count(age)} d"]
                for p, target, total, hit, rate, theirs, matched, only, age in coverage
                if target == "all"
            ],
        )
    )  # fmt: skip
    parts.append(
        f"\nTogether the partners know {covered:,} of {accounts:,} accounts"
        f" ({percent(covered / accounts if accounts else None)}).\n"
    )
    lists = sorted({row[1] for row in coverage} - {"all"})
    if lists:
        parts.append(heading("Coverage of our target lists"))
        found = {(row[0], row[1]): row for row in coverage}
        parts.append(
            table(
                ["partner", *lists],
                [
                    [names.get(p, p)]
                    + [
                        f"{count(r[3])} of {count(r[2])} ({percent(r[4])})" if (r := found.get((p, name))) else "-"
                        for name in lists
                    ]
                    for p in dict.fromkeys(row[0] for row in coverage)
                ],
            )
        )
        parts.append("")
    parts.append(heading("Match quality, as estimated"))
    parts.append(
        table(
            ("partner", "method", "accepted", "in review", "precision", "recall", "by"),
            [
                [names.get(p, p), words(method), count(accepted), count(review),
                 percent(precision), percent(recall), how or "-"]
                for p, method, accepted, review, precision, recall, how in quality
            ],
        )
    )  # fmt: skip
    parts.append("")
    parts.append(heading("Three matches and why"))
    for p, our, name, their, method, probability, relationship, reason in matches:
        parts.append(textwrap.shorten(f"{name} ({our})", WIDTH, placeholder="..."))
        # never rounded up to certain
        sure = floor(100 * probability) / 100
        parts.append(f"    {names.get(p, p)} {their[:12]}: {words(method)}, {relationship}, probability {sure:.2f}")
        parts.append(textwrap.fill(str(reason), WIDTH, initial_indent="    ", subsequent_indent="    "))
    parts += ["", heading("Which partner helps an open deal, whom it knows, and what to tell whom today")]
    for deal, account, amount, stage, partner, why, ask in helped:
        parts.append(f"{deal} with {account}, {stage}, {money(amount)}: {partner}")
        parts.append(textwrap.fill(f"{why} {ask}.", WIDTH, initial_indent="    ", subsequent_indent="    "))
    parts += [
        f"{partner} sent contacts at {count(n)} accounts: {count(both)} are ours too, {count(only)} only it knows."
        for partner, n, both, only in people
    ]
    parts += [
        textwrap.shorten(
            f"{partner} tells who, as agreed: {count(n)} whom both know, such as {email}.",
            WIDTH,
            placeholder="...",
        )
        for partner, n, email in persons
    ]
    parts += [
        f"{partner} tells of its deals, as agreed: one open at {count(n)} shared accounts, a win at {count(won)}."
        for partner, n, won in told
    ]
    if leads[0]:
        n, prospects, bought = map(count, leads)
        parts.append(
            f"Leads count at {n} of our accounts; {prospects} are prospects, {bought} of these a partner's customers."
        )
    parts += [
        textwrap.shorten(f"To {recipient}, {count(n)} alerts, first: {title}", WIDTH, placeholder="...")
        for recipient, n, title in alerts
    ]
    parts += ["", heading("What partners did in three months where we have an open deal"), *moves_text(moves)]
    return "\n".join(parts)


def moves_text(moves: Sequence[tuple[str, str, object, str, object, str]]) -> list[str]:
    """Deals of partners at accounts where we have one: how many of each kind by partner, and the newest of each kind.

    moves: partner, signal, day, account, amount, and our deal there; the newest last.
    """
    lines = []
    for partner in sorted({row[0] for row in moves}):
        numbers = ((kind, sum(row[:2] == (partner, kind) for row in moves)) for kind in MOVES)
        lines.append(f"{partner}: " + ", ".join(f"{count(n)} {MOVES[kind]}" for kind, n in numbers if n))
    newest = sorted({row[1]: row for row in moves}.values(), key=lambda row: str(row[2]))
    return lines + [
        textwrap.shorten(
            f"{day} {partner} {MOVES[kind]} {money(amount)} at {account} (our {deal})",
            WIDTH,
            placeholder="...",
        )
        for partner, kind, day, account, amount, deal in newest
    ]


def heading(text: str) -> str:
    """A title with a line below it."""
    return f"{text}\n{'=' * len(text)}"


def main() -> int:
    """Print the tables; say what to do when there are none."""
    import duckdb

    database = Path(sys.argv[1]) if len(sys.argv) > 1 else DATABASE
    if not database.is_file():
        print(f"no database {database}: run `python demo/run_demo.py` first")
        return 1
    try:
        print(printable_lines(show(database)))
    except duckdb.CatalogException as error:
        print(f"the marts are not built yet: run `python demo/run_demo.py` ({error})")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
