{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('dynamics_365'),
) }}

with

accounts as (

    select * from {{ ref('stg_account_mapping__dynamics_365_accounts') }}

),

labels as (

    select * from {{ ref('int_account_mapping__dynamics_365_labels') }}

),

currencies as (

    select * from {{ ref('int_account_mapping__dynamics_365_currencies') }}

),

final as (

    select
        accounts.source_relation,
        accounts.source_table,
        accounts.source_account_id,
        accounts.parent_source_account_id,
        accounts.merged_into_source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_account_ids,
        accounts.owner_id,
        accounts.owner_name,
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
        -- a currency that cannot be looked up stays what it is: no currency of a rate, and not the reporting one
        coalesce(accounts.currency, currencies.currency, accounts.currency_id) as currency,
        accounts.pass_through,
        false as is_person_account,
        accounts.updated_at,
        accounts.extracted_at,
        accounts.is_deleted,
        accounts.is_current_version,
        accounts.row_problem,
        accounts.notes

    from accounts
    left join labels as type_labels
        on
            accounts.source_relation = type_labels.source_relation
            and accounts.account_type = type_labels.code
            and type_labels.table_name = 'account'
            and accounts.account_type_attribute = type_labels.column_name
    left join labels as industry_labels
        on
            accounts.source_relation = industry_labels.source_relation
            and accounts.industry = industry_labels.code
            and industry_labels.table_name = 'account'
            and accounts.industry_attribute = industry_labels.column_name
    left join currencies
        on
            accounts.source_relation = currencies.source_relation
            and accounts.currency_id = currencies.currency_id

)

select * from final
