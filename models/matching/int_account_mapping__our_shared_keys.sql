with

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}
    where side = 'ours'

),

hashed_keys as (

    select * from {{ ref('int_account_mapping__compared_keys') }}
    where key_type <> 'account'

),

-- most of our keys no partner has: they are left out before anything is counted
final as (

    select
        '*' as partner_id,
        account_id,
        key_type,
        key_value

    from account_keys
    where
        exists (
            select 1 from {{ ref('int_account_mapping__their_keys') }} as their_keys
            where
                their_keys.our_partner_id = '*'
                and account_keys.key_type = their_keys.key_type
                and account_keys.key_value = their_keys.key_value
        )

    union all

    select
        partner_id,
        account_id,
        key_type,
        token as key_value

    from hashed_keys
    where exists (
        select 1 from {{ ref('int_account_mapping__their_keys') }} as their_keys
        where
            their_keys.our_partner_id <> '*'
            and hashed_keys.partner_id = their_keys.our_partner_id
            and hashed_keys.key_type = their_keys.key_type
            and hashed_keys.token = their_keys.key_value
    )

)

select * from final
