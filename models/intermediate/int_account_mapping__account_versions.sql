with

crm_accounts as (

    select * from {{ ref('int_account_mapping__crm_accounts') }}
    where source_account_id is not null

),

hashed as (

    select
        *,
        {{ account_mapping.content_hash([
            'parent_source_account_id', 'owner_name', 'owner_email', 'account_name', 'website',
            'additional_domains', 'email_domain', 'country', 'state', 'city', 'postal_code', 'account_type',
            'lifecycle_stage', 'status', 'segment', 'industry', 'annual_revenue', 'employee_count', 'lei',
            'duns', 'vat_id', 'linkedin_url', 'customer_since', 'open_amount', 'currency', 'pass_through',
            'updated_at', 'is_deleted',
        ]) }} as row_hash

    from crm_accounts

),

final as (

    select
        *,
        row_number() over (
            partition by source_relation, source_account_id
            order by updated_at desc nulls last, row_hash
        ) as version_rank

    from hashed

)

select * from final
