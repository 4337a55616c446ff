{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('hubspot'),
) }}

with

companies as (

    select * from {{ ref('stg_account_mapping__hubspot_companies') }}

),

ids_by_name as (

    -- exports write the parent's name; a name that two companies bear names neither
    select
        source_relation,
        lower(account_name) as name_key,
        min(source_account_id) as source_account_id

    from companies
    where
        account_name is not null
        and not is_deleted
        and is_current_version
    group by source_relation, lower(account_name)
    having count(distinct source_account_id) = 1

),

referenced as (

    select
        companies.*,
        {{ account_mapping.matches_pattern('companies.parent_company', '^[0-9]+$') }} as parent_is_id,
        {{ account_mapping.matches_pattern('companies.owner', '^[0-9]+$') }} as owner_is_id,
        companies.owner like '%_@_%' as owner_is_email

    from companies

),

final as (

    select
        referenced.source_relation,
        referenced.source_table,
        referenced.source_account_id,
        case
            when referenced.parent_is_id then referenced.parent_company
            else coalesce(ids_by_name.source_account_id, referenced.parent_company)
        end as parent_source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_into_source_account_id,
        referenced.merged_source_account_ids,
        case when referenced.owner_is_id then referenced.owner end as owner_id,
        case
            when not (referenced.owner_is_id or referenced.owner_is_email)
                then referenced.owner
        end as owner_name,
        case
            when referenced.owner_is_email then referenced.owner
        end as owner_email,
        referenced.account_name,
        coalesce(referenced.domain, referenced.website) as website,
        -- the website repeats the domain, or says another one that the company uses
        case
            when referenced.domain is not null and referenced.website is not null
                then
                    referenced.website
                    || coalesce(';' || referenced.additional_domains, '')
            else referenced.additional_domains
        end as additional_domains,
        referenced.email_domain,
        referenced.country,
        referenced.state,
        referenced.city,
        referenced.postal_code,
        referenced.account_type,
        referenced.lifecycle_stage,
        referenced.status,
        referenced.segment,
        referenced.industry,
        referenced.annual_revenue,
        referenced.employee_count,
        referenced.lei,
        referenced.duns,
        referenced.vat_id,
        referenced.linkedin_url,
        referenced.customer_since,
        referenced.open_amount,
        referenced.raw_open_amount,
        referenced.currency,
        referenced.pass_through,
        false as is_person_account,
        referenced.updated_at,
        referenced.extracted_at,
        referenced.is_deleted,
        referenced.is_current_version,
        referenced.row_problem,
        referenced.notes

    from referenced
    left join ids_by_name
        on
            referenced.source_relation = ids_by_name.source_relation
            and lower(referenced.parent_company) = ids_by_name.name_key

)

select * from final
