select * from {{ ref('int_account_mapping__match_quality') }}
order by partner_id, match_method
