with

partner_keys as (

    select * from {{ ref('stg_account_mapping__partner_keys') }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

final as (

    select distinct
        partner_keys.partner_id,
        partner_keys.key_type,
        partner_keys.token,
        partner_keys.account_token,
        partner_keys.parent_account_token,
        partner_keys.status,
        case
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when partners.exchange <> 'keys' then 'keys_of_readable_partner'
            when coalesce(partner_keys.agreement_id, '') <> coalesce(partners.agreement_id, '')
                then 'other_agreement'
            when coalesce(partner_keys.epoch, '') <> coalesce(partners.epoch, '')
                then 'other_epoch'
            when
                coalesce(partner_keys.normaliser_version, '')
                <> '{{ account_mapping.normaliser_version() }}'
                then 'other_normaliser_version'
            when
                partner_keys.account_token is null
                or partner_keys.key_type is null
                or not coalesce(
                    {{ account_mapping.matches_pattern('partner_keys.token', '^[0-9a-f]{64}$') }}, false
                )
                then 'malformed_key'
        end as problem

    from partner_keys
    left join partners
        on partner_keys.partner_id = partners.partner_id

)

select * from final
