{{ config(materialized='view') }}

with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}
    where is_readable

),

final as (

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        account_name,
        country,
        state,
        city,
        lei,
        duns,
        vat_id,
        linkedin_url,
        website

    from account_records

    union all

    select
        'partner' as side,
        partner_id,
        account_id,
        account_name,
        country,
        state,
        city,
        lei,
        duns,
        vat_id,
        linkedin_url,
        website

    from partner_records

)

select * from final
