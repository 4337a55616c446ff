{{ config(materialized='table') }}

{%- set contact_models = {
    'salesforce': 'stg_account_mapping__salesforce_contacts',
    'hubspot': 'int_account_mapping__hubspot_contacts',
    'pipedrive': 'int_account_mapping__pipedrive_contacts',
    'dynamics_365': 'stg_account_mapping__dynamics_365_contacts',
} -%}
{%- set text = dbt.type_string() -%}
{%- set contact_columns = {
    'source_contact_id': text,
    'source_account_id': text,
    'email': text,
    'is_deleted': 'boolean',
} -%}
{%- set crms = crms_in_use() | select('in', contact_models) | list -%}

with

final as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {{- typed_columns(contact_columns) }}

    from {{ ref(contact_models[crm]) }}
    where is_current_version
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ no_rows(dict(source_relation=text, **contact_columns)) }}
    {% endfor %}

)

select * from final
