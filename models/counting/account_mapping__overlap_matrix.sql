select * from {{ ref('int_account_mapping__overlap_matrix') }}
order by partner_id, rollup, our_status, partner_status
