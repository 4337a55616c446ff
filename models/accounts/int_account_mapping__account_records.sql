with

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}
    where version_rank = 1

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

final as (

    select
        ---------- ids
        account_ids.account_id,
        account_versions.source_relation,
        account_versions.source_table,
        account_versions.source_account_id,
        account_versions.parent_source_account_id,
        case
            when parents.account_id <> account_ids.account_id then parents.account_id
        end as parent_account_id,

        ---------- text
        account_versions.account_name,
        account_versions.website,
        account_versions.additional_domains,
        account_versions.email_domain,
        account_versions.country,
        account_versions.state,
        account_versions.city,
        account_versions.postal_code,
        account_versions.owner_name,
        account_versions.owner_email,
        account_versions.account_type,
        account_versions.lifecycle_stage,
        account_versions.status,
        account_versions.segment,
        account_versions.industry,
        account_versions.lei,
        account_versions.duns,
        account_versions.vat_id,
        account_versions.linkedin_url,
        account_versions.currency,
        account_versions.raw_open_amount,
        account_versions.pass_through,

        ---------- numerics
        account_versions.annual_revenue,
        account_versions.employee_count,
        account_versions.open_amount,

        ---------- dates and timestamps
        account_versions.customer_since,
        account_versions.updated_at,

        ---------- flags
        account_versions.is_person_account,
        account_versions.has_unknown_owner,
        account_versions.parent_source_account_id is not null
        and parents.account_id is null as has_unknown_parent

    from account_versions
    inner join account_ids
        on
            account_versions.source_relation = account_ids.source_relation
            and account_versions.source_account_id = account_ids.source_account_id
            and not account_ids.is_merged
    left join account_ids as parents
        on
            account_versions.source_relation = parents.source_relation
            and account_versions.parent_source_account_id = parents.source_account_id

)

select * from final
