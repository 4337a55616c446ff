select * from {{ ref('int_account_mapping__partner_coverage') }}
order by partner_id, rollup, our_status, target_list
