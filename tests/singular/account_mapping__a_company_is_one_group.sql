-- A group of records has one company id, and no other group has it.
select
    'group' as what,
    group_id as id,
    count(distinct company_id) as n_others
from {{ ref('int_account_mapping__named_company_records') }}
group by group_id
having count(distinct company_id) <> 1

union all

select
    'company' as what,
    company_id as id,
    count(distinct group_id) as n_others
from {{ ref('int_account_mapping__named_company_records') }}
group by company_id
having count(distinct group_id) <> 1
