with

units as (

    select * from {{ ref('int_account_mapping__units') }}
    where side = 'ours'

),

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

listed_units as (

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

),

account_keys as (

    select account_id from {{ ref('int_account_mapping__account_keys') }}
    where side = 'ours'

    union

    select account_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type <> 'account'

),

keyed_members as (

    select
        members.scope,
        members.account_id,
        members.unit_id

    from members
    inner join account_keys
        on members.account_id = account_keys.account_id

),

keyed_units as (

    select
        scope,
        'account' as rollup,
        account_id as unit_id

    from keyed_members

    union all

    select distinct
        scope,
        'parent' as rollup,
        unit_id

    from keyed_members

),

unit_lists as (

    select
        scope,
        rollup,
        unit_id,
        -- a bar within a name is doubled: the text of one list must not be that of two others
        {{ account_mapping.list_text("replace(list_name, '|', '||')", ' | ') }} as lists

    from listed_units
    group by scope, rollup, unit_id

),

final as (

    select
        units.scope,
        units.rollup,
        units.unit_id,
        cast(
            row_number() over (partition by units.scope, units.rollup order by units.unit_id) - 1 as bigint
        ) as unit_number,
        units.status_rank,
        units.open_amount,
        coalesce(unit_lists.lists, '') as lists,
        case when keyed_units.unit_id is null then 1 else 0 end as is_keyless

    from units
    left join unit_lists
        on
            units.scope = unit_lists.scope
            and units.rollup = unit_lists.rollup
            and units.unit_id = unit_lists.unit_id
    left join keyed_units
        on
            units.scope = keyed_units.scope
            and units.rollup = keyed_units.rollup
            and units.unit_id = keyed_units.unit_id

)

select * from final
