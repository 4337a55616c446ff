{{ config(enabled=account_mapping.uses_crm('pipedrive')) }}

with

source as (

    {{ account_mapping.stage_table('pipedrive', 'stages') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        stage_id,

        ---------- strings
        label,

        ---------- numerics
        {{ account_mapping.win_probability('probability', 100) }} as probability,

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
