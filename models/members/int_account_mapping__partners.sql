with

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}
    where is_active

),

own_scopes as (

    select distinct for_partner_id
    from {{ ref('int_account_mapping__excluded_accounts') }}
    where
        side = 'ours'
        and for_partner_id <> '*'

),

partner_records as (

    select
        partner_id,
        max(updated_at) as last_updated_at

    from {{ ref('int_account_mapping__partner_records') }}
    group by partner_id

),

final as (

    -- most partners see our accounts alike and share the scope `*`; one with exclusions of its own has its own. What a
    -- private set intersection yields are keyed hashes, and is compared as those of a partner that sends all of them
    select
        partners.partner_id,
        partners.partner_name,
        partners.partner_type,
        partners.tier,
        case when partners.exchange = 'psi' then 'keys' else partners.exchange end as exchange,
        coalesce(partners.exchange = 'psi', false) as is_blinded,
        partners.agreement_id,
        partners.epoch,
        partners.secret_env,
        partners.count_noise_budget,
        partners.partner_manager,
        partners.is_active,
        coalesce(own_scopes.for_partner_id, '*') as account_scope,
        partner_records.last_updated_at

    from partners
    left join own_scopes
        on partners.partner_id = own_scopes.for_partner_id
    left join partner_records
        on partners.partner_id = partner_records.partner_id

)

select * from final
