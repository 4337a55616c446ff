{{ config(materialized='view') }}

with

match_keys as (

    select * from {{ ref('int_account_mapping__match_keys') }}
    where key_type <> 'person'

),

own_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'ours'
        and problem is null

),

final as (

    select
        partner_id,
        account_id,
        key_type,
        token

    from match_keys

    union all

    -- in a clean room our side arrives hashed
    select
        partner_id,
        'shared_keys:' || account_token as account_id,
        key_type,
        token

    from own_key_rows
    where key_type <> 'account'

    union all

    select distinct
        partner_id,
        'shared_keys:' || account_token as account_id,
        'account' as key_type,
        account_token as token

    from own_key_rows

)

select * from final
