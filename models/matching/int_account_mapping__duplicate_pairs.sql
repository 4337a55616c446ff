with

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where
        side = 'ours'
        and scope = '*'

),

account_keys as (

    select account_keys.*
    from {{ ref('int_account_mapping__account_keys') }} as account_keys
    inner join members
        on account_keys.account_id = members.account_id
    where account_keys.side = 'ours'

),

websites as (

    select
        account_id,
        key_value as domain

    from account_keys
    where key_type = 'domain'

),

names as (

    select
        members.account_id,
        normalized.name_short,
        normalized.country_code,
        members.account_id in (select websites.account_id from websites) as has_website

    from members
    inner join {{ ref('int_account_mapping__normalized') }} as normalized
        on
            normalized.side = 'ours'
            and members.account_id = normalized.account_id
    where normalized.name_short is not null

),

found as (

    -- the same identifier
    select
        account_id,
        min(account_id) over (partition by key_type, key_value) as other_account_id

    from account_keys
    where key_type in ('lei', 'duns', 'vat_id', 'linkedin')

    union

    -- the same website and name
    select
        names.account_id,
        min(names.account_id) over (
            partition by websites.domain, names.name_short
        ) as other_account_id

    from names
    inner join websites
        on names.account_id = websites.account_id

    union

    -- the same name and country; two websites would contradict, so one of the two has none
    select
        account_id,
        case
            when not has_website
                then coalesce(
                    min(case when has_website then account_id end) over (
                        partition by name_short, country_code
                    ),
                    min(account_id) over (partition by name_short, country_code)
                )
        end as other_account_id

    from names

),

final as (

    -- records of one family are told apart by their hierarchy, not called duplicates
    select
        found.account_id,
        found.other_account_id,
        members.unit_id,
        other_members.unit_id as other_unit_id

    from found
    inner join members
        on found.account_id = members.account_id
    inner join members as other_members
        on
            found.other_account_id = other_members.account_id
            and members.unit_id <> other_members.unit_id

)

select * from final
