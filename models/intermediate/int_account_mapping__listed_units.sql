{{ config(materialized='view') }}
with

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}
    where account_id is not null

),

listed_members as (

    select
        members.scope,
        members.account_id,
        members.unit_id,
        target_accounts.list_name

    from members
    inner join target_accounts
        on members.account_id = target_accounts.account_id

),

final as (

    select distinct
        scope,
        'account' as rollup,
        account_id as unit_id,
        list_name

    from listed_members

    union all

    select distinct
        scope,
        'parent' as rollup,
        unit_id,
        list_name

    from listed_members

)

select * from final
