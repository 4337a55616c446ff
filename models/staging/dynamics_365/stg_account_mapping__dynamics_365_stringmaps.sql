{{ config(enabled=account_mapping.uses_crm('dynamics_365')) }}

with

source as (

    {{ account_mapping.stage_table('dynamics_365', 'stringmap') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        code,
        language_id,

        ---------- strings
        lower(table_name) as table_name,
        lower(column_name) as column_name,
        label,

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
