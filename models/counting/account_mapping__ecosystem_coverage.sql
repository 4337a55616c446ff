select * from {{ ref('int_account_mapping__ecosystem_coverage') }}
order by rollup, target_list, our_status, rank
