{{ config(materialized='table') }}

{%- set crms = crms_in_use() -%}
{%- set text = dbt.type_string() -%}
{%- set merge_columns = {
    'source_relation': text,
    'source_account_id': text,
    'merged_into_source_account_id': text,
    'is_current_version': 'boolean',
    'updated_at': 'timestamp',
} -%}
{#- The merged row points at its survivor here; in HubSpot the survivor lists the rows that it took in. -#}
{%- set pointing_models = {
    'salesforce': 'stg_account_mapping__salesforce_accounts',
    'dynamics_365': 'stg_account_mapping__dynamics_365_accounts',
} -%}

with

{% if 'hubspot' in crms %}
hubspot_companies as (

    select * from {{ ref('stg_account_mapping__hubspot_companies') }}

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

    {{ no_rows(merge_columns) }}

    {% for crm in pointing_models if crm in crms %}
    union all
    select
        '{{ crm }}' as source_relation,
        source_account_id,
        merged_into_source_account_id,
        is_current_version,
        updated_at

    from {{ ref(pointing_models[crm]) }}
    {% endfor %}

    {% if 'hubspot' in crms %}
    union all
    select
        'hubspot' as source_relation,
        {{ clean_id('item') }} as source_account_id,
        source_account_id as merged_into_source_account_id,
        is_current_version,
        updated_at

    from hubspot_merged
    {% endif %}

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
