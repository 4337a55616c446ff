{#- A view: addresses stay in the loader's tables. -#}
{{ config(materialized='view') }}
{%- set text = dbt.type_string() -%}
{%- set contact_columns = {
    'source_relation': text,
    'source_table': text,
    'source_contact_id': text,
    'source_account_id': text,
    'merged_into_source_contact_id': text,
    'merged_source_contact_ids': text,
    'emails': text,
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'is_current_version': 'boolean',
    'is_deleted': 'boolean',
    'row_problem': text,
    'notes': text,
} -%}
{%- if var('account_mapping__people') -%}
    {%- do contact_columns.update({'job_title': text}) -%}
{%- endif -%}
{%- set lead_columns = ['company', 'website', 'country', 'state', 'city', 'postal_code', 'owner_id']
    if account_mapping.leads_mode() != 'off' else [] -%}
with

merge_roots as (

    select * from {{ ref('int_account_mapping__merge_roots') }}
    where kind = 'contacts'

),

contacts as (

    {% for crm, model in account_mapping.crm_models('contacts').items() %}
    select
        {{- account_mapping.typed_columns(contact_columns) }}
        {%- for column in lead_columns %},
        {{ column if crm == 'hubspot' else 'cast(null as ' ~ text ~ ') as ' ~ column }}
        {%- endfor %},
        {{ 'true' if crm == 'hubspot' and lead_columns else 'false' }} as may_be_lead
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {%- do contact_columns.update(dict.fromkeys(lead_columns, text)) -%}
    {%- do contact_columns.update({'may_be_lead': 'boolean'}) %}
    {{ account_mapping.no_rows(contact_columns) }}
    {% endfor %}

),

ranked as (

    {{ account_mapping.ranked_records('contacts', ['source_relation', 'source_contact_id'], [
        'source_account_id', 'emails', 'merged_into_source_contact_id', 'merged_source_contact_ids',
    ] + (['job_title'] if var('account_mapping__people') else []) + lead_columns) | indent(4) }}

),

survivors as (

    {{ account_mapping.survivors('merge_roots', 'ranked', 'source_contact_id') | indent(4) }}

),

resolved as (

    select
        ranked.source_relation,
        ranked.source_table,
        ranked.source_contact_id,
        ranked.source_account_id,
        ranked.emails,
        {% if var('account_mapping__people') -%}
        ranked.job_title,
        {% endif -%}
        {% for column in lead_columns -%}
        ranked.{{ column }},
        {% endfor -%}
        ranked.may_be_lead,
        ranked.updated_at,
        ranked.extracted_at,
        ranked.row_problem,
        ranked.notes,
        ranked.version_rank,
        case
            when ranked.version_rank = 1 and survivors.surviving_state = 'current' then 'merged'
            when ranked.version_rank = 1 and survivors.surviving_state = 'deleted' then 'deleted'
            else ranked.record_state
        end as record_state

    from ranked
    left join survivors
        on
            ranked.source_relation = survivors.source_relation
            and ranked.source_contact_id = survivors.source_id

),

final as (

    select
        *,
        may_be_lead
        and record_state = 'current'
        and source_account_id is null as is_lead

    from resolved

)

select * from final
