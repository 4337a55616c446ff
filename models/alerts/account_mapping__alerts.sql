select
    ---------- ids
    alert_id,
    partner_id,
    account_id,

    ---------- text
    partner_name,
    partner_type,
    tier,
    kind,
    severity,
    recipient,
    channel,
    title,
    text,

    ---------- dates
    happened_on

from {{ ref('int_account_mapping__alerts') }}
order by happened_on, partner_id, kind, account_id, alert_id
