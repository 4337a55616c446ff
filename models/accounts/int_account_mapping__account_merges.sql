{#- A view. Leads that are records come later, since HubSpot's are contacts, which are merged themselves. -#}
{{ config(materialized='view') }}
{%- set text = dbt.type_string() -%}
with

final as (

    {{ account_mapping.crm_records('accounts', {
        'source_relation': text,
        'source_account_id': text,
        'merged_into_source_account_id': text,
        'merged_source_account_ids': text,
        'is_current_version': 'boolean',
        'updated_at': 'timestamp',
        'extracted_at': 'timestamp',
        'row_problem': text,
    }) }}

)

select * from final
