select * from {{ ref('int_account_mapping__partner_impact') }}
order by partner_id, measure
