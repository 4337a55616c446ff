{{ config(enabled=var('account_mapping__history')) }}
with

-- history tells of partners that are not active any more too; a name stands once, the active one's first
ranked as (

    select
        partner_id,
        partner_name,
        partner_type,
        tier,
        row_number() over (
            partition by partner_id
            order by is_active desc, partner_name, partner_type, tier
        ) as preference

    from {{ ref('stg_account_mapping__settings_partners') }}
    where partner_id is not null

),

final as (

    select
        partner_id,
        partner_name,
        partner_type,
        tier

    from ranked
    where preference = 1

)

select * from final
