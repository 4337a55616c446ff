with

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where
        side = 'ours'
        and scope = '*'

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where
        decision = 'accepted'
        and relationship = 'same'

),

account_groups as (

    select
        node as account_id,
        max(case when grouping_key = 'companies' then group_id end) as group_id,
        max(case when grouping_key = 'company_families' then group_id end) as family_group_id

    from {{ ref('int_account_mapping__groups') }}
    where grouping_key in ('companies', 'company_families')
    group by node

),

our_records as (

    select
        members.account_id,
        coalesce(account_groups.group_id, members.account_id) as group_id,
        coalesce(account_groups.family_group_id, members.account_id) as family_group_id

    from members
    left join account_groups
        on members.account_id = account_groups.account_id

),

final as (

    -- no partner is '' here: what keeps rows compares them by columns that are never null
    select
        '' as partner_id,
        account_id,
        group_id,
        family_group_id

    from our_records

    union all

    -- all records of ours that one account of theirs is linked with are in one group
    select distinct
        links.partner_id,
        links.partner_account_id as account_id,
        our_records.group_id,
        our_records.family_group_id

    from links
    inner join our_records
        on links.account_id = our_records.account_id

)

select * from final
