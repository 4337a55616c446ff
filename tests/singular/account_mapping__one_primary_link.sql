-- One link per partner and account of ours sets the account's cell.
select
    partner_id,
    account_id
from {{ ref('account_mapping__overlaps') }}
group by partner_id, account_id
having count(*) filter (where is_primary) <> 1
