{{ config(materialized='table') }}

{%- set text = dbt.type_string() -%}
{%- set account_columns = {
    'source_relation': text,
    'source_table': text,
    'source_account_id': text,
    'parent_source_account_id': text,
    'merged_into_source_account_id': text,
    'merged_source_account_ids': text,
    'owner_id': text,
    'owner_name': text,
    'owner_email': text,
    'account_name': text,
    'website': text,
    'additional_domains': text,
    'email_domain': text,
    'country': text,
    'state': text,
    'city': text,
    'postal_code': text,
    'account_type': text,
    'lifecycle_stage': text,
    'status': text,
    'segment': text,
    'industry': text,
    'annual_revenue': 'decimal(28, 2)',
    'employee_count': 'bigint',
    'lei': text,
    'duns': text,
    'vat_id': text,
    'linkedin_url': text,
    'customer_since': 'date',
    'open_amount': 'decimal(28, 2)',
    'raw_open_amount': text,
    'currency': text,
    'pass_through': text,
    'is_person_account': 'boolean',
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'is_current_version': 'boolean',
    'is_deleted': 'boolean',
    'row_problem': text,
    'notes': text,
} -%}
{#- What a lead is as an account: a company that nobody has bought anything from. -#}
{%- set lead_values = {
    'source_account_id': 'source_lead_id',
    'account_name': 'company',
    'email_domain': 'email_host',
    'is_person_account': 'false',
    'is_current_version': 'true',
    'is_deleted': 'false',
} -%}
{%- set lead_columns = [
    'source_relation', 'source_table', 'owner_id', 'owner_name', 'website', 'country', 'state', 'city', 'postal_code',
    'updated_at', 'extracted_at', 'row_problem', 'notes',
] -%}
{%- do account_mapping.check_crms() -%}
{%- do account_mapping.check_currency() -%}
{%- do account_mapping.check_marts_database() -%}
{%- do account_mapping.check_engine() -%}

with

accounts as (

    {{ account_mapping.crm_records('accounts', account_columns) }}
    {%- if account_mapping.leads_mode() == 'records' %}

    union all

    select
        {%- for column, type in account_columns.items() %}
        cast({{ lead_values.get(column, column if column in lead_columns else 'null') }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('int_account_mapping__lead_rows') }}
    where record_state = 'current'
    {%- endif %}

),

owners as (

    select * from {{ ref('int_account_mapping__owners') }}

),

owners_by_name as (

    -- exports name the owner instead of giving an id; namesakes are left alone
    select
        source_relation,
        lower(owner_name) as owner_name_key,
        min(owner_email) as owner_email

    from owners
    where owner_name is not null
    group by source_relation, lower(owner_name)
    having count(*) = 1

),

final as (

    select
        accounts.source_relation,
        accounts.source_table,
        accounts.source_account_id,
        accounts.parent_source_account_id,
        accounts.merged_into_source_account_id,
        accounts.merged_source_account_ids,
        coalesce(owners.owner_name, accounts.owner_name) as owner_name,
        coalesce(
            owners.owner_email,
            accounts.owner_email,
            owners_by_name.owner_email
        ) as owner_email,
        accounts.account_name,
        accounts.website,
        accounts.additional_domains,
        accounts.email_domain,
        accounts.country,
        accounts.state,
        accounts.city,
        accounts.postal_code,
        accounts.account_type,
        accounts.lifecycle_stage,
        accounts.status,
        accounts.segment,
        accounts.industry,
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
        accounts.is_person_account,
        accounts.updated_at,
        accounts.extracted_at,
        accounts.is_current_version,
        accounts.is_deleted,
        accounts.owner_id is not null and owners.owner_id is null as has_unknown_owner,
        accounts.row_problem,
        accounts.notes

    from accounts
    left join owners
        on
            accounts.source_relation = owners.source_relation
            and accounts.owner_id = owners.owner_id
    left join owners_by_name
        on
            accounts.source_relation = owners_by_name.source_relation
            and accounts.owner_id is null
            and lower(accounts.owner_name) = owners_by_name.owner_name_key

)

select * from final
