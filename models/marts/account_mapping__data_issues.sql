select * from {{ ref('int_account_mapping__data_issues') }}
order by source, row_key, problem, detail
