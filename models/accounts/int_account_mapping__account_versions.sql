with

crm_accounts as (

    select * from {{ ref('int_account_mapping__crm_accounts') }}
    where source_account_id is not null

),

doubled as (

    select
        source_relation,
        source_account_id

    from crm_accounts
    group by source_relation, source_account_id
    having count(*) > 1

),

-- the last resort that orders versions: most accounts have one only, and hashing is dear
hashed as (

    select
        crm_accounts.*,
        case
            when doubled.source_account_id is not null
                then {{ account_mapping.content_hash([
                    'parent_source_account_id', 'owner_name', 'owner_email', 'account_name', 'website',
                    'additional_domains', 'email_domain', 'country', 'state', 'city', 'postal_code', 'account_type',
                    'lifecycle_stage', 'status', 'segment', 'industry', 'annual_revenue', 'employee_count', 'lei',
                    'duns', 'vat_id', 'linkedin_url', 'customer_since', 'open_amount', 'currency', 'pass_through',
                    'updated_at', 'is_deleted',
                ], 'crm_accounts') }}
        end as row_hash

    from crm_accounts
    left join doubled
        on
            crm_accounts.source_relation = doubled.source_relation
            and crm_accounts.source_account_id = doubled.source_account_id

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
