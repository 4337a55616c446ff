{{ config(materialized='table') }}

{%- set text = dbt.type_string() -%}
{%- set merge_columns = {
    'source_relation': text,
    'source_account_id': text,
    'merged_into_source_account_id': text,
    'is_current_version': 'boolean',
    'updated_at': 'timestamp',
} -%}
{#- The merged row points at its survivor, but in HubSpot, where the survivor lists the rows that it took in. -#}
{%- set account_models = {
    'salesforce': 'stg_account_mapping__salesforce_accounts',
    'hubspot': 'stg_account_mapping__hubspot_companies',
    'dynamics_365': 'stg_account_mapping__dynamics_365_accounts',
} -%}
{%- set crms = crms_in_use() | select('in', account_models) | list -%}

with

{% if 'hubspot' in crms %}
hubspot_companies as (

    select * from {{ ref(account_models['hubspot']) }}

),

hubspot_merged as (

    {{ explode_items(
        'hubspot_companies',
        'merged_source_account_ids',
        keep=['source_account_id', 'is_current_version', 'updated_at'],
    ) }}

),
{% endif %}

merges as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {%- if crm == 'hubspot' %}
        {{ clean_id('item') }} as source_account_id,
        source_account_id as merged_into_source_account_id,
        {%- else %}
        source_account_id,
        merged_into_source_account_id,
        {%- endif %}
        is_current_version,
        updated_at

    from {{ 'hubspot_merged' if crm == 'hubspot' else ref(account_models[crm]) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ no_rows(merge_columns) }}
    {% endfor %}

),

ranked as (

    -- former versions count too: a loader that keeps history closes the merged
    -- row; the latest word wins where versions disagree
    select
        source_relation,
        source_account_id,
        merged_into_source_account_id,
        row_number() over (
            partition by source_relation, source_account_id
            order by
                is_current_version desc,
                updated_at desc nulls last,
                merged_into_source_account_id
        ) as row_rank

    from merges
    where
        source_account_id is not null
        and merged_into_source_account_id is not null
        and source_account_id <> merged_into_source_account_id

),

final as (

    select
        source_relation,
        source_account_id,
        merged_into_source_account_id

    from ranked
    where row_rank = 1

)

select * from final
