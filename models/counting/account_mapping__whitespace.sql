select * from {{ ref('int_account_mapping__whitespace') }}
order by partner_id, rollup, whitespace_level, target_list, segment, partner_account_id
