"""Which pairs of records are the same company, or of one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .world import Record


def truth_rows(
    ours: list[Record],
    theirs: dict[str, list[Record]],
    hidden: set[tuple[str, str]],
) -> list[dict[str, object]]:
    """All true pairs of live, not excluded records.

    `same`: both records are the same company; `family`: of one group.
    `shares_unambiguous_domain`: a website domain is on both, and among all
    such records one of ours and one of the partner's carries it, as website or
    by e-mail. `hidden` holds (partner_id, account_id) excluded for one partner.
    """
    live = [record for record in ours if record.is_live and not record.is_excluded]
    by_family: dict[str, list[Record]] = defaultdict(list)
    for record in live:
        by_family[record.company.family].append(record)
    rows = []
    for partner_id, records in theirs.items():
        usable = [record for record in records if not record.is_excluded]
        visible = [r for r in live if (partner_id, r.record_id) not in hidden]
        our_carriers, their_carriers = carried_by(visible), carried_by(usable)
        for their in usable:
            for our in by_family[their.company.family]:
                if (partner_id, our.record_id) in hidden:
                    continue
                shared = our.web_domains & their.web_domains
                rows.append(
                    {
                        "partner_id": partner_id,
                        "account_id": our.record_id,
                        "partner_account_id": their.record_id,
                        "relationship": ("same" if our.company.entity == their.company.entity else "family"),
                        "shares_unambiguous_domain": any(
                            len(our_carriers[domain]) == 1 and len(their_carriers[domain]) == 1 for domain in shared
                        ),
                    }
                )
    rows.sort(key=lambda r: (r["partner_id"], r["account_id"], r["partner_account_id"]))
    return rows


def carried_by(records: Iterable[Record]) -> dict[str, set[str]]:
    """Domain -> the records that carry it as website or by e-mail."""
    carriers: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for domain in record.web_domains | record.mail_domains:
            carriers[domain].add(record.record_id)
    return carriers
