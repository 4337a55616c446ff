-- sorted by tokens, so that the order of rows tells nothing
select
    partner_id,
    agreement_id,
    epoch,
    account_token,
    partner_account_token,
    field,
    field_value as value
from {{ ref('int_account_mapping__fields_to_share') }}
order by partner_id, account_token, partner_account_token, field
