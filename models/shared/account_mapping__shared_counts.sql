select * from {{ ref('int_account_mapping__counts_to_share') }}
order by partner_id, rollup, our_status, partner_status
