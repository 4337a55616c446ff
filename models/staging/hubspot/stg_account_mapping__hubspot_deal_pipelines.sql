{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'deal_pipeline') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        pipeline_id,
        stages,

        ---------- booleans
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
