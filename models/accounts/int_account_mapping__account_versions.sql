with

crm_accounts as (

    select * from {{ ref('int_account_mapping__crm_accounts') }}

),

final as (

    {{ account_mapping.ranked_records('crm_accounts', ['source_relation', 'source_account_id'], [
        'parent_source_account_id', 'owner_name', 'owner_email', 'account_name', 'website', 'additional_domains',
        'email_domain', 'country', 'state', 'city', 'postal_code', 'account_type', 'lifecycle_stage', 'status', 'segment',
        'industry', 'annual_revenue', 'employee_count', 'lei', 'duns', 'vat_id', 'linkedin_url', 'customer_since',
        'raw_open_amount', 'currency', 'pass_through', 'is_person_account', 'merged_into_source_account_id',
        'merged_source_account_ids',
    ]) | indent(4) }}

)

select * from final
