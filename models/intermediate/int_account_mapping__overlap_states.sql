{{ config(enabled=var('account_mapping__history')) }}
with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

primary_links as (

    select * from {{ ref('int_account_mapping__primary_links') }}

),

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

final as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.relationship,
        primary_links.partner_id is not null as is_primary,
        {{ account_mapping.status_of_rank('links.our_status_rank') }} as our_status,
        {{ account_mapping.status_of_rank('links.partner_status_rank') }} as partner_status,
        links.our_open_amount,
        links.our_unit_id,
        links.partner_unit_id,
        {{ account_mapping.status_of_rank('links.our_unit_status_rank') }} as our_unit_status,
        {{ account_mapping.status_of_rank('links.partner_unit_status_rank') }} as partner_unit_status,
        links.our_unit_open_amount,
        -- only the same company is linked under rollup `account`
        coalesce(companies.company_id, '') as company_id,
        families.company_id as family_id

    from links
    left join primary_links
        on
            links.partner_id = primary_links.partner_id
            and links.account_id = primary_links.account_id
            and links.partner_account_id = primary_links.partner_account_id
    left join company_links as companies
        on
            companies.rollup = 'account'
            and links.partner_id = companies.partner_id
            and links.account_id = companies.our_unit_id
            and links.partner_account_id = companies.partner_unit_id
    left join company_links as families
        on
            families.rollup = 'parent'
            and links.partner_id = families.partner_id
            and links.our_unit_id = families.our_unit_id
            and links.partner_unit_id = families.partner_unit_id

)

select * from final
