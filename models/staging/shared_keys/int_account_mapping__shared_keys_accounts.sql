{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('shared_keys'),
) }}

{%- set text = dbt.type_string() -%}
with

own_key_rows as (

    select * from {{ ref('int_account_mapping__own_key_rows') }}
    where problem is null

),

final as (

    -- of an account that arrives as hashed keys only its token, its parent's token and an agreed status are known
    select
        'shared_keys' as source_relation,
        'shared_keys' as source_table,
        account_token as source_account_id,
        min(parent_account_token) as parent_source_account_id,
        min(status) as status,
        {%- for column in [
            'owner_id', 'owner_name', 'owner_email', 'account_name', 'website', 'additional_domains', 'email_domain',
            'country', 'state', 'city', 'postal_code', 'account_type', 'lifecycle_stage', 'segment', 'industry', 'lei',
            'duns', 'vat_id', 'linkedin_url', 'raw_open_amount', 'currency', 'pass_through', 'annual_revenue',
            'employee_count', 'open_amount', 'customer_since', 'updated_at', 'merged_into_source_account_id',
            'merged_source_account_ids', 'extracted_at', 'row_problem', 'notes',
        ] %}
        cast(null as {{ text }}) as {{ column }},
        {%- endfor %}
        false as is_person_account,
        false as is_deleted,
        true as is_current_version

    from own_key_rows
    group by account_token

)

select * from final
