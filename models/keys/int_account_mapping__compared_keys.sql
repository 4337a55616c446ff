{{ config(materialized='view') }}

with

hashed_keys as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}

),

blinded_partners as (

    select partner_id from {{ ref('int_account_mapping__partners') }}
    where coalesce(is_blinded, false)

),

partner_keys as (

    select distinct
        partner_id,
        key_type,
        token

    from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

-- of an account whose keys were intersected the partner knows the matched ones. By those alone it is compared here too,
-- so that both sides link the same accounts
intersected_keys as (

    select
        hashed_keys.partner_id,
        hashed_keys.account_id,
        hashed_keys.key_type,
        hashed_keys.token

    from hashed_keys
    inner join blinded_partners
        on hashed_keys.partner_id = blinded_partners.partner_id
    inner join partner_keys
        on
            hashed_keys.partner_id = partner_keys.partner_id
            and hashed_keys.key_type = partner_keys.key_type
            and hashed_keys.token = partner_keys.token

),

final as (

    select
        hashed_keys.partner_id,
        hashed_keys.account_id,
        hashed_keys.key_type,
        hashed_keys.token

    from hashed_keys
    left join blinded_partners
        on hashed_keys.partner_id = blinded_partners.partner_id
    where blinded_partners.partner_id is null

    union all

    select * from intersected_keys

)

select * from final
