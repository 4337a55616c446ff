{{ config(
    materialized='view',
    enabled='dynamics_365' in var('account_mapping__crms', []),
) }}

with

accounts as (

    select * from {{ ref('stg_account_mapping__dynamics_365_accounts') }}

),

labels as (

    select * from {{ ref('int_account_mapping__dynamics_365_labels') }}

),

final as (

    select
        accounts.source_account_id,
        accounts.parent_source_account_id,
        accounts.owner_id,
        cast(null as {{ dbt.type_string() }}) as owner_name,
        cast(null as {{ dbt.type_string() }}) as owner_email,
        accounts.account_name,
        accounts.website,
        accounts.additional_domains,
        accounts.email_domain,
        accounts.country,
        accounts.state,
        accounts.city,
        accounts.postal_code,
        coalesce(type_labels.label, accounts.account_type) as account_type,
        accounts.lifecycle_stage,
        accounts.status,
        accounts.segment,
        coalesce(industry_labels.label, accounts.industry) as industry,
        accounts.annual_revenue,
        accounts.employee_count,
        accounts.lei,
        accounts.duns,
        accounts.vat_id,
        accounts.linkedin_url,
        accounts.customer_since,
        accounts.open_amount,
        accounts.raw_open_amount,
        accounts.currency,
        accounts.pass_through,
        accounts.updated_at,
        accounts.is_deleted,
        accounts.is_current_version

    from accounts
    left join labels as type_labels
        on
            accounts.account_type = type_labels.code
            and type_labels.table_name = 'account'
            and accounts.account_type_attribute = type_labels.column_name
    left join labels as industry_labels
        on
            accounts.industry = industry_labels.code
            and industry_labels.table_name = 'account'
            and accounts.industry_attribute = industry_labels.column_name

)

select * from final
