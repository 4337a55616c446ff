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

    -- most partners see our accounts alike and share the scope `*`; one with exclusions of its own has its own
    select
        partners.*,
        coalesce(own_scopes.for_partner_id, '*') as account_scope,
        partner_records.last_updated_at

    from partners
    left join own_scopes
        on partners.partner_id = own_scopes.for_partner_id
    left join partner_records
        on partners.partner_id = partner_records.partner_id

)

select * from final
