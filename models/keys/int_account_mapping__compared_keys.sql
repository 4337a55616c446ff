{{ config(materialized='view') }}

with

hashed_keys as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}

),

blinded_partners as (

    select partner_id from {{ ref('int_account_mapping__partners') }}
    where coalesce(is_blinded, false)

),

-- of an account whose keys were intersected the partner knows the matched ones. By those alone it is compared here too,
-- so that both sides link the same accounts
intersected_keys as (

    select distinct
        key_rows.partner_id,
        key_rows.key_type,
        key_rows.token

    from {{ ref('int_account_mapping__key_rows') }} as key_rows
    inner join blinded_partners
        on key_rows.partner_id = blinded_partners.partner_id
    where
        key_rows.side = 'partner'
        and key_rows.problem is null

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

    select
        hashed_keys.partner_id,
        hashed_keys.account_id,
        hashed_keys.key_type,
        hashed_keys.token

    from hashed_keys
    inner join intersected_keys
        on
            hashed_keys.partner_id = intersected_keys.partner_id
            and hashed_keys.key_type = intersected_keys.key_type
            and hashed_keys.token = intersected_keys.token

)

select * from final
