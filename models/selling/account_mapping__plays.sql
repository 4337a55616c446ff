select
    ---------- ids
    partner_id,
    account_id,
    partner_account_id,

    ---------- text
    partner_name,
    partner_type,
    tier,
    account_name,
    partner_account_name,
    play,
    why,
    ask,
    give_back,
    our_status,
    partner_status,
    relationship,
    our_owner,
    our_owner_email,
    partner_owner,
    partner_owner_email,
    our_deal_stage,
    partner_deal_stage,
    our_target_lists,

    ---------- numerics
    score,
    our_open_amount,
    our_open_deals,

    ---------- dates
    our_deal_close_date,
    our_last_won_on,
    partner_deal_close_date,
    partner_last_won_on

from {{ ref('int_account_mapping__plays') }}
order by partner_id, score desc, account_id
