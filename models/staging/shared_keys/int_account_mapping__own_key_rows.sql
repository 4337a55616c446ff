{{ config(
    materialized='table',
    enabled=account_mapping.uses_crm('shared_keys'),
) }}

with

own_keys as (

    select * from {{ ref('stg_account_mapping__own_shared_keys') }}
    where key_type is distinct from 'person'

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

final as (

    select distinct
        own_keys.partner_id,
        own_keys.key_type,
        own_keys.token,
        own_keys.account_token,
        own_keys.parent_account_token,
        own_keys.status,
        {{ account_mapping.key_row_problem('own_keys', 'partners') }} as problem

    from own_keys
    left join partners
        on own_keys.partner_id = partners.partner_id

)

select * from final
