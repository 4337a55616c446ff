{#- The tables that only say what others mean: their model, and what makes one record of them. -#}
{%- set lookups = {
    'salesforce': {'stg_account_mapping__salesforce_users': ['source_relation', 'owner_id']},
    'hubspot': {
        'stg_account_mapping__hubspot_owners': ['source_relation', 'owner_id'],
        'stg_account_mapping__hubspot_deal_pipeline_stages': ['source_relation', 'pipeline_id', 'stage_id'],
        'stg_account_mapping__hubspot_deal_pipelines': ['source_relation', 'pipeline_id'],
        'stg_account_mapping__hubspot_deal_companies': [
            'source_relation', 'source_opportunity_id', 'source_account_id', 'association_category',
            'association_type_id',
        ],
    },
    'pipedrive': {
        'stg_account_mapping__pipedrive_users': ['source_relation', 'owner_id'],
        'stg_account_mapping__pipedrive_stages': ['source_relation', 'stage_id'],
    },
    'dynamics_365': {
        'stg_account_mapping__dynamics_365_systemusers': ['source_relation', 'owner_id'],
        'stg_account_mapping__dynamics_365_stringmaps': [
            'source_relation', 'table_name', 'column_name', 'code', 'language_id',
        ],
        'stg_account_mapping__dynamics_365_transactioncurrencies': ['source_relation', 'currency_id'],
    },
} -%}
{%- set text = dbt.type_string() -%}
{%- set columns = {
    'source_relation': text,
    'source_table': text,
    'source_opportunity_id': text,
    'source_account_id': text,
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'row_problem': text,
    'notes': text,
    'record_state': text,
} -%}
{%- set models = [] -%}
{%- for crm in account_mapping.crms_in_use() if crm in lookups -%}
    {%- for model, key in lookups[crm].items() -%}
        {%- do models.append((model, key)) -%}
    {%- endfor -%}
{%- endfor -%}
with

{% for model, key in models %}
lookup_{{ loop.index }} as (

    select * from {{ ref(model) }}

),

ranked_{{ loop.index }} as (

    {{ account_mapping.ranked_records('lookup_' ~ loop.index, key, []) | indent(4) }}

),
{% endfor %}

final as (

    {% for model, key in models %}
    select
        {%- for column, type in columns.items() %}
        {% if column in ['source_opportunity_id', 'source_account_id'] and 'deal_companies' not in model -%}
        cast(null as {{ type }}) as {{ column }}
        {%- else -%}
        cast({{ column }} as {{ type }}) as {{ column }}
        {%- endif -%}
        {{ ',' if not loop.last }}
        {%- endfor %}
    from ranked_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ account_mapping.no_rows(columns) }}
    {% endfor %}

)

select * from final
