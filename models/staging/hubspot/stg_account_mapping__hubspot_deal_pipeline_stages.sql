{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('hubspot', 'deal_pipeline_stage', candidates={
        'stage_id': ['stage_id', 'id'],
        'pipeline_id': ['pipeline_id'],
        'label': ['label'],
        'probability': ['probability'],
        'is_closed': ['is_closed'],
        'is_won': ['closed_won', 'is_closed_won'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('stage_id') }} as stage_id,
        {{ account_mapping.clean_id('pipeline_id') }} as pipeline_id,

        ---------- strings
        {{ account_mapping.clean_text('label') }} as label,

        ---------- numerics
        {{ account_mapping.to_decimal('probability') }} as probability,

        ---------- booleans
        {{ account_mapping.to_boolean('is_closed') }} as is_closed,
        {{ account_mapping.to_boolean('is_won') }} as is_won,
        coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
