{{ config(materialized='table') }}

{%- set opportunity_models = {
    'salesforce': 'int_account_mapping__salesforce_opportunities',
    'hubspot': 'int_account_mapping__hubspot_deals',
    'pipedrive': 'stg_account_mapping__pipedrive_deals',
    'dynamics_365': 'int_account_mapping__dynamics_365_opportunities',
} -%}
{%- set text = dbt.type_string() -%}
{%- set opportunity_columns = {
    'source_opportunity_id': text,
    'source_account_id': text,
    'raw_amount': text,
    'amount': 'decimal(28, 2)',
    'currency': text,
    'is_closed': 'boolean',
    'is_won': 'boolean',
    'close_date': 'date',
    'created_date': 'date',
    'is_deleted': 'boolean',
} -%}
{%- set crms = crms_in_use() | select('in', opportunity_models) | list -%}

with

final as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {{- typed_columns(opportunity_columns) }}

    from {{ ref(opportunity_models[crm]) }}
    where is_current_version
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ no_rows(dict(source_relation=text, **opportunity_columns)) }}
    {% endfor %}

)

select * from final
