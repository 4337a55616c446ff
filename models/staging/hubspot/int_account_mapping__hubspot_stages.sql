{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('hubspot'),
) }}
{%- set columns = ['label', 'probability', 'is_closed', 'is_won', 'is_archived'] -%}

with

pipelines as (

    select * from {{ ref('stg_account_mapping__hubspot_deal_pipelines') }}

),

ranked_pipelines as (

    {{ account_mapping.ranked_records('pipelines', ['source_relation', 'pipeline_id'], ['stages']) | indent(4) }}

),

latest_pipelines as (

    select * from ranked_pipelines
    where record_state = 'current'

),

listed_stages as (

    {{ account_mapping.explode_items('latest_pipelines', 'stages', keep=['source_relation', 'pipeline_id']) }}

),

-- Airbyte keeps the stages of a pipeline in one cell
nested_stages as (

    select
        source_relation,
        pipeline_id,
        {{ account_mapping.clean_id(account_mapping.object_field('item', ['id', 'stageId', 'stage_id'])) }} as stage_id,
        {{ account_mapping.object_field('item', ['label']) }} as label,
        {{ account_mapping.typed_column(
            account_mapping.object_field('item', ['metadata.probability', 'probability']), 'rate'
        ) }} as probability,
        {{ account_mapping.to_boolean(account_mapping.object_field('item', ['metadata.isClosed', 'isClosed'])) }}
            as is_closed,
        cast(null as boolean) as is_won,
        coalesce({{ account_mapping.to_boolean(account_mapping.object_field('item', ['archived'])) }}, false)
            as is_archived,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at,
        false as is_deleted,
        true as is_current_version,
        cast(null as {{ dbt.type_string() }}) as row_problem

    from listed_stages

),

stages as (

    select
        source_relation,
        pipeline_id,
        stage_id,
        label,
        probability,
        is_closed,
        is_won,
        is_archived,
        updated_at,
        extracted_at,
        is_deleted,
        is_current_version,
        row_problem

    from {{ ref('stg_account_mapping__hubspot_deal_pipeline_stages') }}

    union all

    select * from nested_stages
    where stage_id is not null

),

ranked as (

    {{ account_mapping.ranked_records('stages', ['source_relation', 'pipeline_id', 'stage_id'], columns) | indent(4) }}

),

final as (

    -- a stage that was deleted still says what its deals are
    select
        source_relation,
        pipeline_id,
        stage_id,
        label,
        probability,
        coalesce(is_won, probability = 1 and is_closed) as is_won,
        is_closed

    from ranked
    where version_rank = 1

)

select * from final
