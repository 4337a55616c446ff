{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'deal_pipeline_stage') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        stage_id,
        pipeline_id,

        ---------- strings
        label,

        ---------- numerics
        probability,

        ---------- booleans
        is_closed,
        is_won,
        coalesce(is_archived, false) as is_archived,
        is_deleted,
        is_current_version,

        ---------- timestamps
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
